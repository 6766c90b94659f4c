"""Performance profiles with bands: on what share of problems is a solver within a factor of the best?

Source: Dolan & Moré 2002, "Benchmarking optimization software with performance profiles", Mathematical
Programming 91. There times are exact; here each has a normal law on the log scale. Then, for every solver,
problem and factor, being within the factor of the best is an event whose probability is one integral over
the solver's own time; problems are independent, so that their number within the factor follows a
Poisson-binomial law. Both are computed as they are: no simulation and no seed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr, ndtri

from mlperf_stats.errors import SampleError, StatisticsError
from mlperf_stats.stats.sample import FloatArray, SampleLike, as_vector, check_level

_NODES = 101
"""Of the integral over a solver's own time; steps in it cost an error of about 1 in so many."""

_CERTAIN = 8.0
"""Further above in standard deviations than this a time is not below."""

_SMALLEST = 1e-12
"""Least standard deviation: exact times are the limit."""


@dataclass(frozen=True, eq=False)
class PerformanceProfile:
    """Shares of problems, each of shape (solvers, factors)."""

    factors: FloatArray
    shares: FloatArray
    """At the estimates, as Dolan and Moré define them."""
    expected: FloatArray
    """Mean over the laws of the times."""
    lows: FloatArray
    highs: FloatArray
    """Central interval of the share at each factor."""
    level: float


def performance_profile(
    log_times: FloatArray, deviations: FloatArray, factors: SampleLike, level: float = 0.95
) -> PerformanceProfile:
    """Profiles of several solvers on several problems.

    Args:
        log_times: Shape (s, p), log of each solver's time on each problem; +∞ where it has none.
        deviations: Shape (s, p), ≥ 0, standard deviations of them (ignored where there is no time).
        factors: Shape (t,), ≥ 1, ascending: how far from the best still counts.
        level: Level of the bands, at each factor by itself.

    Raises SampleError (shapes, NaN, −∞, a negative deviation, a problem nobody solved, no solver, no problem)
    and StatisticsError (factors, level).
    """
    level = check_level(level)
    times, spreads = _checked(log_times, deviations)
    ratio = as_vector(factors, "factors")
    if ratio.size == 0 or ratio.min() < 1 or (np.diff(ratio) <= 0).any():
        raise StatisticsError("factors must ascend from 1 or more")
    reach = np.log(ratio)
    within = (times - times.min(0))[..., None] <= reach + 1e-12
    chances = _chances(times, spreads, reach)
    lows, highs = _band(chances, level)
    return PerformanceProfile(ratio, within.mean(1), chances.mean(1), lows, highs, level)


def _checked(log_times: FloatArray, deviations: FloatArray) -> tuple[FloatArray, FloatArray]:
    times, spreads = np.asarray(log_times, dtype=np.float64), np.asarray(deviations, dtype=np.float64)
    if times.ndim != 2 or times.shape != spreads.shape or 0 in times.shape:
        raise SampleError(
            f"log times {times.shape} and deviations {spreads.shape} must both be solvers × problems"
        )
    there = times < np.inf
    if np.isnan(times).any() or (times == -np.inf).any() or not there.any(0).all():
        raise SampleError("log times: each must be a number or +inf, and each problem needs one number")
    spreads = np.where(there, spreads, 0.0)
    if not np.isfinite(spreads).all() or spreads.min() < 0:
        raise SampleError("deviations: each must be a finite number of at least 0")
    return times, np.maximum(spreads, _SMALLEST)


def _chances(times: FloatArray, spreads: FloatArray, reach: FloatArray) -> FloatArray:
    """P(log time − least log time of all ≤ reach), shape (s, p, t)."""
    abscissa, weight = np.polynomial.legendre.leggauss(_NODES)
    normal = ndtri((abscissa + 1) / 2)
    found = np.zeros((*times.shape, reach.size))
    for problem in range(times.shape[1]):
        own = np.flatnonzero(times[:, problem] < np.inf)
        centre, spread = times[own, problem], spreads[own, problem]
        surely, fastest = (centre + _CERTAIN * spread).min(), centre - _CERTAIN * spread
        for row, solver in enumerate(own):
            # Nobody else may be faster than own time less the reach; those who cannot be are left out.
            least = (centre[row] + spread[row] * normal)[:, None] - reach
            # Where somebody surely is, the chance is 0. One's own time is never surely below itself.
            open_ = least.min(0) <= surely
            least = least[:, open_]
            if not least.size:
                continue
            others = (np.arange(own.size) != row)[:, None] & (fastest[:, None] < least.max(0))
            found[solver, problem, open_] = weight @ np.exp(_slower(least, centre, spread, others)) / 2
    return found


def _slower(
    least: FloatArray, centre: FloatArray, spread: FloatArray, others: NDArray[np.bool_]
) -> FloatArray:
    """Log probability that all ``others`` (solvers, t) are slower than ``least`` (nodes, t), same shape."""
    at, solver = np.nonzero(others.T)
    terms = log_ndtr((centre[solver] - least[:, at]) / spread[solver])
    found = np.zeros_like(least)
    reaches, starts = np.unique(at, return_index=True)
    if reaches.size:
        found[:, reaches] = np.add.reduceat(terms, starts, axis=1)
    return found


def _band(chances: FloatArray, level: float) -> tuple[FloatArray, FloatArray]:
    """Central interval of the share under the Poisson-binomial law, (s, t) each."""
    solvers, problems, factors = chances.shape
    law = np.zeros((problems + 1, solvers, factors))
    law[0] = 1.0
    for problem in range(problems):
        chance = chances[:, problem]
        law[1:] = law[1:] * (1 - chance) + law[:-1] * chance
        law[0] *= 1 - chance
    below = np.cumsum(law, axis=0)
    tail = (1 - level) / 2
    # The smallest count whose distribution function reaches the tail; rounding must not push it further.
    low = (below < tail - 1e-12).sum(0)
    high = (below < 1 - tail - 1e-12).sum(0)
    return low / problems, high / problems
