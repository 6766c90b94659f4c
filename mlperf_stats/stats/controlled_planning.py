"""How narrow a convergence-controlled interval becomes with more runs: by trying it on sets that are there.

Runs of each set are drawn again and again and combined with what the other sets say of it. Unlike own
intervals, controlled ones have a width from the first run on and shrink slowly: what is not known of the
set's own law of convergence has to come from its own runs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from mlperf_stats.errors import TooFewRunsError
from mlperf_stats.stats.controlled import PeerPrior, controlled_posterior
from mlperf_stats.stats.converged_runs import ConvergedRuns
from mlperf_stats.stats.laws import SEED
from mlperf_stats.stats.sample import FloatArray, check_count, check_level

Borrower: TypeAlias = tuple[PeerPrior, ConvergedRuns]
"""A set's own runs, and what other sets say of it."""

DRAWS = 120
"""Samples in all, spread over the sets."""

LADDER = (1, 2, 3, 5, 8, 12, 20, 32, 50, 80, 130, 200, 320)
"""Runs that are tried; between them the width is interpolated on logarithmic scales."""


@dataclass(frozen=True)
class ControlledWidths:
    """The relative half-width that own runs stay within in the share ``assurance`` of samples.

    Raises TooFewRunsError (no set) and StatisticsError (level).
    """

    borrowers: Sequence[Borrower]
    level: float = 0.95
    assurance: float = 0.8
    _known: dict[int, float] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        check_level(self.level)
        if not self.borrowers:
            raise TooFewRunsError("borrowers: at least 1 set with others to borrow from is needed, got 0")

    def half_width(self, runs: int) -> float:
        """Of ``runs`` own runs; StatisticsError unless that is a count of 1 or more."""
        runs = check_count(runs, minimum=1, what="runs")
        if runs not in self._known:
            widths = controlled_half_widths(self.borrowers, runs, self.level)
            self._known[runs] = float(np.quantile(widths, self.assurance, method="inverted_cdf"))
        return self._known[runs]

    def fewest_runs(self, wanted: float) -> int | None:
        """The fewest own runs whose half-width is at most ``wanted``; None if 320 do not suffice."""
        first, last = 0, len(LADDER) - 1
        if self.half_width(LADDER[first]) <= wanted:
            return LADDER[first]
        if self.half_width(LADDER[last]) > wanted:
            return None
        while last - first > 1:
            middle = (first + last) // 2
            enough = self.half_width(LADDER[middle]) <= wanted
            first, last = (first, middle) if enough else (middle, last)
        few, many = LADDER[first], LADDER[last]
        return _between((few, self.half_width(few)), (many, self.half_width(many)), wanted)


def controlled_half_widths(borrowers: Sequence[Borrower], runs: int, level: float = 0.95) -> FloatArray:
    """Kernel: relative half-widths of samples of ``runs`` runs of each set, shape (≥ :data:`DRAWS`,)."""
    each = math.ceil(DRAWS / len(borrowers))
    found = []
    for number, (prior, own) in enumerate(borrowers):
        rng = np.random.default_rng([SEED, number, runs])
        drawn = np.stack([rng.choice(own.n, size=runs, replace=runs > own.n) for _ in range(each)])
        low, high = controlled_posterior(prior, own.log_convergence[drawn], own.log_time[drawn]).bounds(level)
        found.append(np.sinh((high - low) / 2))
    return np.concatenate(found)


def _between(low: tuple[int, float], high: tuple[int, float], wanted: float) -> int:
    share = (math.log(low[1]) - math.log(wanted)) / (math.log(low[1]) - math.log(high[1]))
    runs = low[0] * math.exp(share * math.log(high[0] / low[0]))
    return min(high[0], math.ceil(runs - 1e-9))
