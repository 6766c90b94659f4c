"""DeepSpeech2: LibriSpeech's files, spectrograms, decoding against all alignments, word error rate."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from pathlib import Path
from typing import Any

import jiwer
import numpy as np
import pytest
import soundfile
import torch
from workload_tasks import losses, quality, task_of

from mlperf_runners.errors import DatasetMissingError, SettingsError
from mlperf_runners.training.context import Context
from mlperf_runners.workloads.deepspeech2 import WORKLOAD
from mlperf_runners.workloads.deepspeech2.decoding import beam_search, best_path
from mlperf_runners.workloads.deepspeech2.librispeech import Speech, spectrogram
from mlperf_runners.workloads.deepspeech2.model import DeepSpeech2
from mlperf_runners.workloads.deepspeech2.symbols import BLANK, SYMBOLS, decode, encode
from mlperf_runners.workloads.deepspeech2.tones import HIGHEST, LOWEST, spoken, write_corpus

SMALL = {
    "layers": 2,
    "width": 32,
    "channels": 2,
    "batch_size": 6,
    "learning_rate": 0.01,
    "loader_processes": 0,
}


@pytest.fixture
def librispeech(tmp_path: Path) -> Path:
    write_corpus(tmp_path, {"train-clean-100": 16, "train-clean-360": 8, "dev-clean": 7}, 16_000, 1)
    return tmp_path


def heard(folder: Path, part: str = "dev-clean") -> Speech:
    return Speech(folder, part, 16_000, 320, 160)


# ---------------------------------------------------------------- training and evaluation


def test_it_learns_from_librispeech_files(librispeech: Path) -> None:
    task = task_of("deepspeech2", librispeech, **SMALL)
    assert (task.train_samples, task.eval_samples, task.steps_per_epoch) == (24, 7, 4)
    recordings, together = next(iter(task.batches(0)))
    assert together == 6
    assert recordings.spectrograms.shape == (6, 161, int(recordings.frames.max()))
    assert int(recordings.lengths.sum()) == len(recordings.symbols)
    found = losses(task)
    assert np.mean(found[-4:]) < np.mean(found[:4])


def test_the_word_error_rate_is_that_of_jiwer(librispeech: Path) -> None:
    task = task_of("deepspeech2", librispeech, **SMALL)
    answers = {}
    for number, utterance in enumerate(task._eval.utterances):
        words = utterance.words.split()
        # One word wrong, one too many, nothing at all, or all right.
        answers[utterance.words] = [["X", *words[1:]], [*words, "Y"], [], words][number % 4]
    task.transcripts = lambda recordings: [" ".join(answers[words]) for words in recordings.words]
    said = [utterance.words for utterance in task._eval.utterances]
    expected = jiwer.wer(said, [" ".join(answers[words]) for words in said])
    assert quality(task) == pytest.approx(expected, abs=1e-12)
    counts = [len(words.split()) for words in said]
    wrong = sum([1, 1, count, 0][number % 4] for number, count in enumerate(counts))
    assert expected == pytest.approx(wrong / sum(counts))


def test_transcripts_do_not_depend_on_the_recordings_beside_them(librispeech: Path) -> None:
    task = task_of("deepspeech2", librispeech, **SMALL)
    losses(task, 4)
    task.model.eval()
    (together,) = task._eval.batches([np.arange(7)], 0)
    assert len(set(together.frames.tolist())) > 1
    with torch.no_grad():
        logits, lengths = task._heard(together)
        for number, recordings in enumerate(task._eval.batches([np.array([one]) for one in range(7)], 0)):
            alone, length = task._heard(recordings)
            assert length.item() == lengths[number] == -(-int(recordings.frames) // 2)
            assert torch.allclose(alone[0], logits[number, : lengths[number]], atol=1e-5)


def test_the_first_epoch_goes_from_short_to_long(librispeech: Path) -> None:
    task = task_of("deepspeech2", librispeech, **SMALL)
    first, second = ([int(batch.frames.max()) for batch, _ in task.batches(epoch)] for epoch in (0, 1))
    assert first == sorted(first)
    assert second != first
    assert sorted(second) == first


def test_processes_that_load_change_nothing(librispeech: Path) -> None:
    speech = heard(librispeech)
    numbers = [np.array([4, 2]), np.array([0, 1, 6])]
    for alone, loaded in zip(speech.batches(numbers, 0), speech.batches(numbers, 2), strict=True):
        assert torch.equal(alone.spectrograms, loaded.spectrograms)
        assert alone.words == loaded.words


def test_the_small_version_reads_files_in_the_same_layout_and_leaves_none() -> None:
    chosen = WORKLOAD.changed("mini", {"utterances": 8, "eval_utterances": 4})
    task: Any = WORKLOAD.create(chosen, "mini", Context.start(1, "cpu", 1))
    folder = Path(task._generated.name)
    assert len(list(folder.glob("train-clean-100/*/*/*.flac"))) == 8
    assert soundfile.info(next(folder.glob("dev-clean/*/*/*.flac"))).format == "FLAC"
    task.load_data()
    assert not folder.exists()
    assert (task.train_samples, task.eval_samples) == (8, 4)
    assert 0 <= quality(task) < 10


def test_every_process_has_a_recording_of_every_batch() -> None:
    """Two processes and batches of two: 9 utterances make four batches, one of three."""
    chosen = WORKLOAD.changed("mini", {"utterances": 9, "eval_utterances": 5, "batch_size": 2})
    shares = []
    for rank in range(2):
        task: Any = WORKLOAD.create(chosen, "mini", Context.start(1, "cpu", 1))
        task._context = Context(1, torch.device("cpu"), rank, world=2)
        task.load_data()
        shares.append([len(recordings.words) for recordings, _ in task.batches(1)])
        assert len(list(task._loaded(task._eval, task._eval_numbers))) == 2
    assert [min(sizes) for sizes in shares] == [1, 1]
    assert sum(map(sum, shares)) == 9


def test_the_published_model_has_these_parameters() -> None:
    """A direction of a GRU of width w over i inputs has 3 w (i + w + 2); 161 bins become 21 per channel."""
    full: Any = WORKLOAD.settings("full")
    with torch.device("meta"):
        model = DeepSpeech2(161, SYMBOLS, full.channels, full.width, full.layers)
    convolutions = (32 * 41 * 11 + 32) + (32 * 32 * 21 * 11 + 32) + 2 * 2 * 32
    first, other = (2 * 3 * 2560 * (inputs + 2560 + 2) for inputs in (21 * 32, 2560))
    recurrent = first + 2 * (other + 2 * 2560)
    output = 2 * 2560 + 2560 * 29
    assert sum(parameter.numel() for parameter in model.parameters()) == convolutions + recurrent + output


def test_full_settings_are_of_one_revision_of_the_reference() -> None:
    """params.py of the last revision (the first had 5 layers of 800, 3e-4, norm 200 and batches of 5)."""
    full: Any = WORKLOAD.settings("full")
    assert (full.layers, full.width, full.gradient_limit, full.batch_size) == (3, 2560, 400, 8)
    assert (full.learning_rate, full.momentum, full.anneal, full.max_epochs) == (1e-4, 0.9, 1.1, 10)


# ---------------------------------------------------------------- decoding


@pytest.mark.parametrize("seed", range(6))
def test_a_wide_beam_finds_what_adding_up_all_alignments_finds(seed: int) -> None:
    random = np.random.default_rng(seed)
    logits = torch.from_numpy(random.normal(0, 1.5, (5, 4)).astype(np.float32))
    frames = logits.log_softmax(1).numpy()
    texts: defaultdict[tuple[int, ...], float] = defaultdict(float)
    for alignment in itertools.product(range(4), repeat=5):
        merged = [symbol for symbol, _ in itertools.groupby(alignment)]
        text = tuple(symbol for symbol in merged if symbol != BLANK)
        texts[text] += math.exp(sum(frames[frame, symbol] for frame, symbol in enumerate(alignment)))
    assert sum(texts.values()) == pytest.approx(1, rel=1e-5)
    best = max(texts, key=texts.__getitem__)
    assert beam_search(frames, beams=10_000) == best
    # What the CTC loss says of the same text.
    loss = torch.nn.functional.ctc_loss(
        torch.from_numpy(frames)[:, None],
        torch.tensor([best]),
        torch.tensor([5]),
        torch.tensor([len(best)]),
        reduction="sum",
    )
    assert math.exp(-loss.item()) == pytest.approx(texts[best], rel=1e-4)


def test_the_best_path_may_be_a_worse_text() -> None:
    """Blank twice has .36; the letter once or twice .24 + .24 + .16."""
    frames = np.log(np.array([[0.6, 0.4], [0.6, 0.4]], np.float32))
    assert best_path(frames) == ()
    assert beam_search(frames, 4) == (1,)


def test_a_letter_twice_needs_a_blank_between() -> None:
    path = [1, 1, BLANK, 1, 2, BLANK]
    frames = np.full((6, 3), np.log(0.01), np.float32)
    frames[range(6), path] = np.log(0.98)
    assert best_path(frames) == beam_search(frames, 3) == (1, 1, 2)


def test_texts_come_back_with_single_spaces() -> None:
    assert decode(encode("DON'T STOP")) == "DON'T STOP"
    assert decode(encode(" A  B ")) == "A B"
    assert max(encode("Z ")) == SYMBOLS - 1
    assert encode("NO. 7") == encode("") == ()


# ---------------------------------------------------------------- sound


def test_spectrograms_are_those_of_pytorch() -> None:
    samples = np.random.default_rng(0).normal(0, 0.1, 1000).astype(np.float32)
    found = spectrogram(samples, window=200, stride=100)
    shape = torch.hamming_window(200, periodic=False)
    magnitudes = torch.stft(
        torch.from_numpy(samples), 200, 100, window=shape, center=False, return_complex=True
    ).abs()
    logarithms = torch.log1p(magnitudes)
    expected = (logarithms - logarithms.mean()) / logarithms.std(correction=0)
    assert found.shape == (101, 9)
    assert np.allclose(found, expected.numpy(), atol=1e-4)


@pytest.mark.parametrize(("samples", "frames"), [(1, 1), (200, 1), (201, 2), (300, 2), (301, 3)])
def test_the_end_of_a_recording_is_not_lost(samples: int, frames: int) -> None:
    found = spectrogram(np.ones(samples, np.float32), window=200, stride=100)
    assert found.shape == (101, frames)
    assert np.isfinite(found).all()


@pytest.mark.parametrize(("letter", "hertz"), [("A", LOWEST), ("L", HIGHEST)])
def test_a_letter_is_a_tone(letter: str, hertz: float) -> None:
    samples = spoken(letter * 5, 1.0, 16_000, np.random.default_rng(0))
    loudest = spectrogram(samples, 1600, 1600).mean(1).argmax()
    assert loudest * 10 == pytest.approx(hertz, rel=0.05)


# ---------------------------------------------------------------- files that are not as they should be


def _without_recording(folder: Path) -> None:
    (folder / "1-100-0000.flac").unlink()


def test_blank_lines_of_a_list_are_passed_over(librispeech: Path) -> None:
    transcripts = librispeech / "dev-clean" / "1" / "100" / "1-100.trans.txt"
    before = heard(librispeech).utterances
    transcripts.write_bytes(b"\r\n" + transcripts.read_bytes().replace(b"\n", b"\r\n \r\n\n"))
    assert heard(librispeech).utterances == before


def _damaged(folder: Path) -> None:
    (folder / "1-100-0000.flac").write_bytes(b"fLaC" + bytes(60))


def _other_rate(folder: Path) -> None:
    soundfile.write(folder / "1-100-0000.flac", np.zeros(100), 8000)


def _stereo(folder: Path) -> None:
    soundfile.write(folder / "1-100-0000.flac", np.zeros((100, 2)), 16_000)


def _foreign_letters(folder: Path) -> None:
    (folder / "1-100.trans.txt").write_text("1-100-0000 GRÜSSE\n", encoding="utf-8")


def _no_words(folder: Path) -> None:
    (folder / "1-100.trans.txt").write_text("1-100-0000\n")


def _other_encoding(folder: Path) -> None:
    (folder / "1-100.trans.txt").write_bytes("1-100-0000 ÄH".encode("utf-16"))


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (_without_recording, r"1-100-0000\.flac: is not there, but 1-100\.trans\.txt lists it"),
        (_damaged, r"1-100-0000\.flac"),
        (_other_rate, "8000 samples a second, not 16000"),
        (_stereo, "several channels"),
        (_foreign_letters, "words of A to Z"),
        (_no_words, "words of A to Z"),
        (_other_encoding, "is not UTF-8"),
    ],
)
def test_files_that_are_wrong_are_named(librispeech: Path, harm: Any, words: str) -> None:
    harm(librispeech / "dev-clean" / "1" / "100")
    with pytest.raises(DatasetMissingError, match=words):
        heard(librispeech).keep()


def test_a_recording_that_is_damaged_later_is_named_in_one_line(librispeech: Path) -> None:
    speech = heard(librispeech)
    speech.utterances[0].path.write_bytes(b"fLaC" + bytes(60))
    with pytest.raises(DatasetMissingError) as raised:
        list(speech.batches([np.array([0, 1])], 1))
    assert str(raised.value).startswith(str(speech.utterances[0].path))
    assert "\\n" not in str(raised.value)
    assert "Traceback" not in str(raised.value)


def test_a_missing_part_is_named(librispeech: Path) -> None:
    with pytest.raises(DatasetMissingError, match=r"test-clean/<speaker>/<chapter>/\*\.trans\.txt"):
        heard(librispeech, "test-clean")
    settings = WORKLOAD.changed("full", {"data": str(librispeech / "dev-clean")})
    with pytest.raises(DatasetMissingError, match=r"deepspeech2 needs train-\*.*dev-clean.*openslr.*--mini"):
        WORKLOAD.check_dataset(settings, "full")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"window_seconds": 0.005}, "at least 160 samples"),
        ({"stride_seconds": 1e-6}, "shorter than one sample"),
        ({"beams": 0}, "must be positive"),
        ({"anneal": 0.5}, "anneal at least 1"),
        ({"eval_utterances": 0}, "eval_utterances positive"),
    ],
)
def test_impossible_settings_are_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        WORKLOAD.changed("full", changes)
