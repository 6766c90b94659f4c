"""Intervals for the expected score: E[olympic mean of N runs], from the n runs at hand.

Below 20 runs the winsorised variance of a trimmed mean throws away most of what little is known
of the spread (Tukey-McLaughlin has 2 degrees of freedom at n = 5). For lognormal times there is
an exact pivot instead: the log of the expected score is the mean log time plus a shift that
depends on sigma alone and is tiny for the sigmas of training runs, so Student's t with n − 1
degrees of freedom applies. From 20 runs on, the estimate is the unbiased L-statistic and its
influence function gives the error, whatever the law.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from mlperf_stats.errors import StatisticsError
from mlperf_stats.stats import codes
from mlperf_stats.stats.interval import Interval
from mlperf_stats.stats.l_statistics import (
    influence_standard_error,
    lognormal_score_shift,
    unbiased_weights,
)
from mlperf_stats.stats.sample import (
    FloatArray,
    SampleLike,
    check_count,
    check_level,
    check_sample,
    spread_warnings,
)
from mlperf_stats.stats.t_log import t_log_bounds, t_quantile

L_STATISTIC_FROM = 20
"""Runs from which the influence function is trusted more than the lognormal model."""

_LARGEST_SIGMA = 1.0
"""Wider spreads than a factor e are no lognormal training times; their shift stays at that of e."""


def lognormal_pivot_bounds(
    ordered: FloatArray, runs: int, dropped: int, level: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Kernel: positive times (…, n), n ≥ 2 → estimates, lows, highs of shape (…,).

    The estimate is the unbiased L-statistic where n ≥ ``runs``, else the centre of the interval.
    """
    n = ordered.shape[-1]
    sigma = np.minimum(np.log(ordered).std(axis=-1, ddof=1), _LARGEST_SIGMA)
    shift = np.exp(lognormal_score_shift(sigma, runs, dropped))
    centre, low, high = (bound * shift for bound in t_log_bounds(ordered, level))
    estimate = ordered @ unbiased_weights(n, runs, dropped) if n >= runs else centre
    return estimate, np.minimum(low, estimate), np.maximum(high, estimate)


def l_statistic_bounds(
    ordered: FloatArray, runs: int, dropped: int, level: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Kernel: ascending positive times (…, n), n ≥ 2 → estimates, lows, highs of shape (…,).

    The relative error is applied on the log scale, which keeps the lower end positive and moves
    both ends towards where right-skewed laws need them.
    """
    n = ordered.shape[-1]
    centre, _, _ = lognormal_pivot_bounds(ordered, runs, dropped, level)
    half = t_quantile(level, n - 1) * influence_standard_error(ordered, runs, dropped) / centre
    return centre, centre * np.exp(-half), centre * np.exp(half)


def expected_score_bounds(
    ordered: FloatArray, runs: int, dropped: int, level: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Kernel of ``expected_score_interval``: the method for n = ``ordered.shape[-1]`` ≥ 2."""
    kernel = lognormal_pivot_bounds if ordered.shape[-1] < L_STATISTIC_FROM else l_statistic_bounds
    return kernel(ordered, runs, dropped, level)


def expected_score_interval(times: SampleLike, runs: int, dropped: int = 1, level: float = 0.95) -> Interval:
    """Interval for the expected olympic mean of ``runs`` runs with ``dropped`` off each side.

    ``times``: shape (n,), positive, any unit, n ≥ 1 converged runs; n may differ from ``runs``.
    The estimate is unbiased for n ≥ ``runs`` and equals the olympic mean at n = ``runs``.
    Method ``lognormal-pivot`` below 20 runs (exact for lognormal times; on right-skewed laws it
    falls short by 1 to 3 points, more where most runs tie), ``l-statistic`` from 20 runs on.
    One run gives [0, ∞); equal runs a width of 0, warned ``zero-variance``.
    Raises SampleError, TooFewRunsError (no run), StatisticsError (level, runs, dropped).
    """
    level, ordered = check_level(level), check_sample(times, positive=True)
    runs, dropped = check_scoring(runs, dropped)
    n = ordered.size
    if n == 1:
        estimate, low, high = float(ordered[0]), 0.0, math.inf
    elif ordered[0] == ordered[-1]:
        # Sums of equal numbers can round to a neighbour of the common value.
        estimate = low = high = float(ordered[0])
    else:
        with np.errstate(over="ignore"):
            estimate, low, high = (float(b) for b in expected_score_bounds(ordered, runs, dropped, level))
    return Interval(
        estimate=estimate, low=low, high=high, level=level, level_attained=1.0 if n == 1 else level,
        method="lognormal-pivot" if n < L_STATISTIC_FROM else "l-statistic",
        estimand="expected-score", n=n, warnings=_warnings(ordered),
    )  # fmt: skip


def lognormal_score(interval: Interval, sigma: float, runs: int, dropped: int) -> Interval:
    """The expected score whose geometric mean ``interval`` is about, for lognormal times of ``sigma``."""
    shift = float(np.exp(lognormal_score_shift(np.array(min(sigma, _LARGEST_SIGMA)), runs, dropped)))
    return replace(
        interval, estimate=interval.estimate * shift, low=interval.low * shift, high=interval.high * shift,
        estimand="expected-score",
    )  # fmt: skip


def check_scoring(runs: int, dropped: int) -> tuple[int, int]:
    """N and m of an olympic mean that keeps at least one run; StatisticsError otherwise."""
    runs = check_count(runs, minimum=1, what="runs")
    dropped = check_count(dropped, minimum=0, what="dropped")
    if runs <= 2 * dropped:
        raise StatisticsError(f"dropping {dropped} on each side of {runs} runs leaves none; drop fewer")
    return runs, dropped


def _warnings(ordered: FloatArray) -> tuple[str, ...]:
    return tuple(code for code in spread_warnings(ordered) if code != codes.TIED_RUNS)
