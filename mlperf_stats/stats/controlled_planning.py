"""How narrow a convergence-controlled interval becomes with more runs: by trying it on sets that are there.

Runs of each set are drawn again and again and combined with what the other sets say of it. Unlike own
intervals, controlled ones have a width from the first run on and shrink slowly: what is not known of the
set's own law of convergence has to come from its own runs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
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


def controlled_half_width(
    borrowers: Sequence[Borrower], runs: int, level: float = 0.95, assurance: float = 0.8
) -> float:
    """The relative half-width that ``runs`` own runs stay within in the share ``assurance`` of samples.

    Raises TooFewRunsError (no set), StatisticsError (runs, level).
    """
    runs, level = check_count(runs, minimum=1, what="runs"), check_level(level)
    if not borrowers:
        raise TooFewRunsError("borrowers: at least 1 set with others to borrow from is needed, got 0")
    return float(
        np.quantile(controlled_half_widths(borrowers, runs, level), assurance, method="inverted_cdf")
    )


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


def controlled_runs(
    borrowers: Sequence[Borrower], wanted: float, level: float = 0.95, assurance: float = 0.8
) -> int | None:
    """The fewest own runs whose controlled half-width is at most ``wanted``; None if 320 do not suffice."""
    first, last = 0, len(LADDER) - 1
    widths: dict[int, float] = {}

    def enough(step: int) -> bool:
        widths[step] = controlled_half_width(borrowers, LADDER[step], level, assurance)
        return widths[step] <= wanted

    if enough(first):
        return LADDER[first]
    if not enough(last):
        return None
    while last - first > 1:
        middle = (first + last) // 2
        first, last = (first, middle) if enough(middle) else (middle, last)
    return _between((LADDER[first], widths[first]), (LADDER[last], widths[last]), wanted)


def _between(low: tuple[int, float], high: tuple[int, float], wanted: float) -> int:
    share = (math.log(low[1]) - math.log(wanted)) / (math.log(low[1]) - math.log(high[1]))
    runs = low[0] * math.exp(share * math.log(high[0] / low[0]))
    return min(high[0], math.ceil(runs - 1e-9))
