"""The Kaplan-Meier curve: how many runs are still training, when some never converged."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlperf_stats.stats import codes
from mlperf_stats.stats.sample import FloatArray, Marks, SampleLike, check_outcomes, spread_warnings


@dataclass(frozen=True, slots=True)
class SurvivalCurve:
    """Share of runs still training after each time at which a run converged; arrays of shape (k,)."""

    times: FloatArray
    """Distinct convergence times, ascending."""
    at_risk: NDArray[np.intp]
    """Runs still training just before each time."""
    events: NDArray[np.intp]
    """Runs that converged at each time."""
    survival: FloatArray
    """Kaplan-Meier estimate from each time up to the next."""


def survival_curve(times: SampleLike, converged: Marks) -> SurvivalCurve:
    """Kaplan-Meier estimate of P(a run takes longer than t).

    ``times``: shape (n,), non-negative, any unit, the time trained for runs that did not converge;
    ``converged``: shape (n,). Censoring must say nothing of the run but that it went on.
    Raises SampleError, TooFewRunsError. Source: Kaplan & Meier 1958.
    """
    return curve_of(*check_outcomes(times, converged))


def curve_of(ordered: FloatArray, converged: NDArray[np.bool_]) -> SurvivalCurve:
    """Kernel of ``survival_curve``: times ascending, marks in the same order."""
    points, events = np.unique(ordered[converged], return_counts=True)
    at_risk = ordered.size - np.searchsorted(ordered, points)
    survival = np.asarray(np.cumprod(1.0 - events / at_risk), dtype=np.float64)
    return SurvivalCurve(points, at_risk, events, survival)


def censoring_warnings(
    ordered: FloatArray, converged: NDArray[np.bool_], estimate: float = 0.0
) -> tuple[str, ...]:
    """What ties, runs without convergence and an ``estimate`` out of reach make a method say."""
    found = [] if converged.all() else [codes.CENSORED_RUNS if converged.any() else codes.ALL_CENSORED]
    if ordered.size == 1 or np.count_nonzero(converged) > 1:
        found.extend(spread_warnings(ordered[converged] if converged.any() else ordered))
    if math.isinf(estimate):
        found.append(codes.MEDIAN_NOT_REACHED)
    return tuple(found)
