"""Both translators: full mode on parallel files, BLEU, beam search against trying all, parts of GNMT."""

from __future__ import annotations

import errno
import math
import os
import tempfile
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from workload_tasks import losses, quality, task_of

from mlperf_runners.errors import DatasetMissingError, SettingsError
from mlperf_runners.workloads.batches import like_lengths
from mlperf_runners.workloads.gnmt.model import Gnmt
from mlperf_runners.workloads.registry import workload
from mlperf_runners.workloads.transformer.model import Transformer
from mlperf_runners.workloads.translation.beam import Scoring, translate
from mlperf_runners.workloads.translation.grammar import Grammar
from mlperf_runners.workloads.translation.text import (
    END,
    START,
    ParallelText,
    Pieces,
    batches_by_length,
    read_parallel,
    train_pieces,
)


@pytest.fixture
def wmt(tmp_path: Path) -> Path:
    """A made-up language in files of the names and the form of WMT17."""
    pairs = Grammar(np.random.default_rng(0)).pairs(120)
    for name, part in (("train", pairs[:100]), ("newstest2014", pairs[100:])):
        for language, side in zip(("en", "de"), zip(*part, strict=True), strict=True):
            (tmp_path / f"{name}.{language}").write_text("\n".join(side) + "\n", encoding="utf-8")
    return tmp_path


COMMON = {"vocabulary": 200, "layers": 2, "width": 32, "longest": 64, "warmup_steps": 4}
SMALL: dict[str, dict[str, Any]] = {
    "transformer": {**COMMON, "heads": 2, "inner_width": 64, "batch_size": 512},
    "gnmt": {**COMMON, "layers": 3, "batch_size": 30, "learning_rate": 0.01},
}
both = pytest.mark.parametrize("name", SMALL)


@both
def test_a_translator_learns_from_parallel_files(name: str, wmt: Path) -> None:
    task = task_of(name, wmt, **SMALL[name])
    assert (task.train_samples, task.eval_samples) == (100, 20)
    found = losses(task)
    assert np.mean(found[-3:]) < np.mean(found[:3])
    assert (wmt / "sentencepiece-200.model").is_file()


def test_millions_of_sentences_fit_into_memory() -> None:
    """The real corpora have some hundred million pieces: a Python number of 28 bytes for each is too much."""
    pairs = Grammar(np.random.default_rng(0)).pairs(500)
    text = ParallelText(*([list(side) for side in zip(*pairs, strict=True)]))
    pieces = Pieces(train_pieces(text, 600))
    sentences = [" ".join(text.sources[first : first + 5]) for first in range(0, 500, 5)] * 20
    tracemalloc.start()
    encoded = pieces.encode(sentences)
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 12 * sum(map(len, encoded))
    assert pieces.decode([list(map(int, one[:-1])) for one in encoded[:3]]) == sentences[:3]


def test_text_that_is_not_utf_8_is_named(wmt: Path) -> None:
    (wmt / "train.de").write_bytes("Übung\n".encode("latin-1"))
    with pytest.raises(DatasetMissingError, match=r"train\.de: is not UTF-8 .*; replace the file"):
        read_parallel(wmt, "train")


