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
from itertools import takewhile
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


@dataclass(frozen=True)
class ControlledWidths:
    """The relative half-width that a further set stays within with the probability ``assurance``, from so
    many own runs on.

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
        above = bisect_left(LADDER, runs)
        if above == len(LADDER):
            return self._kept(len(LADDER) - 1)
        few, many = LADDER[max(above - 1, 0)], LADDER[above]
        if runs == many:
            return self._kept(above)
        share = math.log(runs / few) / math.log(many / few)
        return math.exp((1 - share) * math.log(self._kept(above - 1)) + share * math.log(self._kept(above)))

    def fewest_runs(self, wanted: float) -> int | None:
        """The fewest own runs whose half-width is at most ``wanted``; None if 320 do not suffice."""
        # From above: what more runs do not keep is not asked of fewer.
        rungs = range(len(LADDER) - 1, -1, -1)
        enough = list(takewhile(lambda rung: self._kept(rung) <= wanted, rungs))
        if not enough:
            return None
        high = LADDER[enough[-1]]
        low = LADDER[enough[-1] - 1] if enough[-1] else 0
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self.half_width(middle) <= wanted else (middle, high)
        return high

    def _kept(self, rung: int) -> float:
        """What is kept by that many runs and by all larger numbers of :data:`LADDER`."""
        if rung not in self._known:
            widths, origins = controlled_half_widths(self.borrowers, LADDER[rung], self.level)
            own = predictive_quantile(widths, origins, self.assurance)
            above = self._kept(rung + 1) if rung + 1 < len(LADDER) else 0.0
            self._known[rung] = max(own, above)
        return self._known[rung]


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
