"""Intervals for the median that assume nothing but independent runs with one law.

The interval ``[x(k), x(n+1-k)]`` covers the median with probability ``1 - 2 P(Bin(n, 1/2) < k)``
whatever the law (at least that, where it has atoms). The ranks depend on n and the level alone, so
they are computed once; data only select from them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import numpy as np
from scipy.special import bdtr

from mlperf_stats.stats import codes
from mlperf_stats.stats.interval import Interval
from mlperf_stats.stats.sample import FloatArray, SampleLike, check_level, check_sample, spread_warnings

Bounds = tuple[FloatArray, FloatArray, FloatArray]
"""Estimates, lower and upper ends of a batch of samples, each of shape (…,)."""


_LARGE = 200
"""From here on binomials are summed by SciPy instead of in whole numbers."""


@dataclass(frozen=True, slots=True)
class Ranks:
    """The pair of order statistics ``x(rank), x(n+1-rank)`` (one-based) and what it covers."""

    rank: int
    coverage: float
    inner_coverage: float
    """Coverage of the next narrower pair; 0 where there is none."""

    def inner_weight(self, n: int, level: float) -> float:
        """Hettmansperger & Sheather's weight λ of the next narrower pair, from 0 to 1."""
        innermost = 2 * (self.rank + 1) > n + 1
        if innermost or self.coverage <= level:
            return 0.0
        share = (self.coverage - level) / (self.coverage - self.inner_coverage)
        return (n - self.rank) * share / (self.rank + (n - 2 * self.rank) * share)


def rank_coverage(n: int, rank: int) -> float:
    """P(x(rank) ≤ median ≤ x(n+1-rank)) for a continuous law: exact up to rounding."""
    if n < _LARGE:
        outside = float(Fraction(sum(math.comb(n, below) for below in range(rank)), 2**n))
    else:
        outside = float(bdtr(rank - 1, n, 0.5))
    return max(0.0, 1.0 - 2.0 * outside)


@lru_cache(maxsize=1024)
def median_ranks(n: int, level: float) -> Ranks:
    """The narrowest symmetric pair of ranks covering at least ``level``, else the widest pair."""
    rank = 1
    while 2 * (rank + 1) <= n + 1 and rank_coverage(n, rank + 1) >= level:
        rank += 1
    return Ranks(rank, rank_coverage(n, rank), rank_coverage(n, rank + 1))


def order_statistics_bounds(ordered: FloatArray, level: float) -> Bounds:
    """Kernel: ``ordered`` has shape (…, n), ascending along the last axis, n ≥ 2."""
    n = ordered.shape[-1]
    rank = median_ranks(n, level).rank
    return np.median(ordered, axis=-1), ordered[..., rank - 1], ordered[..., n - rank]


def hettmansperger_sheather_bounds(ordered: FloatArray, level: float) -> Bounds:
    """Kernel: ``ordered`` has shape (…, n), ascending along the last axis, n ≥ 2."""
    n = ordered.shape[-1]
    ranks = median_ranks(n, level)
    weight = ranks.inner_weight(n, level)
    low, high = ordered[..., ranks.rank - 1], ordered[..., n - ranks.rank]
    if weight:
        low = low + weight * (ordered[..., ranks.rank] - low)
        high = high - weight * (high - ordered[..., n - ranks.rank - 1])
    return np.median(ordered, axis=-1), low, high


def median_interval(times: SampleLike, level: float = 0.95) -> Interval:
    """Exact order-statistics interval for the median time of one run.

    ``times``: shape (n,), any unit, n ≥ 1. The narrowest symmetric pair whose coverage reaches
    ``level``; where none does (n < 6 at 95 %) the widest, warned ``level-not-attained``.
    ``level_attained`` is exact for a continuous law. One run gives an unbounded interval.
    Raises SampleError, TooFewRunsError (no run), StatisticsError (level).
    Source: Hahn & Meeker 1991, section 5.2.
    """
    level, ordered = check_level(level), check_sample(times)
    if ordered.size == 1:
        return _unbounded(float(ordered[0]), level, "order-statistics")
    ranks = median_ranks(ordered.size, level)
    return _median_answer(
        ordered, order_statistics_bounds(ordered, level), level, ranks.coverage, "order-statistics"
    )


def hettmansperger_sheather(times: SampleLike, level: float = 0.95) -> Interval:
    """Interpolated order-statistics interval for the median, at the level asked for.

    ``times``: shape (n,), any unit, n ≥ 1. Interpolates between adjacent pairs of order
    statistics; nearly exact for any smooth law. Where the widest pair does not reach
    ``level`` there is nothing to interpolate: it is returned with its own level and warned.
    Raises as ``median_interval``. Source: Hettmansperger & Sheather 1986.
    """
    level, ordered = check_level(level), check_sample(times)
    if ordered.size == 1:
        return _unbounded(float(ordered[0]), level, "hettmansperger-sheather")
    ranks = median_ranks(ordered.size, level)
    attained = level if ranks.inner_weight(ordered.size, level) else ranks.coverage
    bounds = hettmansperger_sheather_bounds(ordered, level)
    return _median_answer(ordered, bounds, level, attained, "hettmansperger-sheather")


def _median_answer(
    ordered: FloatArray, bounds: Bounds, level: float, attained: float, method: str
) -> Interval:
    estimate, low, high = (float(bound) for bound in bounds)
    short = (codes.LEVEL_NOT_ATTAINED,) if attained < level else ()
    return Interval(
        estimate=estimate, low=low, high=high, level=level, level_attained=attained,
        method=method, estimand="median", n=ordered.size, warnings=short + spread_warnings(ordered),
    )  # fmt: skip


def _unbounded(estimate: float, level: float, method: str) -> Interval:
    return Interval(
        estimate=estimate, low=-math.inf, high=math.inf, level=level, level_attained=1.0,
        method=method, estimand="median", n=1, warnings=(codes.SINGLE_RUN,),
    )  # fmt: skip