@both
def test_pieces_that_cannot_be_kept_are_told(name: str, wmt: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Datasets are often on file systems that can only be read."""

    def refused(*arguments: object, **options: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(tempfile, "mkstemp", refused)
    with pytest.raises(DatasetMissingError, match=r"sentencepiece-200\.model: .*Read-only.*first run"):
        task_of(name, wmt, **SMALL[name])
    monkeypatch.undo()
    task_of(name, wmt, **SMALL[name])
    monkeypatch.setattr(tempfile, "mkstemp", refused)
    assert task_of(name, wmt, **SMALL[name]).train_samples == 100


@both
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"vocabulary": 20_000}, "vocabulary 20000 .*20000"),
        ({"longest": 1}, "longest 1: .* 100 .*; raise it"),
    ],
)
def test_settings_that_the_text_does_not_allow_are_told(
    changes: dict[str, Any], words: str, name: str, wmt: Path
) -> None:
    with pytest.raises(SettingsError, match=words):
        task_of(name, wmt, **{**SMALL[name], **changes})


def test_the_transformer_averages_over_target_pieces_and_gnmt_over_sentences(wmt: Path) -> None:
    sources, targets, units = next(task_of("transformer", wmt, **SMALL["transformer"]).batches(0))
    assert sources.shape[0] == targets.shape[0]
    assert max(sources.numel(), targets.numel()) <= 512
    assert units == int((targets != 0).sum())
    sources, targets, units = next(task_of("gnmt", wmt, **SMALL["gnmt"]).batches(0))
    # 100 sentences in batches of at most 30: four of 25.
    assert sources.shape[0] == targets.shape[0] == units == 25


@both
def test_bleu_is_uncased_with_international_tokens(name: str, wmt: Path) -> None:
    """As the references count: quotation marks of every language are tokens, which 13a leaves on words."""
    import sacrebleu

    references = ["„Ja“, sagte er – und ging.", *(wmt / "newstest2014.de").read_text().splitlines()[1:]]
    (wmt / "newstest2014.de").write_text("".join(f"{line}\n" for line in references), encoding="utf-8")
    task = task_of(name, wmt, **SMALL[name])
    # Perfect but for quotation marks, the case of letters and one missing word.
    answers = ['"Ja", sagte er – und ging.', references[1].rsplit(" ", 1)[0], *map(str.upper, references[2:])]
    task.translations = lambda sentences: answers
    expected, otherwise = (
        sacrebleu.BLEU(lowercase=True, tokenize=tokenize).corpus_score(answers, [references]).score / 100
        for tokenize in ("intl", "13a")
    )
    assert quality(task) == pytest.approx(expected, abs=1e-12)
    assert expected < 1
    assert abs(otherwise - expected) > 0.001


def test_tokens_do_not_matter_to_the_small_version() -> None:
    """The words of the made-up languages are ASCII letters."""
    from sacrebleu import corpus_bleu

    targets = [target for _, target in Grammar(np.random.default_rng(0)).pairs(50)]
    answers = [" ".join(target.split()[::-1]) for target in targets[:20]] + targets[20:]
    intl, plain = (
        corpus_bleu(answers, [targets], lowercase=True, tokenize=tokenize).score
        for tokenize in ("intl", "13a")
    )
    assert intl == plain


@both
def test_translations_come_in_the_order_of_their_sources(name: str, wmt: Path) -> None:
    task = task_of(name, wmt, **SMALL[name])
    task.model.eval()
    sources = (wmt / "newstest2014.en").read_text().splitlines()
    together = task.translations(sources)
    assert together == [task.translations([source])[0] for source in sources]


def _transformer() -> Transformer:
    return Transformer(vocabulary=6, layers=1, width=8, heads=2, inner=8, dropout=0.0)


def _gnmt() -> Gnmt:
    return Gnmt(vocabulary=6, layers=3, width=8, dropout=0.0)


@pytest.mark.parametrize(
    ("make", "scoring"), [(_transformer, Scoring(0.6)), (_gnmt, Scoring(0.6)), (_gnmt, Scoring(0.6, 2.0))]
)
def test_a_wide_beam_finds_what_trying_everything_finds(make: Callable[[], Any], scoring: Scoring) -> None:
    """All translations of up to one piece more than the source, of a vocabulary of six, one by one."""
    torch.manual_seed(1)
    model = make().eval()
    sources = torch.tensor([[4, 5, END], [5, END, 0]])
    found = translate(model, sources, 300, scoring, extra_length=1)
    for source, translation in zip(([4, 5, END], [5, END]), found, strict=True):
        every: list[list[int]] = [[]]
        complete: dict[tuple[int, ...], float] = {}
        for _ in range(1, len(source) + 2):
            for prefix in every:
                complete[tuple(prefix)] = _score(model, source, [*prefix, END], scoring)
            every = [[*prefix, piece] for prefix in every for piece in range(6) if piece != END]
        assert tuple(translation) == max(complete, key=complete.__getitem__)


@torch.no_grad()
def _score(model: Any, source: list[int], translation: list[int], scoring: Scoring) -> float:
    """Equation 14 of Wu et al. (2016)."""
    memory = model.encode(torch.tensor([source]))
    logits = model.decode(torch.tensor([[START, *translation[:-1]]]), memory, 0)[0]
    steps = logits.log_softmax(-1)
    score = sum(steps[at, piece].item() for at, piece in enumerate(translation))
    score /= ((5 + len(translation)) / 6) ** scoring.length_penalty
    if scoring.coverage_penalty:
        assert memory.coverage.sum().item() == pytest.approx(len(translation), rel=1e-5)
        score += scoring.coverage_penalty * sum(math.log(min(had, 1)) for had in memory.coverage[0].tolist())
    return score


def test_coverage_changes_which_translation_wins() -> None:
    """So that the search above is put to the test with a weight that matters."""
    torch.manual_seed(1)
    model = _gnmt().eval()
    sources = torch.tensor([[4, 5, END], [5, END, 0]])
    without, with_it = (translate(model, sources, 300, Scoring(0.6, weight), 1) for weight in (0.0, 2.0))
    assert without != with_it


# ---------------------------------------------------------------- GNMT


def test_the_published_gnmt_has_these_parameters() -> None:
    """An LSTM of width w over i inputs has 4 w (i + w + 2) of them; two share the embedding."""

    def lstm(inputs: int) -> int:
        return 4 * 1024 * (inputs + 1024 + 2)

    with torch.device("meta"):
        model = Gnmt(vocabulary=32_000, layers=4, width=1024, dropout=0.2)
    encoder = 2 * lstm(1024) + lstm(2048) + 2 * lstm(1024)
    decoder = lstm(1024) + 3 * lstm(2048)
    attention = 2 * 1024**2 + 2 * 1024 + 1
    words = 32_000 * 1024 + (32_000 * 1024 + 32_000)
    assert sum(parameter.numel() for parameter in model.parameters()) == encoder + decoder + attention + words


@pytest.fixture
def gnmt() -> Iterator[Gnmt]:
    torch.manual_seed(2)
    with torch.no_grad():
        yield Gnmt(vocabulary=9, layers=4, width=8, dropout=0.0).eval()


def test_pieces_one_by_one_give_what_all_at_once_give(gnmt: Gnmt) -> None:
    sources, targets = torch.randint(4, 9, (3, 6)), torch.randint(4, 9, (3, 5))
    memory = gnmt.encode(sources)
    steps = [gnmt.decode(targets[:, at : at + 1], memory, at) for at in range(5)]
    assert torch.allclose(torch.cat(steps, 1), gnmt(sources, targets), atol=1e-6)


def test_padding_changes_nothing(gnmt: Gnmt) -> None:
    targets = torch.tensor([[START, 7, 8]])
    alone = gnmt(torch.tensor([[5, 6, END]]), targets)
    padded = gnmt(torch.tensor([[5, 6, END, 0, 0], [5, 6, 7, 8, END]]), targets.expand(2, -1))[:1]
    assert torch.allclose(alone, padded, atol=1e-6)


def test_the_first_encoder_layer_reads_both_ways_and_the_others_forwards(gnmt: Gnmt) -> None:
    first, other = (gnmt.encode(torch.tensor([[4, 5, last, END]])).encoded[0] for last in (6, 7))
    assert not torch.allclose(first[0], other[0], atol=1e-5)
    gnmt.encoder[0].weight_ih_l0_reverse.zero_()
    first, other = (gnmt.encode(torch.tensor([[4, 5, last, END]])).encoded[0] for last in (6, 7))
    assert torch.equal(first[:2], other[:2])
    assert not torch.allclose(first[2], other[2], atol=1e-5)


def test_layers_from_the_third_on_add_to_what_is_below(gnmt: Gnmt) -> None:
    """An LSTM whose weights are all zero puts out zeros: with residuals it is as if it were not there."""
    sources, targets = torch.tensor([[4, 5, END]]), torch.tensor([[START, 6, 7]])
    for stack in (gnmt.encoder, gnmt.decoder):
        for layer in stack[2:]:
            for parameter in layer.parameters():
                parameter.zero_()
    shorter = Gnmt(vocabulary=9, layers=2, width=8, dropout=0.0).eval()
    shorter.load_state_dict(
        {name: value for name, value in gnmt.state_dict().items() if name in shorter.state_dict()}
    )
    assert torch.allclose(gnmt(sources, targets), shorter(sources, targets))
    gnmt.decoder[1].weight_hh_l0.zero_()
    gnmt.decoder[1].weight_ih_l0.zero_()
    gnmt.decoder[1].bias_ih_l0.zero_()
    assert torch.allclose(gnmt(sources, targets), gnmt.output.bias), "the second one is not a residual one"


def test_attention_does_not_depend_on_the_length_of_its_direction(gnmt: Gnmt) -> None:
    memory = gnmt.encode(torch.tensor([[4, 5, 6, END]]))
    queries = torch.randn(1, 2, 8)
    before = gnmt.attention(queries, memory)
    gnmt.attention.direction *= 7
    assert torch.allclose(before, gnmt.attention(queries, memory), atol=1e-6)
    assert torch.allclose(before.sum(2), torch.ones(1, 2))


def test_the_learning_rate_of_gnmt_rises_stays_and_halves_four_times(wmt: Path) -> None:
    # 4 steps an epoch for 10 epochs; 26 of the 40 at the full rate, the rest in four parts of 3.
    task = task_of("gnmt", wmt, **SMALL["gnmt"], max_epochs=10)
    rates = [task._learning_rate(step) for step in range(1, 41)]
    assert rates[:4] == pytest.approx([0.01 * 0.01 ** (1 - step / 4) for step in range(1, 5)])
    assert rates[3:26] == [0.01] * 23
    halved = [0.01 * 0.5 ** min(1 + step // 3, 4) for step in range(14)]
    assert rates[26:] == pytest.approx(halved)


# ---------------------------------------------------------------- batches


def test_batches_hold_every_sentence_once_and_no_more_tokens_than_allowed() -> None:
    lengths = np.random.default_rng(0).integers(1, 40, 500)
    batches = batches_by_length(lengths, 100)
    assert sorted(np.concatenate(batches).tolist()) == list(range(500))
    assert all(len(batch) * lengths[batch].max() <= 100 for batch in batches)


def test_batches_of_like_lengths_hold_each_item_once_and_are_about_as_large() -> None:
    lengths = np.random.default_rng(0).integers(1, 40, 500)
    batches = like_lengths(lengths, 64)
    assert sorted(np.concatenate(batches).tolist()) == list(range(500))
    assert {len(batch) for batch in batches} == {62, 63}
    longest = [lengths[batch].max() for batch in batches]
    assert longest == sorted(longest)


@pytest.mark.parametrize(
    ("count", "most", "processes"), [(9, 2, 2), (11, 4, 4), (3, 2, 2), (17, 4, 2), (4, 8, 4)]
)
def test_no_batch_leaves_a_process_without_an_item(count: int, most: int, processes: int) -> None:
    batches = like_lengths(np.arange(count)[::-1], most, processes)
    assert np.concatenate(batches).tolist() == list(range(count))[::-1]
    assert min(len(batch) for batch in batches) >= processes


def test_fewer_items_than_processes_are_refused() -> None:
    with pytest.raises(SettingsError, match=r"3 items .* 4 processes"):
        like_lengths(np.arange(3), 8, 4)


@both
def test_a_missing_or_uneven_text_is_named(name: str, wmt: Path) -> None:
    (wmt / "newstest2014.de").unlink()
    with pytest.raises(DatasetMissingError, match=rf"{name} needs newstest2014\.de in .*statmt\.org.*--mini"):
        task_of(name, wmt, **SMALL[name])
    (wmt / "newstest2014.de").write_text("nur eine\n")
    with pytest.raises(DatasetMissingError, match=r"newstest2014\.en and \.de have 20 and 1 lines"):
        task_of(name, wmt, **SMALL[name])


def test_only_newlines_end_a_sentence(tmp_path: Path) -> None:
    """Text from the web holds characters that Unicode too counts as ends of lines."""
    sources = ["one\u2028still one", "two\x85\x0b\x0cstill two", "", "four\u2029"]
    targets = ["eins", "zwei", "drei\x1c\rnoch drei", "vier"]
    (tmp_path / "train.en").write_bytes("\n".join(sources).encode())
    (tmp_path / "train.de").write_bytes("".join(f"{line}\r\n" for line in targets).encode())
    text = read_parallel(tmp_path, "train")
    assert (list(text.sources), list(text.targets)) == (sources, targets)


def test_an_empty_text_is_refused(tmp_path: Path) -> None:
    for language in ("en", "de"):
        (tmp_path / f"train.{language}").write_bytes(b"")
    with pytest.raises(DatasetMissingError, match="have 0 and 0 lines"):
        read_parallel(tmp_path, "train")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"layers": 1}, "layers must be at least 2"),
        ({"decay_steps": 0}, "decay_steps, decay_factor and gradient_limit must be positive"),
        ({"remain_share": 1.5}, "remain_share must be from 0 to 1"),
        ({"dropout": 1.0}, "dropout must be from 0"),
        ({"beams": 0}, "beams and warmup_steps must be positive"),
    ],
)
def test_impossible_settings_of_gnmt_are_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        workload("gnmt").changed("full", changes)
