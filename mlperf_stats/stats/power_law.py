"""A power law of time in size, ``time = c · size^slope``, fitted on the log-log scale.

Times of machines scatter about such a law far more than repeated runs of one machine do, and a family of
machines has few members. So the scatter is moderated: what the residuals of other families say of it is
averaged in, as Smyth (2004) does with variances (:mod:`mlperf_stats.stats.moderated`). The interval is
Student's t with the degrees of freedom of both, never narrower than the times' own uncertainty makes it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mlperf_stats.errors import SampleError, StatisticsError, TooFewRunsError
from mlperf_stats.stats import codes
from mlperf_stats.stats.interval import Interval
from mlperf_stats.stats.moderated import VariancePrior, variance_prior
from mlperf_stats.stats.sample import FloatArray, SampleLike, as_vector, check_level, check_sample
from mlperf_stats.stats.t_log import t_quantile


@dataclass(frozen=True, eq=False)
class SizedTimes:
    """Logs of times at sizes with the variances of the former; build it with :func:`sized_times`."""

    log_size: FloatArray
    log_time: FloatArray
    variance: FloatArray
    """Of each log time, from the spread of its own runs."""

    @property
    def df(self) -> int:
        """Degrees of freedom of the scatter about a line."""
        return self.log_time.size - 2

    @property
    def slope(self) -> float:
        """Least squares slope of log time on log size."""
        x = self.log_size - self.log_size.mean()
        return float(x @ self.log_time / (x @ x))

    @property
    def scatter(self) -> float:
        """Residual variance; NaN without degrees of freedom."""
        if self.df < 1:
            return math.nan
        x, y = self.log_size - self.log_size.mean(), self.log_time - self.log_time.mean()
        return float(((y - self.slope * x) ** 2).sum()) / self.df

    @property
    def slope_variance_of_times(self) -> float:
        """Variance of the slope that the times' own uncertainty makes."""
        x = self.log_size - self.log_size.mean()
        return float((x * x) @ self.variance / (x @ x) ** 2)


def sized_times(sizes: SampleLike, times: SampleLike, variances: SampleLike) -> SizedTimes:
    """Check and take logarithms.

    Args:
        sizes: Shape (k,), positive, at least two of them distinct.
        times: Shape (k,), positive, any unit.
        variances: Shape (k,), ≥ 0, of the log of each time.

    Raises SampleError (shape, NaN, values out of range, lengths that differ) and TooFewRunsError (one size).
    """
    check_sample(sizes, positive=True, what="sizes")
    check_sample(times, positive=True)
    size, time, variance = as_vector(sizes, "sizes"), as_vector(times), as_vector(variances, "variances")
    if not size.shape == time.shape == variance.shape:
        raise SampleError(
            f"{size.size} sizes, {time.size} times and {variance.size} variances; give one each per machine"
        )
    if variance.size and variance.min() < 0:
        raise SampleError("variances: one is negative; give squared standard deviations of log time")
    if np.unique(size).size < 2:
        raise TooFewRunsError(f"sizes: at least 2 distinct ones needed, got {np.unique(size).size}")
    return SizedTimes(np.log(size), np.log(time), variance)


@dataclass(frozen=True, slots=True)
class PowerLaw:
    """The law of one family."""

    exponent: Interval
    """b of ``time ∝ size^−b``: 1 where twice the size halves the time."""
    scatter: float
    """Standard deviation of log time about the law, moderated."""
    scatter_df: float

    def efficiency(self, growth: float) -> Interval:
        """Share of ideal speed-up left as the size grows by a factor ``growth`` > 1, else StatisticsError."""
        if not (math.isfinite(growth) and growth > 1):
            raise StatisticsError(f"growth {growth!r} is not a number above 1; 2 is one doubling")
        own = self.exponent

        def left(exponent: float) -> float:
            return math.exp((exponent - 1) * math.log(growth))

        return Interval(
            left(own.estimate), left(own.low), left(own.high), own.level, own.level_attained,
            own.method, "scaling-efficiency", own.n, own.warnings,
        )  # fmt: skip


def scatter_prior(families: Sequence[SizedTimes]) -> VariancePrior | None:
    """What these families say of the scatter of another; None if fewer than two have any."""
    known = [one for one in families if one.df > 0 and one.scatter > 0]
    if len(known) < 2:
        return None
    return variance_prior([one.scatter for one in known], [one.df for one in known])


def power_law(family: SizedTimes, prior: VariancePrior | None = None, level: float = 0.95) -> PowerLaw:
    """The law of ``family`` with an interval for its exponent.

    Args:
        family: From :func:`sized_times`.
        prior: From :func:`scatter_prior` of *other* families; None if there is none.
        level: Confidence level.

    Two sizes without others to borrow from show no scatter: the interval is then of the times' uncertainty
    alone, warned ``scatter-unknown``. Raises StatisticsError (level).
    """
    level = check_level(level)
    borrowed = prior or VariancePrior(0.0, 0.0, 0)
    df = max(family.df, 0)
    own = family.scatter if df else 0.0
    scatter, total = borrowed.posterior(own, df)
    x = family.log_size - family.log_size.mean()
    of_times = family.slope_variance_of_times
    warnings: tuple[str, ...] = ()
    if total == 0:
        variance, total, warnings = of_times, math.inf, (codes.SCATTER_UNKNOWN,)
    else:
        variance = max(scatter / float(x @ x), of_times)
    half = t_quantile(level, total) * math.sqrt(variance)
    centre = -family.slope
    exponent = Interval(
        centre, centre - half, centre + half, level, level,
        "power-law-t", "scaling-exponent", family.log_time.size, warnings,
    )  # fmt: skip
    return PowerLaw(exponent, math.sqrt(scatter), total)
