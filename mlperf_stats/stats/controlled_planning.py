"""How narrow a convergence-controlled interval becomes with more runs: by trying it on sets that are there.

Runs of each set are drawn again and again and combined with what the other sets say of it. Unlike own
intervals, controlled ones have a width from the first run on and shrink slowly: what is not known of the
set's own law of convergence has to come from its own runs. A few runs may show a set to be unlike the others
and so widen its interval; what is promised of a number of runs is therefore kept by every larger number.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TypeAlias

import numpy as np

from mlperf_stats.errors import TooFewRunsError
from mlperf_stats.stats.controlled import PeerPrior, controlled_posterior, moderated_posterior, usable
from mlperf_stats.stats.converged_runs import ConvergedRuns
from mlperf_stats.stats.laws import SEED
from mlperf_stats.stats.predictive import Origins, predictive_quantile
from mlperf_stats.stats.sample import FloatArray, check_count, check_level

Borrower: TypeAlias = tuple[PeerPrior, ConvergedRuns]
"""A set's own runs, and what other sets say of it."""

DRAWS = 60
"""Samples in all, spread over the sets."""

LADDER = (1, 2, 3, 5, 10, 20, 40, 100, 320)
"""Runs that are tried, the usual official numbers among them; between them widths are interpolated."""


@dataclass(frozen=True, eq=False)
class ControlledWidths:
    """The relative half-width that a further set stays within with some assurance, from so many own runs on.

    What has been tried is kept: another width or another assurance costs next to nothing, another level
    new quantiles. Raises TooFewRunsError (no set).
    """

    borrowers: Sequence[Borrower]
    _tried: dict[tuple[int, float], tuple[FloatArray, Origins]] = field(default_factory=dict, repr=False)
    """By runs and level: half-widths, and the set that each is from."""

    def __post_init__(self) -> None:
        if not self.borrowers:
            raise TooFewRunsError("borrowers: at least 1 set with others to borrow from is needed, got 0")

    def half_width(self, runs: int, level: float = 0.95, assurance: float = 0.8) -> float:
        """Of ``runs`` own runs; StatisticsError unless that is a count of 1 or more, or for the level."""
        runs = check_count(runs, minimum=1, what="runs")
        return _interpolated(self._kept(check_level(level), assurance), runs)

    def fewest_runs(self, wanted: float, level: float = 0.95, assurance: float = 0.8) -> int | None:
        """The fewest own runs whose half-width is at most ``wanted``; None if 320 do not suffice."""
        kept = self._kept(check_level(level), assurance)
        if kept[-1] > wanted:
            return None
        enough = next(rung for rung, width in enumerate(kept) if width <= wanted)
        high, low = LADDER[enough], LADDER[enough - 1] if enough else 0
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if _interpolated(kept, middle) <= wanted else (middle, high)
        return high

    def _kept(self, level: float, assurance: float) -> list[float]:
        """What is kept by each number of runs of :data:`LADDER` and by all larger ones."""
        own = [predictive_quantile(*self._try(runs, level), assurance) for runs in LADDER]
        # What more runs do not keep is not promised of fewer.
        return list(accumulate(reversed(own), max))[::-1]

    def _try(self, runs: int, level: float) -> tuple[FloatArray, Origins]:
        if (runs, level) not in self._tried:
            self._tried[runs, level] = controlled_half_widths(self.borrowers, runs, level)
        return self._tried[runs, level]


def _interpolated(kept: Sequence[float], runs: int) -> float:
    """At any number of runs from the widths on :data:`LADDER`, straight in logarithms."""
    above = bisect_left(LADDER, runs)
    if above == len(LADDER):
        return kept[-1]
    if runs == LADDER[above]:
        return kept[above]
    few, many = LADDER[above - 1], LADDER[above]
    share = math.log(runs / few) / math.log(many / few)
    return math.exp((1 - share) * math.log(kept[above - 1]) + share * math.log(kept[above]))


def controlled_half_widths(
    borrowers: Sequence[Borrower], runs: int, level: float = 0.95
) -> tuple[FloatArray, Origins]:
    """Kernel: relative half-widths of samples of ``runs`` runs of each set, and which set each is from.

    Shapes (≥ :data:`DRAWS`,). Samples are the sets' own runs in random order and, beyond their number,
    further ones drawn from them. Where convergence cannot be what made runs differ, own times alone count.
    """
    each = math.ceil(DRAWS / len(borrowers))
    found = []
    for number, (prior, own) in enumerate(borrowers):
        drawn = _samples(own.n, runs, each, np.random.default_rng([SEED, number]))
        work, time = own.log_convergence[drawn], own.log_time[drawn]
        low, high = controlled_posterior(prior, work, time).bounds(level)
        if not (good := usable(prior, work, time)).all():
            low_moderated, high_moderated = moderated_posterior(prior.log_time, time).bounds(level)
            low, high = np.where(good, low, low_moderated), np.where(good, high, high_moderated)
        found.append(np.sinh((high - low) / 2))
    return np.concatenate(found), np.repeat(np.arange(len(borrowers)), each)


def _samples(known: int, runs: int, each: int, rng: np.random.Generator) -> Origins:
    """Places (each, runs) of the runs of samples, those of fewer runs being the first of larger samples."""
    own = np.stack([rng.permutation(known) for _ in range(each)])
    further = rng.integers(known, size=(each, LADDER[-1]))
    return np.concatenate([own, further], axis=1)[:, :runs]
