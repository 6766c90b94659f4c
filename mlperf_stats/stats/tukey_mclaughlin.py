"""Tukey and McLaughlin's interval for a trimmed mean; with N runs the official olympic mean."""

from __future__ import annotations

import math

import numpy as np

from mlperf_stats.errors import StatisticsError, TooFewRunsError
from mlperf_stats.stats.interval import Interval
from mlperf_stats.stats.sample import (
    FloatArray,
    SampleLike,
    check_count,
    check_level,
    check_sample,
    spread_warnings,
)
from mlperf_stats.stats.t_log import t_quantile


def tukey_mclaughlin_bounds(
    ordered: FloatArray, dropped: int, level: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Kernel: ascending times of shape (…, n), n ≥ 2·dropped + 2 → estimates, lows, highs (…,)."""
    n = ordered.shape[-1]
    kept = n - 2 * dropped
    winsorised = np.clip(ordered, ordered[..., [dropped]], ordered[..., [n - dropped - 1]])
    centre = ordered[..., dropped : n - dropped].mean(axis=-1)
    error = winsorised.std(axis=-1, ddof=1) * math.sqrt(n) / kept
    half = t_quantile(level, kept - 1) * error
    return centre, centre - half, centre + half


def tukey_mclaughlin_interval(times: SampleLike, dropped: int = 1, level: float = 0.95) -> Interval:
    """Interval for the expected olympic mean of as many runs as are given.

    ``times``: shape (n,), any unit; ``dropped`` runs leave on each side; n ≥ 2·dropped + 2. The
    winsorised standard deviation, Student t with n − 2·dropped − 1 degrees of freedom: wide and
    still short of its level below ten runs, where ``expected_score_interval`` does better.
    Raises SampleError, TooFewRunsError, StatisticsError (level, dropped).
    Source: Tukey & McLaughlin 1963.
    """
    level, ordered = check_level(level), check_sample(times)
    dropped = check_count(dropped, minimum=0, what="dropped")
    needed = 2 * dropped + 2
    if ordered.size < needed:
        raise TooFewRunsError(
            f"Tukey-McLaughlin with {dropped} dropped on each side needs {needed} runs, "
            f"got {ordered.size}; use expected_score_interval"
        )
    estimate, low, high = (float(bound) for bound in tukey_mclaughlin_bounds(ordered, dropped, level))
    if not math.isfinite(high - low):
        raise StatisticsError("Tukey-McLaughlin: times too large to square; use a larger unit of time")
    return Interval(
        estimate=estimate, low=low, high=high, level=level, level_attained=level,
        method="tukey-mclaughlin", estimand="expected-score", n=ordered.size,
        warnings=spread_warnings(ordered),
    )  # fmt: skip
