"""The Kaplan-Meier median with limits that hold for few runs."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

from mlperf_stats.stats.interval import Interval
from mlperf_stats.stats.sample import FloatArray, Marks, SampleLike, check_level, check_outcomes
from mlperf_stats.stats.survival import SurvivalCurve, censoring_warnings, curve_of


def kaplan_meier_median(times: SampleLike, converged: Marks, level: float = 0.95) -> Interval:
    """Kaplan-Meier median time to train with beta-product limits.

    Arguments as ``survival_curve``. The limits hold at least the level asked for; without
    censoring they are the exact order-statistics interval, or [0, ∞) where that does not reach the
    level. The upper end, and the estimate, are ∞ where too many runs did not converge.
    Raises SampleError, TooFewRunsError, StatisticsError. Source: Fay, Brittain & Proschan 2013.
    """
    level = check_level(level)
    ordered, marks = check_outcomes(times, converged)
    low, high = _beta_product_limits(ordered, marks, level)
    estimate = _median(curve_of(ordered, marks))
    return Interval(
        estimate=estimate, low=low, high=high, level=level, level_attained=level,
        method="kaplan-meier", estimand="median", n=ordered.size,
        warnings=censoring_warnings(ordered, marks, estimate),
    )  # fmt: skip


def _median(curve: SurvivalCurve) -> float:
    """Where the curve falls through ½; the middle of the stretch if it stays there, ∞ if above."""
    below = np.flatnonzero(curve.survival <= 0.5 + 1e-12)
    if not below.size:
        return math.inf
    first = below[0]
    if curve.survival[first] < 0.5 - 1e-12:
        return float(curve.times[first])
    following = curve.times[first + 1] if first + 1 < curve.times.size else math.inf
    return float((curve.times[first] + following) / 2)


def _beta_product_limits(
    ordered: FloatArray, converged: NDArray[np.bool_], level: float
) -> tuple[float, float]:
    """The times at which the lower, then the upper, limit of the curve falls to ½.

    The upper limit is a quantile of a product of Beta(r, 1) over the runs that converged so far, r
    being the runs at risk at each; the lower one takes a further factor for the runs still
    training. A product is replaced by the beta law of its mean and variance: exact if uncensored.
    """
    tail = (1 - level) / 2
    n = ordered.size
    mean = square = 1.0
    low = 0.0 if tail ** (1 / n) <= 0.5 else math.inf
    high = math.inf
    for position in range(n):
        at_risk = n - position
        if converged[position]:
            mean, square = mean * at_risk / (at_risk + 1), square * at_risk / (at_risk + 2)
        time = float(ordered[position])
        if position + 1 < n and ordered[position + 1] == time:
            continue
        after = at_risk - 1
        if math.isinf(low) and _lower_quantile(mean, square, after, tail) <= 0.5:
            low = time
        if math.isinf(high) and _beta_quantile(mean, square, 1 - tail) <= 0.5:
            high = time
    return low, high


def _lower_quantile(mean: float, square: float, after: int, tail: float) -> float:
    if after == 0:
        return 0.0
    return _beta_quantile(mean * after / (after + 1), square * after / (after + 2), tail)


def _beta_quantile(mean: float, square: float, probability: float) -> float:
    """Quantile of the beta law with that mean and mean square; 1 for the law that is always 1."""
    variance = square - mean**2
    if variance <= 0:
        return 1.0
    size = mean * (1 - mean) / variance - 1
    return float(betaincinv(mean * size, (1 - mean) * size, probability))
