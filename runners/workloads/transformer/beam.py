"""Beam search.

Source of the length penalty: Wu et al., Google's Neural Machine Translation System, 2016, equation 14.
"""

from __future__ import annotations

import torch

from mlperf_runners.workloads.transformer.model import Memory, Transformer
from mlperf_runners.workloads.transformer.text import END, PADDING, START


@torch.no_grad()
def translate(
    model: Transformer, sources: torch.Tensor, beams: int, penalty: float, extra_length: int
) -> list[list[int]]:
    """The best translation of each source, as pieces without START and END.

    ``sources``: shape (n, length). A translation is at most ``extra_length`` longer than its source, END
    included. Scores are log-probabilities divided by ((5 + length) / 6) ^ ``penalty``.
    """
    limits = ((sources != PADDING).sum(1) + extra_length).tolist()
    search = _Search(model, sources, beams, penalty, limits)
    for length in range(1, max(limits, default=0) + 1):
        if search.step(length):
            break
    return search.best()


class _Search:
    """State of the search: ``beams`` open hypotheses and the best finished one for each sentence."""

    def __init__(
        self, model: Transformer, sources: torch.Tensor, beams: int, penalty: float, limits: list[int]
    ) -> None:
        self._model = model
        self._beams = beams
        self._penalty = penalty
        self._limits = limits
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
        self._give_up_waiting(length)
        return self._is_over(length)

    def best(self) -> list[list[int]]:
        """The best finished hypotheses; where none has ended in time, the best open one."""
        return self._best

    def _finish(self, candidates: torch.Tensor, top: torch.Tensor, ends: torch.Tensor, length: int) -> None:
        scores = (top / self._norm(length)).tolist()
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
        """Log-probabilities only fall, but a longer hypothesis is penalised less: at most at its limit."""
        leading = self._scores[:, 0].tolist()
        return all(
            length >= limit or (self._is_finished(sentence) and best >= leading[sentence] / self._norm(limit))
            for sentence, (limit, best) in enumerate(zip(self._limits, self._best_score, strict=True))
        )

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
