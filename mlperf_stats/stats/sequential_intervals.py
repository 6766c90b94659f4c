"""The intervals that stopping rules show, from logs of times (or of ratios) in order of arrival. NumPy only.

Values may be +∞ (a run that did not converge), -∞ (in a ratio, the other one did not) or NaN (neither did, so
that the ratio may be anything).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mlperf_stats.stats import codes
from mlperf_stats.stats.confidence_sequences import (
    anytime_median_rank,
    best_prior,
    binomial_median_rank,
    mixture_level,
    student_quantile,
    t_mixture_factor,
)
from mlperf_stats.stats.interval import Interval


@dataclass(frozen=True, slots=True)
class MeanKernel:
    """What intervals for a geometric mean have in common."""

    floor: float
    """Smallest standard deviation of the logs that is believed."""
    level: float
    """Level of the whole rule."""
    estimand: str


def anytime_mean(
    values: Sequence[float], kernel: MeanKernel, expected_runs: int, last_run: int | None = None
) -> Interval:
    """t-mixture confidence sequence for the geometric mean, tuned for ``expected_runs``.

    It holds for every number of runs, or for those up to a declared ``last_run`` and is narrower then.
    """
    finite = _finite(values)
    n = finite.size
    prior = best_prior(expected_runs, kernel.level)
    level = mixture_level(prior, last_run, kernel.level) if last_run else kernel.level
    factor = t_mixture_factor(n, prior, level)
    spread = max(float(finite.std()), kernel.floor) if n else 0.0
    return _mean(
        values, finite, factor * spread if spread else _still(factor), kernel, "t-mixture", kernel.level
    )


def ordinary_mean(values: Sequence[float], kernel: MeanKernel, level: float) -> Interval:
    """Student's t for the geometric mean at one number of runs, at the level of that look."""
    finite = _finite(values)
    n = finite.size
    factor = student_quantile(level, n - 1) / math.sqrt(n) if n > 1 else math.inf
    spread = max(float(finite.std(ddof=1)) if n > 1 else 0.0, kernel.floor)
    return _mean(values, finite, factor * spread if spread else _still(factor), kernel, "t-log", level)


def anytime_median(values: Sequence[float], level: float, estimand: str) -> Interval:
    """Confidence sequence for the median from counts, whatever the law."""
    rank = anytime_median_rank(len(values), level)
    return _median(values, rank, level, level, estimand, "median-mixture")


def ordinary_median(
    values: Sequence[float], look_level: float, level: float, estimand: str, *, widest: bool
) -> Interval:
    """Order statistics at one number of runs; ``widest``: the extremes where no pair reaches the level."""
    n = len(values)
    rank = binomial_median_rank(n, look_level)
    attained = level
    if rank > n and widest:
        rank, attained = n, 1 - 2.0 ** (1 - n)
    return _median(values, rank, level, attained, estimand, "order-statistics")


def _still(factor: float) -> float:
    """Half-width without spread: none, unless so few runs say nothing at all."""
    return math.inf if math.isinf(factor) else 0.0


def _finite(values: Sequence[float]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.array([value for value in values if math.isfinite(value)], dtype=np.float64)


def _mean(
    values: Sequence[float],
    finite: np.ndarray[tuple[int], np.dtype[np.float64]],
    half: float,
    kernel: MeanKernel,
    method: str,
    level: float,
) -> Interval:
    centre = float(finite.mean()) if finite.size else 0.0
    slow, fast = (any(value == end or math.isnan(value) for value in values) for end in (math.inf, -math.inf))
    with np.errstate(over="ignore"):
        bounds = np.exp([centre - half, centre + half]).tolist()
    low, high = 0.0 if fast else bounds[0], math.inf if slow else bounds[1]
    warnings: tuple[str, ...] = (codes.CENSORED_RUNS,) if slow or fast else ()
    if finite.size and np.ptp(finite) == 0:
        warnings += (codes.ZERO_VARIANCE if finite.size > 1 else codes.SINGLE_RUN,)
    return Interval(
        estimate=math.exp(centre) if finite.size else math.inf, low=low, high=high, level=kernel.level,
        level_attained=max(level, kernel.level), method=method, estimand=kernel.estimand, n=len(values),
        warnings=warnings,
    )  # fmt: skip


def _median(
    values: Sequence[float], rank: int, level: float, attained: float, estimand: str, method: str
) -> Interval:
    n = len(values)
    least, greatest = (sorted(end if math.isnan(v) else v for v in values) for end in (-math.inf, math.inf))
    low = least[n - rank] if rank <= n else -math.inf
    high = greatest[rank - 1] if rank <= n else math.inf
    middle = _middle([value for value in values if not math.isnan(value)])
    warnings: tuple[str, ...] = () if all(map(math.isfinite, values)) else (codes.CENSORED_RUNS,)
    if attained < level:
        warnings = (*warnings, codes.LEVEL_NOT_ATTAINED)
    return Interval(
        estimate=math.exp(middle), low=math.exp(low), high=math.exp(high), level=level,
        level_attained=attained, method=method, estimand=estimand, n=n, warnings=warnings,
    )  # fmt: skip


def _middle(values: Sequence[float]) -> float:
    """The median; ∞ of no value, and 0, a ratio of 1, between -∞ and ∞."""
    if not values:
        return math.inf
    ordered = sorted(values)
    low, high = ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]
    if low == high:
        return low
    return 0.0 if math.isinf(low) and math.isinf(high) else (low + high) / 2
