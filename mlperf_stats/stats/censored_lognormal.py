"""A lognormal law fitted to times of which some are known only from one or two sides.

For questions about *other* targets or evaluation frequencies than those of the runs, where the
time at which quality was reached lies between two evaluations; and for runs that did not converge.
Never for an official score: that is the time of an evaluation by definition, and exact.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from mlperf_stats.errors import SampleError, StatisticsError, TooFewRunsError
from mlperf_stats.stats import codes
from mlperf_stats.stats.interval import Interval
from mlperf_stats.stats.lognormal_likelihood import crossing, maximise
from mlperf_stats.stats.sample import FloatArray, Marks, SampleLike, as_numbers, check_level, check_outcomes

_SEARCH_SCALES = 50.0
"""How far beyond the finite bounds the median is looked for, in ranges of the bounds."""

_LOG_LARGEST = 700.0
"""Logarithms beyond this are no floating-point numbers any more."""


@dataclass(frozen=True, slots=True)
class LognormalFit:
    """Maximum-likelihood lognormal law of times of which some are censored."""

    median: float
    """exp(mu), also the geometric mean; in the unit of the times."""
    sigma: float
    """Standard deviation of log time; 0 where one value agrees with all runs."""
    runs: int
    bounded: int
    """Runs with a finite upper bound: those that tell more than 'longer than'."""


def fit_lognormal(lower: SampleLike, upper: SampleLike) -> LognormalFit:
    """Fit to times known to lie in [``lower``, ``upper``], each shape (n,), one unit.

    Equal bounds are an exact time, an upper bound of ∞ a run that did not get there, a lower bound
    of 0 one that was there at its first evaluation. At least two runs need a finite upper bound
    and one a positive lower bound, otherwise no fit exists and none is made up.
    Raises SampleError, TooFewRunsError, StatisticsError.
    """
    below, above = _check_bounds(lower, upper)
    mu, sigma, _ = _fits(_Facts.of(below, above))
    return LognormalFit(math.exp(mu[0]), float(sigma[0]), below.shape[1], int(np.isfinite(above).sum()))


def interval_censored_interval(lower: SampleLike, upper: SampleLike, level: float = 0.95) -> Interval:
    """Profile-likelihood interval for the median (= geometric mean) of a lognormal law.

    Arguments and errors as ``fit_lognormal``. The cut-off is ``k log(1 + t²/(k - 1))`` with Student's
    t and k the runs with a finite upper bound: exact, and the same as the t interval of log times,
    where every time is exact. Where one value agrees with all runs the spread is not
    identified: the interval is still honest, and warned ``spread-not-identified``.
    """
    level = check_level(level)
    below, above = _check_bounds(lower, upper)
    mu, sigma, low, high = (float(found[0]) for found in profile_bounds(below, above, level))
    warnings = (codes.CENSORED_RUNS,) if np.isinf(above).any() else ()
    if sigma == 0:
        warnings = (codes.ZERO_VARIANCE if low == high else codes.SPREAD_NOT_IDENTIFIED, *warnings)
    return Interval(
        estimate=math.exp(mu), low=math.exp(low), high=math.exp(high) if high < _LOG_LARGEST else math.inf,
        level=level, level_attained=level, method="lognormal-profile", estimand="median",
        n=below.shape[1], warnings=warnings,
    )  # fmt: skip


def censored_lognormal_interval(times: SampleLike, converged: Marks, level: float = 0.95) -> Interval:
    """Profile-likelihood interval for the median time to train when some runs did not converge.

    ``times``: shape (n,), positive, any unit, the time trained for runs that did not converge. Under
    the lognormal law all runs would converge in the end. At least two runs have to have converged;
    with none there is only the bound of ``censored_median_interval``.
    Raises SampleError, TooFewRunsError, StatisticsError.
    """
    level = check_level(level)
    ordered, marks = check_outcomes(times, converged)
    return interval_censored_interval(ordered, np.where(marks, ordered, np.inf), level)


@dataclass(frozen=True, slots=True)
class _Facts:
    """Log bounds (s, n) of s samples that have a fit, with what the search needs to know, each (s,)."""

    lower: FloatArray
    upper: FloatArray
    bounded: NDArray[np.intp]
    least: FloatArray
    greatest: FloatArray
    """The least and the greatest finite bound."""
    common_low: FloatArray
    common_high: FloatArray
    """The greatest lower and the least upper bound: an interval where one value agrees with all runs."""
    tied: NDArray[np.bool_]
    """All runs with an upper bound have one and the same exact time, and no other run contradicts it."""

    @classmethod
    def of(cls, lower: FloatArray, upper: FloatArray) -> _Facts:
        low, high = lower.max(axis=1), upper.min(axis=1)
        both = np.concatenate([lower, upper], axis=1)
        finite = np.isfinite(both)
        return cls(
            lower, upper, np.isfinite(upper).sum(axis=1),
            np.where(finite, both, np.inf).min(axis=1), np.where(finite, both, -np.inf).max(axis=1),
            low, high, (low == high) & (lower == upper).any(axis=1),
        )  # fmt: skip

    @property
    def agrees(self) -> NDArray[np.bool_]:
        """Whether one value agrees with all runs, where the likelihood is as high as it can be."""
        return np.asarray((self.common_low < self.common_high) | self.tied)

    @property
    def scale(self) -> FloatArray:
        """Range of the finite bounds, kept off 0."""
        return np.maximum(self.greatest - self.least, 1e-9)


def _fits(facts: _Facts) -> tuple[FloatArray, FloatArray, FloatArray]:
    """mu, sigma and log-likelihood, each (s,); sigma 0 where the spread is not identified."""
    margin = _SEARCH_SCALES * facts.scale
    mu, sigma, likelihood = maximise(
        facts.lower, facts.upper, facts.least - margin, facts.greatest + margin, facts.scale
    )
    agrees = facts.agrees
    mu = np.where(agrees, (facts.common_low + facts.common_high) / 2, mu)
    # Runs on both sides of one border, and nothing further off, are matched by any narrow law there.
    sigma = np.where(agrees | (facts.common_low == facts.common_high), 0.0, sigma)
    return mu, sigma, np.where(agrees, 0.0, likelihood)


def profile_bounds(
    lower: FloatArray, upper: FloatArray, level: float
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Kernel: log bounds (s, n) of s samples that have a fit → mu, sigma, low, high (s,), all of logs."""
    facts = _Facts.of(lower, upper)
    mu, sigma, likelihood = _fits(facts)
    threshold = likelihood - t_calibrated_cut(facts.bounded, level) / 2
    low, high = crossing(
        lower[:, np.newaxis], upper[:, np.newaxis], mu[:, np.newaxis], np.array([-1.0, 1.0]),
        facts.scale[:, np.newaxis], threshold[:, np.newaxis],
    ).T  # fmt: skip
    # All runs in one interval do not exclude its ends: half of the law could lie beyond either.
    agrees = facts.agrees
    low = np.where(agrees, np.minimum(low, facts.common_low), low)
    high = np.where(agrees, np.maximum(high, facts.common_high), high)
    return mu, sigma, np.where(facts.tied, mu, low), np.where(facts.tied, mu, high)


