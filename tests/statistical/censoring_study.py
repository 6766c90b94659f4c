"""Coverage of the methods for runs that did not converge, or are known between evaluations only."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial

import numpy as np
from coverage_study import LEVEL, Coverage, generator, measure
from laws import Array
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from mlperf_stats.errors import StatisticsError
from mlperf_stats.stats.censored_lognormal import profile_bounds
from mlperf_stats.stats.censored_order_statistics import censored_median_interval
from mlperf_stats.stats.interval import Interval
from mlperf_stats.stats.kaplan_meier import kaplan_meier_median
from mlperf_stats.stats.restricted_mean import restricted_mean_interval
from mlperf_stats.stats.t_log import t_log_bounds
from mlperf_stats.stats.tied_convergence import tied_convergence_bounds

SIGMA = 0.25
HORIZON = 1.2

Censored = Callable[[Array, NDArray[np.bool_]], Interval]
"""Times and marks of one sample → interval."""

CensoredBatch = Callable[[Array, NDArray[np.bool_]], tuple[Array, Array]]
"""Times and marks of samples (s, n) → low and high of those that were not refused."""


def limits_at_one_time(rng: np.random.Generator, times: Array, share: float) -> Array:
    """All runs are stopped at the time that ``share`` of them exceed."""
    return np.full_like(times, np.exp(SIGMA * ndtri(1 - share)))


def limits_at_random(rng: np.random.Generator, times: Array, share: float) -> Array:
    """Runs are stopped at times of the same kind of law, so that about ``share`` are stopped."""
    return np.asarray(np.exp(-np.sqrt(2) * SIGMA * ndtri(share) + SIGMA * rng.standard_normal(times.shape)))


LIMITS = {"one limit": limits_at_one_time, "limits at random": limits_at_random}


def restricted_truth() -> float:
    """Mean of min(time, HORIZON) for the lognormal law of median 1."""
    edge = np.log(HORIZON) / SIGMA
    return float(np.exp(SIGMA**2 / 2) * ndtr(edge - SIGMA) + HORIZON * ndtr(-edge))


def _one_by_one(interval: Censored) -> CensoredBatch:
    """All samples through a public function; those it refuses are left out."""

    def bounds(watched: Array, marks: NDArray[np.bool_]) -> tuple[Array, Array]:
        found = []
        for times, converged in zip(watched, marks, strict=True):
            with suppress(StatisticsError):
                answer = interval(times, converged)
                found.append((answer.low, answer.high))
        low, high = np.array(found).T
        return low, high

    return bounds


def _lognormal(watched: Array, marks: NDArray[np.bool_]) -> tuple[Array, Array]:
    """All samples with two converged runs through the kernel of ``censored_lognormal_interval``."""
    enough = marks.sum(axis=1) >= 2
    lower = np.log(watched[enough])
    _, _, low, high = in_blocks(lower, np.where(marks[enough], lower, np.inf))
    return np.exp(low), np.exp(high)


def in_blocks(lower: Array, upper: Array) -> list[Array]:
    """``profile_bounds`` of many samples, in blocks that stay in the processor's cache."""
    blocks = max(1, len(lower) // 100)
    pairs = zip(np.array_split(lower, blocks), np.array_split(upper, blocks), strict=True)
    return [
        np.concatenate(part) for part in zip(*(profile_bounds(*pair, LEVEL) for pair in pairs), strict=True)
    ]


CENSORED_METHODS: dict[str, tuple[CensoredBatch, float]] = {
    "censored order statistics": (_one_by_one(partial(censored_median_interval, level=LEVEL)), 1.0),
    "Kaplan-Meier": (_one_by_one(partial(kaplan_meier_median, level=LEVEL)), 1.0),
    "censored lognormal": (_lognormal, 1.0),
    "restricted mean": (
        _one_by_one(partial(restricted_mean_interval, horizon=HORIZON, level=LEVEL)),
        restricted_truth(),
    ),
}


def cover_censored(
    method: str, limit: str, share: float, n: int, repetitions: int
) -> tuple[Coverage, float, float]:
    """Coverage (its width a median over bounded intervals), shares bounded above and samples refused."""
    bounds, truth = CENSORED_METHODS[method]
    rng = generator("censored", method, limit, share, n)
    times = np.exp(SIGMA * rng.standard_normal((repetitions, n)))
    stop = LIMITS[limit](rng, times, share)
    low, high = bounds(np.minimum(times, stop), times <= stop)
    finite = np.isfinite(high)
    coverage = measure(low, np.where(finite, high, 1e300), truth)
    width = float(np.median((high - low)[finite]) / truth) if finite.any() else np.inf
    return (
        Coverage(coverage.covered, coverage.above, width, coverage.repetitions),
        float(finite.mean()),
        1 - len(low) / repetitions,
    )


def cover_latent(n: int, step: float, repetitions: int) -> dict[str, tuple[Coverage, float]]:
    """Coverage of the median of a latent time seen only every ``step``, and the mean bias of the estimate.

    The latent law is lognormal around 20 with log-sd 0.08. "as evaluated" takes the evaluation that
    first saw the target for the time itself: right for a score, wrong for a latent time.
    """
    rng = generator("latent", n, step)
    median = 20.0
    times = median * np.exp(0.08 * rng.standard_normal((repetitions, n)))
    upper = step * np.ceil(times / step)
    estimate, low, high = t_log_bounds(np.sort(upper, axis=1), LEVEL)
    naive = measure(low, high, median), float(estimate.mean() / median - 1)
    mu, _, low, high = in_blocks(np.log(upper - step), np.log(upper))
    fitted = measure(np.exp(low), np.exp(high), median), float(np.exp(mu).mean() / median - 1)
    return {"as evaluated, t on log": naive, "interval-censored lognormal": fitted}


def cover_two_points(share: float, n: int, repetitions: int) -> dict[str, Coverage]:
    """Geometric mean when ``share`` of runs need eleven evaluations, not ten, with a jitter of 0.2 %."""
    rng = generator("two points", share, n)
    late = rng.random((repetitions, n)) < share
    times = np.where(late, 11.0, 10.0) * (1 + 0.002 * rng.standard_normal((repetitions, n)))
    truth = float(np.exp(share * np.log(11.0) + (1 - share) * np.log(10.0)))
    _, low, high = t_log_bounds(np.sort(times, axis=1), LEVEL)
    plain = measure(low, high, truth)
    tied = late.all(axis=1) | ~late.any(axis=1)
    step = np.where(late[:, :1], 1 / 11, 1 / 10)
    wider = [tied_convergence_bounds(times, float(size), LEVEL) for size in (1 / 11, 1 / 10)]
    chosen = [np.where(step[:, 0] == 1 / 11, wider[0][end], wider[1][end]) for end in (1, 2)]
    low, high = np.where(tied, chosen[0], low), np.where(tied, chosen[1], high)
    return {"t on log": plain, "with one step where all tie": measure(low, high, truth)}
