"""Parallel text: sentences to pieces with SentencePiece, and pieces to batches of like lengths."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import sentencepiece
import torch
from numpy.typing import NDArray

from mlperf_runners.errors import DatasetMissingError, SettingsError
from mlperf_runners.workloads.lines import read_lines

PADDING, UNKNOWN, START, END = 0, 1, 2, 3
EVAL_SET = "newstest2014"
_ENCODED_AT_ONCE = 10_000
"""Sentences; in between, their pieces are Python numbers, which take several times as much memory."""

Encoded = NDArray[np.int32]
"""The pieces of a sentence."""


@dataclass(frozen=True)
class ParallelText:
    """Sentences and their translations, line by line."""

    sources: Sequence[str]
    targets: Sequence[str]

    def __len__(self) -> int:
        return len(self.sources)


def read_parallel(folder: Path, name: str) -> ParallelText:
    """``<name>.en`` and ``<name>.de``, one sentence per line.

    Raises:
        DatasetMissingError: they have different numbers of lines, or none, or are not UTF-8.
    """
    sources, targets = (_lines(folder / f"{name}.{language}") for language in ("en", "de"))
    if len(sources) != len(targets) or not sources:
        raise DatasetMissingError(
            f"{folder / name}.en and .de have {len(sources)} and {len(targets)} lines; they must be "
            "translations of each other, line by line"
        )
    return ParallelText(sources, targets)


def _lines(path: Path) -> list[str]:
    try:
        return read_lines(path)
    except UnicodeDecodeError as error:
        raise DatasetMissingError(f"{path}: is not UTF-8 ({error}); replace the file") from error


def train_pieces(text: ParallelText, vocabulary: int) -> bytes:
    """A SentencePiece model (byte-pair encoding) for both languages together, as a file's content.

    Raises:
        SettingsError: the text does not have so many pieces, or more characters.
    """
    model = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter([*text.sources, *text.targets]),
            model_writer=model,
            model_type="bpe",
            vocab_size=vocabulary,
            character_coverage=1.0,
            pad_id=PADDING,
            unk_id=UNKNOWN,
            bos_id=START,
            eos_id=END,
            num_threads=1,
            minloglevel=2,
        )
    except RuntimeError as error:
        reason = str(error).rpartition("] ")[2]
        raise SettingsError(f"vocabulary {vocabulary} does not suit the text: {reason}") from error
    return model.getvalue()


class Pieces:
    """Sentences as sequences of pieces, and back."""

    def __init__(self, model: bytes) -> None:
        self._processor = sentencepiece.SentencePieceProcessor(model_proto=model)
        self.size: int = self._processor.vocab_size()

    def encode(self, sentences: Sequence[str]) -> list[Encoded]:
        """Pieces of each sentence, ended by END."""
        encoded: list[Encoded] = []
        for first in range(0, len(sentences), _ENCODED_AT_ONCE):
            part = list(sentences[first : first + _ENCODED_AT_ONCE])
            encoded += [np.array(one, np.int32) for one in self._processor.encode(part, add_eos=True)]
        return encoded

    def decode(self, pieces: list[list[int]]) -> list[str]:
        """Sentences of pieces without START and END."""
        decoded: list[str] = self._processor.decode(pieces)
        return decoded


def batches_by_length(lengths: np.ndarray, tokens: int) -> list[np.ndarray]:
    """Sentence numbers in batches of like lengths, at most ``tokens`` each, padding included.

    ``lengths``: shape (sentences,), the longer of both sides.
    """
    order = np.argsort(lengths, kind="stable")
    batches, first = [], 0
    for position in range(1, len(order) + 1):
        is_full = position == len(order) or (position - first + 1) * lengths[order[position]] > tokens
        if is_full:
            batches.append(order[first:position])
            first = position
    return batches


def padded(sentences: Sequence[Encoded], device: torch.device) -> torch.Tensor:
    """Pieces of several sentences, shape (n, longest), filled up with PADDING."""
    table = np.full((len(sentences), max(map(len, sentences), default=1)), PADDING, np.int64)
    for row, sentence in enumerate(sentences):
        table[row, : len(sentence)] = sentence
    return torch.from_numpy(table).to(device)
