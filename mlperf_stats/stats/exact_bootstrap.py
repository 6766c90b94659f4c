"""Bootstrap intervals without seed and without Monte-Carlo error.

Up to ten runs every resample is accounted for; beyond, the law of the resampled statistic is
computed to a thousandth of the sample's range. Knowing that law exactly does not make it the
right one: with few runs the bootstrap of any mean covers too little, and the answer says so.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from mlperf_stats.errors import StatisticsError
from mlperf_stats.stats import codes
from mlperf_stats.stats.hutson_ernst import LARGEST_SAMPLE as LARGEST_MOMENT_SAMPLE
from mlperf_stats.stats.hutson_ernst import bootstrap_moments
from mlperf_stats.stats.interval import Interval
from mlperf_stats.stats.resampling import (
    LARGEST_SAMPLE,
    Law,
    is_listable,
    kept_table,
    quantiles,
    share_below,
    trimmed_mean_law,
)
from mlperf_stats.stats.sample import (
    FloatArray,
    SampleLike,
    check_count,
    check_level,
    check_sample,
    spread_warnings,
)

Statistic = Literal["median", "mean", "geometric-mean", "olympic-mean"]
Kind = Literal["percentile", "bca"]

_ESTIMANDS: dict[Statistic, str] = {
    "median": "median",
    "mean": "mean",
    "geometric-mean": "geometric-mean",
    "olympic-mean": "expected-score",
}

_FEW_RUNS = 20
"""Below this, bootstrap intervals of means cover visibly less than they state."""


def enumerated_law(times: SampleLike, statistic: Callable[[FloatArray], FloatArray]) -> Law:
    """Exact bootstrap law of any statistic of at most ten runs.

    ``times``: shape (n,), n ≤ 10; ``statistic`` maps resamples of shape (k, n), each ascending, to
    k values. Raises SampleError, TooFewRunsError (no run), StatisticsError (more than ten runs).
    """
    ordered = check_sample(times)
    if not is_listable(ordered.size, 0):
        raise StatisticsError(f"{ordered.size} runs have too many resamples to list; ten is the most")
    table = kept_table(ordered.size, 0)
    counts = np.rint(table.shares.T * ordered.size).astype(np.intp)
    members = np.repeat(np.tile(np.arange(ordered.size), len(counts)), counts.ravel())
    values = np.asarray(statistic(ordered[members.reshape(counts.shape)]), dtype=np.float64)
    if values.shape != (len(counts),) or not np.isfinite(values).all():
        raise StatisticsError("the statistic must give one finite number per resample (row)")
    order = np.argsort(values)
    return Law(values[order], table.weights[order])


def bootstrap_law(times: SampleLike, statistic: Statistic, dropped: int = 1) -> Law:
    """Bootstrap law of the statistic; for the geometric mean the law of the mean log time.

    ``times``: shape (n,), n ≤ 200, positive for the geometric mean; ``dropped`` on each side is
    used by the olympic mean alone. Exact for the median of any n, the mean of n ≤ 10 and the
    olympic mean of n ≤ 11, else smoothed by a thousandth of the range.
    Raises SampleError, TooFewRunsError, StatisticsError.
    """
    return trimmed_mean_law(*_as_trimmed_mean(times, statistic, dropped))


def bootstrap_standard_error(times: SampleLike, statistic: Statistic, dropped: int = 1) -> float:
    """Exact bootstrap standard error (Hutson & Ernst 2000), in the unit of ``times``.

    ``times``: shape (n,), 2 ≤ n ≤ 60; for the geometric mean, that of the mean log time.
    Raises SampleError, TooFewRunsError, StatisticsError.
    """
    ordered, dropped = _as_trimmed_mean(times, statistic, dropped, minimum=2)
    if ordered.size > LARGEST_MOMENT_SAMPLE:
        raise StatisticsError(f"{ordered.size} runs: the closed form is for at most {LARGEST_MOMENT_SAMPLE}")
    return float(bootstrap_moments(ordered, dropped)[1])


def bootstrap_interval(
    times: SampleLike,
    statistic: Statistic = "median",
    *,
    dropped: int = 1,
    kind: Kind = "percentile",
    level: float = 0.95,
) -> Interval:
    """Percentile or BCa bootstrap interval (Efron 1987) from the law of all resamples.

    ``times``: shape (n,), n ≤ 200, any unit, positive for the geometric mean. The level attained
    is nominal. With fewer than 20 runs it carries ``bootstrap-few-runs``; BCa whose acceleration
    cannot be told from tied runs takes none and carries ``bca-degenerate``.
    Raises SampleError, TooFewRunsError, StatisticsError (level, statistic, kind, dropped).
    """
    level = check_level(level)
    if kind not in get_args(Kind):
        raise StatisticsError(f"no bootstrap interval of kind {kind!r}; there are percentile and bca")
    ordered, trimmed = _as_trimmed_mean(times, statistic, dropped)
    warnings = spread_warnings(ordered)
    if 2 <= ordered.size < _FEW_RUNS:
        warnings = (codes.BOOTSTRAP_FEW_RUNS, *warnings)
    n = ordered.size
    estimate = float(ordered[trimmed : n - trimmed].mean())
    if n == 1 or ordered[0] == ordered[-1]:
        estimate = float(ordered[0])
        low, high = (-math.inf, math.inf) if n == 1 else (estimate, estimate)
    else:
        law = trimmed_mean_law(ordered, trimmed)
        bounds = percentile_bounds if kind == "percentile" else bca_bounds
        ends = bounds(ordered, trimmed, law.values, np.cumsum(law.weights), level)
        low, high = (float(end) for end in ends)
        if kind == "bca" and jackknife_acceleration(ordered, trimmed)[1]:
            warnings = (*warnings, codes.BCA_DEGENERATE)
    if statistic == "geometric-mean":
        estimate, low, high = math.exp(estimate), math.exp(low), math.exp(high)
    return Interval(
        estimate=estimate, low=low, high=high, level=level, level_attained=1.0 if n == 1 else level,
        method=f"bootstrap-{kind}", estimand=_ESTIMANDS[statistic], n=n, warnings=warnings,
    )  # fmt: skip


def percentile_bounds(
    ordered: FloatArray, dropped: int, values: FloatArray, cumulative: FloatArray, level: float
) -> tuple[FloatArray, FloatArray]:
    """Kernel: percentile limits of the laws ``values``, ``cumulative`` (…, k) → two of shape (…,).

    ``ordered`` and ``dropped`` are those of ``bca_bounds``; percentiles need the laws alone.
    """
    ends = ((1 - level) / 2, (1 + level) / 2)
    low, high = (quantiles(values, cumulative, np.full(values.shape[:-1], end)) for end in ends)
    return low, high


def bca_bounds(
    ordered: FloatArray, dropped: int, values: FloatArray, cumulative: FloatArray, level: float
) -> tuple[FloatArray, FloatArray]:
    """Kernel: BCa limits of trimmed means of ``ordered`` (…, n) from their bootstrap laws (…, k)."""
    n = ordered.shape[-1]
    bias = ndtri(share_below(values, cumulative, ordered[..., dropped : n - dropped].mean(axis=-1)))
    acceleration, _ = jackknife_acceleration(ordered, dropped)
    shifted = [bias + ndtri(end) for end in ((1 - level) / 2, (1 + level) / 2)]
    low, high = (
        quantiles(values, cumulative, np.asarray(ndtr(bias + z / (1 - acceleration * z)))) for z in shifted
    )
    return low, high


def jackknife_acceleration(ordered: FloatArray, dropped: int) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Kernel: BCa's acceleration of the trimmed mean, (…, n) → (…,), and where there is none.

    Ties can make the trimmed mean the same whichever run is left out; the acceleration is then 0.
    """
    n = ordered.shape[-1]
    others = np.array([[j for j in range(n) if j != left_out] for left_out in range(n)])
    fewer = min(dropped, (n - 2) // 2)
    means = ordered[..., others][..., fewer : n - 1 - fewer].mean(axis=-1)
    deviations = means.mean(axis=-1, keepdims=True) - means
    squares = np.sum(deviations**2, axis=-1)
    flat = np.asarray(squares <= (1e-12 * np.abs(ordered).max(axis=-1)) ** 2)
    cubes = np.sum(deviations**3, axis=-1)
    return np.where(flat, 0.0, cubes / (6 * np.where(flat, 1.0, squares) ** 1.5)), flat


def _as_trimmed_mean(
    times: SampleLike, statistic: Statistic, dropped: int, *, minimum: int = 1
) -> tuple[FloatArray, int]:
    """The validated ascending sample (logs for the geometric mean) and how many leave on each side."""
    if statistic not in _ESTIMANDS:
        raise StatisticsError(f"no bootstrap of {statistic!r}; there are {', '.join(_ESTIMANDS)}")
    if statistic == "olympic-mean":
        dropped = check_count(dropped, minimum=0, what="dropped")
        minimum = max(minimum, 2 * dropped + 1)
    ordered = check_sample(times, minimum=minimum, positive=statistic == "geometric-mean")
    if ordered.size > LARGEST_SAMPLE:
        raise StatisticsError(
            f"{ordered.size} runs: resampling is for at most {LARGEST_SAMPLE}; use a t interval"
        )
    if statistic == "geometric-mean":
        return np.log(ordered), 0
    return ordered, {"median": (ordered.size - 1) // 2, "mean": 0}.get(statistic, dropped)
