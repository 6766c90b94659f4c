"""LibriSpeech as it is unpacked: ``<part>/<speaker>/<chapter>/`` with FLAC files and their transcripts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from mlperf_runners.errors import DatasetMissingError
from mlperf_runners.workloads.deepspeech2.symbols import encode
from mlperf_runners.workloads.lines import read_lines
from mlperf_runners.workloads.loading import loaded

Floats = NDArray[np.float32]
_QUIET = 1e-6
"""What a recording without any variation is divided by."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """A recording and what is said."""

    path: Path
    symbols: tuple[int, ...]
    words: str
    samples: int


@dataclass(frozen=True, slots=True)
class Recordings:
    """A batch."""

    spectrograms: torch.Tensor
    """Shape (n, bins, longest), 0 where padded."""
    frames: torch.Tensor
    """Of each, shape (n,)."""
    symbols: torch.Tensor
    """What is said in all of them, one after the other."""
    lengths: torch.Tensor
    """Symbols of each, shape (n,)."""
    words: tuple[str, ...]


class Speech(Dataset[tuple[Floats, Utterance]]):
    """The utterances of one or more parts with their spectrograms."""

    def __init__(self, folder: Path, part: str, sample_rate: int, window: int, stride: int) -> None:
        """``part``: a pattern of folder names; ``window``, ``stride``: samples.

        Raises:
            DatasetMissingError: a transcript or a recording is not as LibriSpeech has them.
        """
        self._sample_rate = sample_rate
        self._window, self._stride = window, stride
        self.utterances = [
            utterance
            for transcripts in sorted(folder.glob(f"{part}/*/*/*.trans.txt"))
            for utterance in _listed(transcripts, sample_rate)
        ]
        if not self.utterances:
            raise DatasetMissingError(
                f"{folder}: no {part}/<speaker>/<chapter>/*.trans.txt with a line there"
            )
        self._kept: dict[int, Floats] = {}

    def __len__(self) -> int:
        return len(self.utterances)

    def __getitem__(self, number: int) -> tuple[Floats, Utterance]:
        utterance = self.utterances[number]
        kept = self._kept.get(number)
        if kept is None:
            kept = spectrogram(read_audio(utterance.path), self._window, self._stride)
        return kept, utterance

    def keep(self) -> None:
        """Read everything now and keep it, which a small set allows."""
        self._kept = {number: self[number][0] for number in range(len(self))}

    def batches(self, numbers: Sequence[NDArray[np.int64]], processes: int) -> Iterator[Recordings]:
        """These batches, read by so many processes of their own."""
        return loaded(self, [batch.tolist() for batch in numbers], processes, collate=_together)


def read_audio(path: Path) -> Floats:
    """Samples from −1 to 1.

    Raises:
        DatasetMissingError: it cannot be decoded or has several channels.
    """
    try:
        samples, _ = soundfile.read(path, dtype="float32")
    except soundfile.LibsndfileError as error:
        raise DatasetMissingError(f"{path}: cannot be decoded ({error}); replace the file") from error
    if samples.ndim != 1 or not len(samples):
        raise DatasetMissingError(f"{path}: is empty or has several channels; LibriSpeech is mono")
    return np.asarray(samples, np.float32)


def spectrogram(samples: Floats, window: int, stride: int) -> Floats:
    """Logarithm of 1 + magnitude with Hamming windows, mean 0 and deviation 1, shape (window/2 + 1, frames).

    The last window is filled up with silence.
    """
    frames = 1 + max(0, -(-(len(samples) - window) // stride))
    filled = np.zeros((frames - 1) * stride + window, np.float32)
    filled[: len(samples)] = samples
    windows = np.lib.stride_tricks.sliding_window_view(filled, window)[::stride]
    magnitudes = np.abs(np.fft.rfft(windows * np.hamming(window), axis=1))
    logarithms = np.log1p(magnitudes)
    normal = (logarithms - logarithms.mean()) / max(float(logarithms.std()), _QUIET)
    return np.ascontiguousarray(normal.T, np.float32)


def _listed(transcripts: Path, sample_rate: int) -> Iterator[Utterance]:
    """The lines ``<name> <WORDS>`` of a list, whose recordings stand beside it."""
    try:
        lines = read_lines(transcripts)
    except UnicodeDecodeError as error:
        raise DatasetMissingError(f"{transcripts}: is not UTF-8 ({error}); replace the file") from error
    for line in filter(str.strip, lines):
        name, _, words = line.strip().partition(" ")
        path = transcripts.with_name(f"{name}.flac")
        symbols = encode(words)
        if not symbols:
            raise DatasetMissingError(
                f"{transcripts}: {line!r} is no name followed by words of A to Z and apostrophes"
            )
        if not path.is_file():
            raise DatasetMissingError(f"{path}: is not there, but {transcripts.name} lists it")
        try:
            facts = soundfile.info(path)
        except soundfile.LibsndfileError as error:
            raise DatasetMissingError(
                f"{path}: cannot be read ({error}), but {transcripts.name} lists it"
            ) from error
        if facts.samplerate != sample_rate:
            raise DatasetMissingError(f"{path}: {facts.samplerate} samples a second, not {sample_rate}")
        yield Utterance(path, symbols, words, facts.frames)


def _together(items: list[tuple[Floats, Utterance]]) -> Recordings:
    spectrograms = [torch.from_numpy(values) for values, _ in items]
    frames = torch.tensor([values.shape[1] for values in spectrograms])
    together = torch.zeros(len(items), spectrograms[0].shape[0], int(frames.max()))
    for row, values in zip(together, spectrograms, strict=True):
        row[:, : values.shape[1]] = values
    symbols = torch.tensor([symbol for _, utterance in items for symbol in utterance.symbols])
    lengths = torch.tensor([len(utterance.symbols) for _, utterance in items])
    return Recordings(together, frames, symbols, lengths, tuple(utterance.words for _, utterance in items))
