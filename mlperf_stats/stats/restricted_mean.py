"""The mean time to train up to a horizon: finite even where some runs never converge."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from mlperf_stats.errors import StatisticsError
from mlperf_stats.stats import codes
from mlperf_stats.stats.interval import Interval
from mlperf_stats.stats.sample import FloatArray, Marks, SampleLike, check_level, check_outcomes
from mlperf_stats.stats.survival import censoring_warnings, curve_of
from mlperf_stats.stats.t_log import t_quantile


def restricted_mean(times: SampleLike, converged: Marks, horizon: float) -> tuple[float, float]:
    """Mean of min(time to train, ``horizon``) and its standard error (Greenwood's formula).

    Arguments as ``survival_curve``; ``horizon`` > 0 in the unit of ``times`` and not beyond the
    time up to which runs were watched. Raises SampleError, TooFewRunsError, StatisticsError.
    Source: Klein & Moeschberger 2003, section 4.5.
    """
    return _restricted_mean(*check_outcomes(times, converged), horizon)


def _restricted_mean(
    ordered: FloatArray, converged: NDArray[np.bool_], horizon: float
) -> tuple[float, float]:
    if not math.isfinite(horizon) or horizon <= 0:
        raise StatisticsError(f"horizon {horizon!r} is not a time above 0")
    if horizon > ordered[-1] and not converged[-1]:
        raise StatisticsError(
            f"runs were watched up to {ordered[-1]:g} only; choose a horizon of at most that, not {horizon:g}"
        )
    curve = curve_of(ordered, converged)
    within = curve.times <= horizon
    points = np.concatenate([[0.0], curve.times[within], [horizon]])
    heights = np.concatenate([[1.0], curve.survival[within]])
    pieces = heights * np.diff(points)
    mean = float(pieces.sum())
    remaining = mean - np.cumsum(pieces)[:-1]
    events, at_risk = curve.events[within], curve.at_risk[within]
    # The last step to zero leaves no area behind it and would divide by zero.
    steps = at_risk > events
    terms = remaining[steps] ** 2 * events[steps] / (at_risk[steps] * (at_risk[steps] - events[steps]))
    return mean, math.sqrt(float(terms.sum()))


def restricted_mean_interval(
    times: SampleLike, converged: Marks, horizon: float, level: float = 0.95
) -> Interval:
    """Student t interval for the mean of min(time to train, ``horizon``), inside [0, ``horizon``].

    Arguments and errors as ``restricted_mean``. Greenwood's variance divides by n where a sample
    variance divides by n − 1: that is put right, and t has one degree of freedom less than there
    are runs. Without a run that converged within the horizon it has no width and is so warned.
    """
    level = check_level(level)
    ordered, marks = check_outcomes(times, converged)
    mean, error = _restricted_mean(ordered, marks, horizon)
    n = ordered.size
    half = t_quantile(level, n - 1) * error * math.sqrt(n / (n - 1)) if n > 1 else math.inf
    found = censoring_warnings(ordered, marks)
    if n > 1 and error == 0 and codes.ZERO_VARIANCE not in found:
        found = (*found, codes.ZERO_VARIANCE)
    return Interval(
        estimate=mean, low=max(0.0, mean - half), high=min(horizon, mean + half), level=level,
        level_attained=level, method="restricted-mean", estimand="restricted-mean", n=n, warnings=found,
    )  # fmt: skip
