"""The exact median interval when some runs did not converge."""

from __future__ import annotations

import math

import numpy as np

from mlperf_stats.stats import codes
from mlperf_stats.stats.interval import Interval
from mlperf_stats.stats.order_statistics import median_interval, median_ranks, rank_coverage
from mlperf_stats.stats.sample import Marks, SampleLike, check_level, check_outcomes
from mlperf_stats.stats.survival import censoring_warnings


def censored_median_interval(times: SampleLike, converged: Marks, level: float = 0.95) -> Interval:
    """Order-statistics interval for the median in which a run without convergence took longer.

    Arguments as ``survival_curve``. Such a run counts with the time it was let run below and with
    ∞ above, so the interval covers whatever made runs stop. With no converged run it is the bound
    [x(k), ∞), warned ``all-censored``. ``level_attained`` is exact where the runs that did not
    converge were let run longest, else a lower bound.
    Raises SampleError, TooFewRunsError, StatisticsError.
    """
    level = check_level(level)
    below, marks = check_outcomes(times, converged)
    if marks.all():
        return median_interval(below, level)
    above = np.sort(np.where(marks, below, math.inf))
    n = below.size
    rank = median_ranks(n, level).rank
    low, high = float(below[rank - 1]), float(above[n - rank])
    attained = rank_coverage(n, rank)
    if math.isinf(high):
        # Nothing can lie above, so only one end can miss.
        attained = (1 + attained) / 2
    estimate = float((above[(n - 1) // 2] + above[n // 2]) / 2)
    short = (codes.LEVEL_NOT_ATTAINED,) if attained < level else ()
    return Interval(
        estimate=estimate, low=low, high=high, level=level, level_attained=attained,
        method="censored-order-statistics", estimand="median", n=n,
        warnings=short + censoring_warnings(below, marks, estimate),
    )  # fmt: skip
