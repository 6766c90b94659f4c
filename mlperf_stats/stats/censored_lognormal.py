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


@dataclass(frozen=True, slots=True)
class _Bounds:
    """Validated log bounds (1, n) with what the search needs to know of them."""

    lower: FloatArray
    upper: FloatArray
    bounded: int
    scale: FloatArray
    common: tuple[float, float]
    """The largest lower and the smallest upper bound: an interval if one value agrees with all."""

    @property
    def agrees(self) -> bool:
        """Whether one value agrees with all runs, at which the likelihood is then as high as can be."""
        low, high = self.common
        return low < high or (low == high and bool(self.exact.any()))

    @property
    def exact(self) -> NDArray[np.bool_]:
        return np.asarray(self.lower == self.upper)

    @property
    def all_exact(self) -> bool:
        """Whether every run with an upper bound has an exact time."""
        return int(self.exact.sum()) == self.bounded


def fit_lognormal(lower: SampleLike, upper: SampleLike) -> LognormalFit:
    """Fit to times known to lie in [``lower``, ``upper``], each shape (n,), one unit.

    Equal bounds are an exact time, an upper bound of ∞ a run that did not get there, a lower bound
    of 0 one that was there at its first evaluation. At least two runs need a finite upper bound
    and one a positive lower bound, otherwise no fit exists and none is made up.
    Raises SampleError, TooFewRunsError, StatisticsError.
    """
    bounds = _check_bounds(lower, upper)
    mu, sigma, _ = _maximum(bounds)
    return LognormalFit(math.exp(mu), sigma, bounds.lower.shape[-1], bounds.bounded)


def interval_censored_interval(lower: SampleLike, upper: SampleLike, level: float = 0.95) -> Interval:
    """Profile-likelihood interval for the median (= geometric mean) of a lognormal law.

    Arguments and errors as ``fit_lognormal``. The cut-off is ``k log(1 + t²/(k - 1))`` with Student's
    t and k the runs with a finite upper bound: exact, and the same as the t interval of log times,
    where every time is exact. Where one value agrees with all runs the spread is not
    identified: the interval is still honest, and warned ``spread-not-identified``.
    """
    level = check_level(level)
    bounds = _check_bounds(lower, upper)
    mu, sigma, likelihood = _maximum(bounds)
    if sigma == 0 and bounds.all_exact:
        low = high = mu
    else:
        low, high = _profile_limits(bounds, mu, likelihood, level)
    return Interval(
        estimate=math.exp(mu), low=math.exp(low), high=math.exp(high) if high < 700 else math.inf,
        level=level, level_attained=level, method="lognormal-profile", estimand="median",
        n=bounds.lower.shape[-1], warnings=_warnings(bounds, sigma),
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


def _check_bounds(lower: SampleLike, upper: SampleLike) -> _Bounds:
    """Log bounds of a sample to which a lognormal law can be fitted."""
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
    finite = np.concatenate([low[np.isfinite(low)], high[np.isfinite(high)]])
    scale = np.array([max(float(np.ptp(finite)), 1e-9)])
    bounds = _Bounds(low[np.newaxis], high[np.newaxis], bounded, scale, (float(low.max()), float(high.min())))
    if bounds.agrees and bounds.exact.any() and not bounds.all_exact:
        raise StatisticsError(
            "one exact time agrees with the bounds of every other run, so the likelihood has no maximum; "
            "give exact times as the interval between two evaluations"
        )
    return bounds


def _maximum(bounds: _Bounds) -> tuple[float, float, float]:
    """mu, sigma and the log-likelihood there; sigma 0 where one value agrees with all runs."""
    if bounds.agrees:
        return sum(bounds.common) / 2, 0.0, 0.0
    finite = np.concatenate(
        [bounds.lower[np.isfinite(bounds.lower)], bounds.upper[np.isfinite(bounds.upper)]]
    )
    margin = _SEARCH_SCALES * bounds.scale
    low, high = finite.min() - margin, finite.max() + margin
    best = maximise(bounds.lower, bounds.upper, low, high, bounds.scale)
    mu, sigma, likelihood = (float(found[0]) for found in best)
    # Runs on both sides of one border, and nothing further off, are matched by any narrow law there.
    return mu, 0.0 if bounds.common[0] == bounds.common[1] else sigma, likelihood


def _profile_limits(bounds: _Bounds, mu: float, likelihood: float, level: float) -> tuple[float, float]:
    cut = t_calibrated_cut(np.array([bounds.bounded]), level) / 2
    sides = np.array([-1.0, 1.0])
    low, high = crossing(
        bounds.lower, bounds.upper, np.array([mu, mu]), sides, bounds.scale, likelihood - cut
    ).tolist()
    if bounds.agrees:
        # All runs in one interval do not exclude its ends: half of the law could lie beyond either.
        low, high = min(low, bounds.common[0]), max(high, bounds.common[1])
    return low, high


def t_calibrated_cut(bounded: NDArray[np.intp], level: float) -> FloatArray:
    """How far twice the log-likelihood may fall: ``k log(1 + t²/(k - 1))``, exact for exact times."""
    quantile = stdtrit(bounded - 1, (1 + level) / 2)
    return np.asarray(bounded * np.log1p(quantile**2 / (bounded - 1)), dtype=np.float64)


def _warnings(bounds: _Bounds, sigma: float) -> tuple[str, ...]:
    missed = (codes.CENSORED_RUNS,) if np.isinf(bounds.upper).any() else ()
    if sigma:
        return missed
    return (codes.ZERO_VARIANCE if bounds.all_exact else codes.SPREAD_NOT_IDENTIFIED, *missed)
