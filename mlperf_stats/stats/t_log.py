"""Student's t on the logarithm of time: an interval for the geometric mean."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from scipy.special import ndtri, stdtrit

from mlperf_stats.stats import codes
from mlperf_stats.stats.interval import Interval
from mlperf_stats.stats.sample import FloatArray, SampleLike, check_level, check_sample, spread_warnings


@lru_cache(maxsize=4096)
def t_quantile(level: float, df: float) -> float:
    """Half-width in standard errors of a two-sided t interval of that level; ``df`` > 0, may be ∞."""
    tail = (1.0 + level) / 2.0
    return float(stdtrit(df, tail)) if math.isfinite(df) else float(ndtri(tail))


def t_log_bounds(ordered: FloatArray, level: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Kernel: positive times of shape (…, n), n ≥ 2 → estimates, lows, highs of shape (…,)."""
    n = ordered.shape[-1]
    logs = np.log(ordered)
    centre = logs.mean(axis=-1)
    half = t_quantile(level, n - 1) * logs.std(axis=-1, ddof=1) / math.sqrt(n)
    with np.errstate(over="ignore"):
        return np.exp(centre), np.exp(centre - half), np.exp(centre + half)


def geometric_mean_interval(times: SampleLike, level: float = 0.95) -> Interval:
    """Student t interval of mean log time, carried back: an interval for the geometric mean.

    ``times``: shape (n,), positive, any unit, n ≥ 1. Exact for lognormal times, robust for n ≥ 5
    on mildly skewed ones; it is *not* an interval for the median of a skewed law. One run gives
    [0, ∞); equal runs give a width of 0, warned ``zero-variance``.
    Raises SampleError, TooFewRunsError (no run), StatisticsError (level).
    """
    level, ordered = check_level(level), check_sample(times, positive=True)
    if ordered.size == 1:
        estimate, low, high = float(ordered[0]), 0.0, math.inf
    elif ordered[0] == ordered[-1]:
        # The mean of equal logarithms can round to a neighbour of the common value.
        estimate = low = high = float(ordered[0])
    else:
        estimate, low, high = (float(bound) for bound in t_log_bounds(ordered, level))
    return Interval(
        estimate=estimate, low=low, high=high, level=level,
        level_attained=1.0 if ordered.size == 1 else level,
        method="t-log", estimand="geometric-mean", n=ordered.size, warnings=_warnings(ordered),
    )  # fmt: skip


def _warnings(ordered: FloatArray) -> tuple[str, ...]:
    return tuple(code for code in spread_warnings(ordered) if code != codes.TIED_RUNS)
