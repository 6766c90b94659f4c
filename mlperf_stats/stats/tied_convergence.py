"""Runs that all converged at one evaluation: their spread says nothing of the next evaluation.

Time to train lives on a grid of evaluations. When n runs stop at one point of it, their times
differ by throughput alone, and Student's t on them excludes what has merely not been seen yet. By
the rule of succession a further run stops one step earlier or later with a chance of about 1/(n + 1)
each; that adds ``2 step² / (n + 1)`` to the variance of log time.
"""

from __future__ import annotations

import math
from typing import TypeVar

import numpy as np

from mlperf_stats.errors import StatisticsError
from mlperf_stats.stats import codes
from mlperf_stats.stats.interval import Interval
from mlperf_stats.stats.sample import FloatArray, SampleLike, check_level, check_sample
from mlperf_stats.stats.t_log import t_quantile

_Steps = TypeVar("_Steps", float, FloatArray)


def hidden_variance(relative_step: _Steps, n: int) -> _Steps:
    """What one step would add to the variance of log time of n runs that tie; of one set or of many."""
    return 2 * relative_step**2 / (n + 1)


def tied_sigma(times: FloatArray, relative_step: float) -> FloatArray:
    """Kernel: standard deviation of log time with what one step would add, (…, n ≥ 2) → (…,)."""
    variance = np.log(times).var(axis=-1, ddof=1) + hidden_variance(relative_step, times.shape[-1])
    return np.asarray(np.sqrt(variance), dtype=np.float64)


def tied_convergence_bounds(
    times: FloatArray, relative_step: float, level: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Kernel: positive times (…, n), n ≥ 2, all of one convergence point → estimates, lows, highs (…,)."""
    n = times.shape[-1]
    half = t_quantile(level, n - 1) * tied_sigma(times, relative_step) / math.sqrt(n)
    centre = np.log(times).mean(axis=-1)
    with np.errstate(over="ignore"):
        return np.exp(centre), np.exp(centre - half), np.exp(centre + half)


def tied_convergence_interval(times: SampleLike, relative_step: float, level: float = 0.95) -> Interval:
    """Interval for the geometric mean of runs that all converged at the same evaluation.

    ``times``: shape (n,), positive, any unit, n ≥ 1; ``relative_step``: distance between
    evaluations ÷ the convergence point, above 0. Covers more than it states where the tie is no
    accident, about what it states where it is. One run gives [0, ∞).
    Raises SampleError, TooFewRunsError (no run), StatisticsError (level, relative_step).
    """
    level, ordered = check_level(level), check_sample(times, positive=True)
    if not math.isfinite(relative_step) or relative_step <= 0:
        raise StatisticsError(f"relative_step {relative_step!r} is not a number above 0")
    found: tuple[str, ...] = (codes.ONE_CONVERGENCE_POINT,)
    if ordered.size == 1:
        estimate, low, high = float(ordered[0]), 0.0, math.inf
        found = (codes.SINGLE_RUN, *found)
    else:
        estimate, low, high = (float(b) for b in tied_convergence_bounds(ordered, relative_step, level))
    return Interval(
        estimate=estimate, low=low, high=high, level=level,
        level_attained=1.0 if ordered.size == 1 else level,
        method="tied-convergence", estimand="geometric-mean", n=ordered.size, warnings=found,
    )  # fmt: skip
