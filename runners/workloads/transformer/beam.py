"""Beam search.

Source of the length penalty: Wu et al., Google's Neural Machine Translation System, 2016, equation 14.
"""

from __future__ import annotations

import torch

from mlperf_runners.workloads.transformer.model import Memory, Transformer
from mlperf_runners.workloads.transformer.text import END, START


@torch.no_grad()
def translate(
    model: Transformer, sources: torch.Tensor, beams: int, penalty: float, extra_length: int
) -> list[list[int]]:
    """The best translation of each source, as pieces without START and END.

    ``sources``: shape (n, length). A translation is at most ``extra_length`` longer than the longest of
    them. Scores are log-probabilities divided by ((5 + length) / 6) ^ ``penalty``.
    """
    search = _Search(model, sources, beams, penalty)
    for length in range(1, sources.shape[1] + extra_length + 1):
        if search.step(length):
            break
    return search.best()


class _Search:
    """State of the search: ``beams`` open hypotheses and the best finished one for each sentence."""

    def __init__(self, model: Transformer, sources: torch.Tensor, beams: int, penalty: float) -> None:
        self._model = model
        self._beams = beams
        self._penalty = penalty
        self._count = len(sources)
        device = sources.device
        self._memory = _repeated(model.encode(sources), beams)
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
        self._finish(candidates, top, ends, length)
        open_scores, chosen = top.masked_fill(ends, -torch.inf).topk(self._beams, 1)
        self._scores = open_scores
        self._pieces = self._rows(candidates, chosen)
        self._memory.reorder((self._first_row + beam.gather(1, chosen)).flatten())
        return self._is_over(length)

    def best(self) -> list[list[int]]:
        """The best finished hypotheses; where none has ended, the best open one."""
        leading = self._pieces[:, 0, 1:].tolist()
        return [
            best if score > -float("inf") else leading[number]
            for number, (best, score) in enumerate(zip(self._best, self._best_score, strict=True))
        ]

    def _finish(self, candidates: torch.Tensor, top: torch.Tensor, ends: torch.Tensor, length: int) -> None:
        scores = (top / self._norm(length)).tolist()
        for sentence, position in ends.nonzero().tolist():
            score = scores[sentence][position]
            if score > self._best_score[sentence]:
                self._best_score[sentence] = score
                self._best[sentence] = candidates[sentence, position, 1:-1].tolist()

    def _is_over(self, length: int) -> bool:
        """Log-probabilities only fall; the longest possible length flatters them most."""
        bound = (self._scores[:, 0] / self._norm(length + 1)).tolist()
        return all(best >= score for best, score in zip(self._best_score, bound, strict=True))

    def _norm(self, length: int) -> float:
        return float(((5 + length) / 6) ** self._penalty)

    @staticmethod
    def _rows(values: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
        return values.gather(1, chosen[:, :, None].expand(-1, -1, values.shape[2]))


def _repeated(memory: Memory, beams: int) -> Memory:
    """One row per hypothesis."""
    source = [
        (keys.repeat_interleave(beams, 0), values.repeat_interleave(beams, 0))
        for keys, values in memory.source
    ]
    return Memory(memory.mask.repeat_interleave(beams, 0), source, list(memory.past))
