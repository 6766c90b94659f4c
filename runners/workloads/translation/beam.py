"""Beam search.

Source of both penalties: Wu et al., Google's Neural Machine Translation System, 2016, equation 14.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Generic, Protocol, Self, TypeVar

import torch
from torch import nn

from mlperf_runners.workloads.translation.text import END, PADDING, START


class Memory(Protocol):
    """What a translator keeps of its sources and of the pieces so far, a row per hypothesis."""

    @property
    def coverage(self) -> torch.Tensor | None:
        """Attention that each source piece has had, 1 where padded, shape (n, length); if it is counted."""

    def repeated(self, times: int) -> Self:
        """Each row so many times in succession."""

    def reorder(self, rows: torch.Tensor) -> None:
        """Let row i go on from what was row ``rows[i]``."""


M = TypeVar("M", bound=Memory)


class Translator(nn.Module, ABC, Generic[M]):
    """Encoder and decoder; PADDING is piece 0."""

    def forward(self, sources: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Logits of the piece after each of ``targets``, shape (n, length, vocabulary)."""
        return self.decode(targets, self.encode(sources), first=0)

    @abstractmethod
    def encode(self, sources: torch.Tensor) -> M:
        """Read the sources, shape (n, length)."""

    @abstractmethod
    def decode(self, targets: torch.Tensor, memory: M, first: int) -> torch.Tensor:
        """Logits after each of ``targets``, which stand from position ``first`` on."""


@dataclass(frozen=True, slots=True)
class Scoring:
    """How hypotheses of different lengths and coverage are compared."""

    length_penalty: float
    coverage_penalty: float = 0.0

    def divisor(self, length: int) -> float:
        """What a log-probability is divided by: ((5 + length) / 6) ^ ``length_penalty``."""
        return float(((5 + length) / 6) ** self.length_penalty)

    def added(self, coverage: torch.Tensor | None) -> torch.Tensor | None:
        """What is added then for each row: the sum of log min(coverage, 1), weighted; nothing if None."""
        if coverage is None or not self.coverage_penalty:
            return None
        return self.coverage_penalty * coverage.float().clamp(1e-9, 1).log().sum(1)


@torch.no_grad()
def translate(
    model: Translator[Any], sources: torch.Tensor, beams: int, scoring: Scoring, extra_length: int
) -> list[list[int]]:
    """The best translation of each source, as pieces without START and END.

    ``sources``: shape (n, length). A translation is at most ``extra_length`` longer than its source, END
    included.
    """
    limits = ((sources != PADDING).sum(1) + extra_length).tolist()
    search = _Search(model, sources, beams, scoring, limits)
    for length in range(1, max(limits, default=0) + 1):
        if search.step(length):
            break
    return search.best()


class _Search:
    """State of the search: ``beams`` open hypotheses and the best finished one for each sentence."""

    def __init__(
        self, model: Translator[Any], sources: torch.Tensor, beams: int, scoring: Scoring, limits: list[int]
    ) -> None:
        self._model = model
        self._beams = beams
        self._scoring = scoring
        self._limits = limits
        self._count = len(sources)
        device = sources.device
        self._memory: Memory = model.encode(sources).repeated(beams)
        self._pieces = torch.full((self._count, beams, 1), START, device=device)
        # At first all hypotheses of a sentence are the same: only one may go on.
        self._scores = torch.full((self._count, beams), -torch.inf, device=device)
        self._scores[:, 0] = 0
        self._first_row = torch.arange(self._count, device=device)[:, None] * beams
        self._best_score = [-float("inf")] * self._count
        self._best: list[list[int]] = [[] for _ in range(self._count)]

    def step(self, length: int) -> bool:
        """Make hypotheses one piece longer; True when none can become the best any more."""
        last = self._pieces[:, :, -1].reshape(-1, 1)
        logits = self._model.decode(last, self._memory, first=length - 1)[:, -1].float()
        scores = logits.log_softmax(-1).view(self._count, self._beams, -1) + self._scores[:, :, None]
        vocabulary = scores.shape[2]
        # Twice as many candidates: even if half of them end here, enough go on.
        top, flat = scores.flatten(1).topk(2 * self._beams, 1)
        beam, piece = flat // vocabulary, flat % vocabulary
        candidates = torch.cat((self._rows(self._pieces, beam), piece[:, :, None]), 2)
        ends = piece == END
        final = top / self._scoring.divisor(length) + self._added().gather(1, beam)
        self._finish(candidates, final, ends, length)
        open_scores, chosen = top.masked_fill(ends, -torch.inf).topk(self._beams, 1)
        self._scores = open_scores
        self._pieces = self._rows(candidates, chosen)
        self._memory.reorder((self._first_row + beam.gather(1, chosen)).flatten())
        self._give_up_waiting(length)
        return self._is_over(length)

    def best(self) -> list[list[int]]:
        """The best finished hypotheses; where none has ended in time, the best open one."""
        return self._best

    def _added(self) -> torch.Tensor:
        """What each hypothesis gets for its coverage, shape (sentences, beams)."""
        added = self._scoring.added(self._memory.coverage)
        return torch.zeros_like(self._scores) if added is None else added.view(self._count, self._beams)

    def _finish(self, candidates: torch.Tensor, final: torch.Tensor, ends: torch.Tensor, length: int) -> None:
        scores = final.tolist()
        for sentence, position in ends.nonzero().tolist():
            score = scores[sentence][position]
            if length <= self._limits[sentence] and score > self._best_score[sentence]:
                self._best_score[sentence] = score
                self._best[sentence] = candidates[sentence, position, 1:-1].tolist()

    def _give_up_waiting(self, length: int) -> None:
        """Sentences at their limit without a finished hypothesis take the best open one."""
        for sentence, limit in enumerate(self._limits):
            if length == limit and not self._is_finished(sentence):
                self._best_score[sentence] = self._scores[sentence, 0].item()
                self._best[sentence] = self._pieces[sentence, 0, 1:].tolist()

    def _is_finished(self, sentence: int) -> bool:
        return self._best_score[sentence] > -float("inf")

    def _is_over(self, length: int) -> bool:
        """Log-probabilities only fall, but a longer hypothesis is penalised less: at most at its limit.

        What coverage adds is never positive.
        """
        leading, divisor = self._scores[:, 0].tolist(), self._scoring.divisor
        return all(
            length >= limit or (self._is_finished(sentence) and best >= leading[sentence] / divisor(limit))
            for sentence, (limit, best) in enumerate(zip(self._limits, self._best_score, strict=True))
        )

    @staticmethod
    def _rows(values: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
        return values.gather(1, chosen[:, :, None].expand(-1, -1, values.shape[2]))
