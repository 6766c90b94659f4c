"""Ratio of two estimates from their intervals alone: the method of variance estimates recovery.

Each limit of the difference of log estimates is as far from it as the root of the squared distances of the
limits that push the same way. Asymmetric intervals stay asymmetric; equal normal ones give the normal answer.

Source: Zou & Donner 2008, "Construction of confidence limits about effect measures: a general approach",
Statistics in Medicine 27, formulas 6 and 7.
"""

from __future__ import annotations

import math

import numpy as np

from mlperf_stats.errors import StatisticsError
from mlperf_stats.stats.interval import Interval
from mlperf_stats.stats.t_log import t_quantile


def ratio_interval(
    numerator: Interval, denominator: Interval, *, factor: float = 1.0, estimand: str = "ratio"
) -> Interval:
    """Interval of ``factor`` × numerator ÷ denominator, both positive, independent and of one level.

    Raises StatisticsError: an estimate is not positive, or the levels differ.
    """
    if not (numerator.estimate > 0 and denominator.estimate > 0 and factor > 0):
        raise StatisticsError("a ratio on the log scale needs positive estimates and a positive factor")
    if numerator.level != denominator.level:
        raise StatisticsError(
            f"levels {numerator.level:g} and {denominator.level:g} differ; compute both at one level"
        )
    centre = math.log(factor) + math.log(numerator.estimate) - math.log(denominator.estimate)
    below = math.hypot(_distance(numerator, numerator.low), _distance(denominator, denominator.high))
    above = math.hypot(_distance(numerator, numerator.high), _distance(denominator, denominator.low))
    with np.errstate(over="ignore"):
        estimate, low, high = np.exp([centre, centre - below, centre + above]).tolist()
    return Interval(
        estimate=estimate,
        low=low,
        high=high,
        level=numerator.level,
        level_attained=min(numerator.level_attained, denominator.level_attained),
        method="recovered-variances",
        estimand=estimand,
        n=numerator.n + denominator.n,
        warnings=tuple(dict.fromkeys((*numerator.warnings, *denominator.warnings))),
    )


def log_deviation(interval: Interval) -> float:
    """Standard deviation that the log of the estimate would have if its interval were a normal one's."""
    return _log_width(interval) / (2 * t_quantile(interval.level, math.inf))


def _log_width(interval: Interval) -> float:
    if interval.low <= 0 or math.isinf(interval.high):
        return math.inf
    return math.log(interval.high / interval.low)


def _distance(interval: Interval, limit: float) -> float:
    """From the estimate to one of its limits, on the log scale."""
    return abs(math.log(limit / interval.estimate)) if 0 < limit < math.inf else math.inf