def t_calibrated_cut(bounded: NDArray[np.intp], level: float) -> FloatArray:
    """How far twice the log-likelihood may fall: ``k log(1 + t²/(k - 1))``, exact for exact times."""
    quantile = stdtrit(bounded - 1, (1 + level) / 2)
    return np.asarray(bounded * np.log1p(quantile**2 / (bounded - 1)), dtype=np.float64)


def _check_bounds(lower: SampleLike, upper: SampleLike) -> tuple[FloatArray, FloatArray]:
    """Log bounds, each (1, n), of a sample to which a lognormal law can be fitted."""
    below, above = as_numbers(lower, "lower bounds"), as_numbers(upper, "upper bounds")
    if below.shape != above.shape:
        raise SampleError(f"bounds of shapes {below.shape} and {above.shape}; give one pair per run")
    # Written so that NaN fails it too.
    wrong = np.flatnonzero(~((below >= 0) & (below <= above) & (above > 0) & np.isfinite(below)))
    if wrong.size:
        first = wrong[0]
        raise SampleError(f"bounds of run {first} are [{below[first]}, {above[first]}]; need 0 ≤ low ≤ high")
    bounded = int(np.isfinite(above).sum())
    if bounded == 0 and below.size:
        raise StatisticsError("no run got there: nothing can be fitted, use the bound of the median instead")
    if bounded < 2:
        raise TooFewRunsError(f"a lognormal fit needs 2 runs with a finite upper bound, got {bounded}")
    if not below.any():
        raise StatisticsError(
            "every run was there at its first evaluation: there is no lower bound to fit to"
        )
    with np.errstate(divide="ignore"):
        low, high = np.log(below), np.log(above)
    exact = low == high
    if exact.any() and low.max() <= high.min() and exact.sum() < bounded:
        raise StatisticsError(
            "one exact time agrees with the bounds of every other run, so the likelihood has no maximum; "
            "give exact times as the interval between two evaluations"
        )
    return low[np.newaxis], high[np.newaxis]
