"""Laws of log time to plan with: how single runs scatter, and how sure that is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln

from mlperf_stats.errors import SampleError, StatisticsError
from mlperf_stats.stats.sample import FloatArray, SampleLike

SEED = 20_181_212
"""Seed of every simulation that plans, so that the same question has the same answer."""


@dataclass(frozen=True, slots=True)
class Draws:
    """Simulated sets of runs: one row each."""

    log_times: FloatArray
    """Around 0, shape (repetitions, runs)."""
    steps: FloatArray
    """Gap to the next evaluation as a share of the work, (repetitions,), of rows whose runs all converge
    at one; else, or where it is not known, 0."""
    origins: NDArray[np.intp]
    """Which published set each row was drawn from, (repetitions,)."""


@dataclass(frozen=True, slots=True)
class LogTimeLaw:
    """Log time around its mean: normal with a spread known as well as ``df`` says, or resampled sets."""

    sigma: float
    """Standard deviation of log time."""
    df: float = math.inf
    """The variance is ``sigma²`` · df / χ² of so many degrees of freedom; ∞: it is known."""
    sets: tuple[tuple[float, ...], ...] = ()
    """Residuals of log time of whole sets: a repetition draws a set, then runs of it, with replacement."""
    weights: tuple[float, ...] = ()
    """Probability of each set; empty: all alike."""
    steps: tuple[tuple[float, ...], ...] = ()
    """Of each run of ``sets``, the gap between evaluations as a share of its convergence point: equal within
    a set where runs converged at one evaluation, 0 where it is not known. Empty: known of none."""

    def draw(self, rng: np.random.Generator, repetitions: int, runs: int) -> FloatArray:
        """Log times around 0, shape (repetitions, runs); each repetition has one spread."""
        return self.draws(rng, repetitions, runs).log_times

    def draws(self, rng: np.random.Generator, repetitions: int, runs: int) -> Draws:
        """The same, with what is known of ties and of where each row is from."""
        if not self.sets:
            spread = self.spreads(rng, repetitions)[:, np.newaxis]
            log_times = np.asarray(spread * rng.standard_normal((repetitions, runs)))
            return Draws(log_times, np.zeros(repetitions), np.zeros(repetitions, dtype=np.intp))
        sizes = np.array([len(values) for values in self.sets])
        chosen = self._chosen(rng, repetitions)
        places = (rng.random((repetitions, runs)) * sizes[chosen][:, np.newaxis]).astype(np.intp)
        places += (np.cumsum(sizes) - sizes)[chosen][:, np.newaxis]
        log_times = np.concatenate(self.sets)[places]
        if not self.steps:
            return Draws(log_times, np.zeros(repetitions), chosen)
        steps = np.concatenate(self.steps)[places]
        tied = (steps == steps[:, :1]).all(axis=1)
        return Draws(log_times, np.where(tied, steps[:, 0], 0.0), chosen)

    def spreads(self, rng: np.random.Generator, repetitions: int) -> FloatArray:
        """Standard deviations that a set of runs may have, shape (repetitions,)."""
        return self.large_sets(rng, repetitions)[0]

    def large_sets(
        self, rng: np.random.Generator, repetitions: int
    ) -> tuple[FloatArray, FloatArray, NDArray[np.intp]]:
        """Standard deviations of sets of many runs, and steps and origins as in :class:`Draws`."""
        if self.sets:
            each = np.array([math.sqrt(sum(v * v for v in values) / len(values)) for values in self.sets])
            tied = np.array([one[0] if len(set(one)) == 1 else 0.0 for one in self.steps])
            chosen = self._chosen(rng, repetitions)
            return each[chosen], tied[chosen] if self.steps else np.zeros(repetitions), chosen
        alike = np.zeros(repetitions, dtype=np.intp)
        if math.isinf(self.df):
            return np.full(repetitions, self.sigma), np.zeros(repetitions), alike
        spread = self.sigma * np.sqrt(self.df / rng.chisquare(self.df, size=repetitions))
        return np.asarray(spread), np.zeros(repetitions), alike

    def _chosen(self, rng: np.random.Generator, repetitions: int) -> NDArray[np.intp]:
        odds = np.array(self.weights) if self.weights else None
        return np.asarray(rng.choice(len(self.sets), size=repetitions, p=odds), dtype=np.intp)

    @property
    def typical_spread(self) -> float:
        """The median standard deviation of a set."""
        return self.spread_quantile(0.5)

    def spread_quantile(self, probability: float) -> float:
        """The standard deviation that a set stays within with that probability."""
        return float(np.quantile(self.spreads(np.random.default_rng(SEED), 4_000), probability))


def lognormal_law(sigma: float, df: float = math.inf) -> LogTimeLaw:
    """A lognormal law; ``df`` says how well its spread is known. StatisticsError unless both are above 0."""
    if not (math.isfinite(sigma) and sigma > 0 and df > 0):
        raise StatisticsError(
            f"a spread of {sigma!r} known to {df!r} degrees of freedom is no law; both must be > 0"
        )
    return LogTimeLaw(sigma, df)


def resampled_law(
    log_times: Sequence[SampleLike],
    pilot: SampleLike = (),
    *,
    steps: Sequence[Sequence[float]] = (),
    pilot_steps: Sequence[float] = (),
) -> LogTimeLaw:
    """The law of whole sets (shape (n,) each, n ≥ 2), residuals scaled so that variances are unbiased.

    With a pilot, sets weigh as likely as its variance is under theirs (the density of F, which knows how
    sure both are), and the pilot is one of them: a short pilot narrows the choice little, a long one
    leaves those that are like it. ``steps`` and ``pilot_steps``: as :attr:`LogTimeLaw.steps`, in the shapes
    of ``log_times`` and ``pilot``; empty if nothing is known of any. Raises SampleError if no set has two
    runs that differ, or shapes differ.
    """
    sets = [np.asarray(values, dtype=np.float64) for values in log_times]
    own = np.asarray(pilot, dtype=np.float64)
    grids = [tuple(map(float, one)) for one in steps] or [(0.0,) * values.size for values in sets]
    if own.size > 1:
        sets.append(own)
        grids.append(tuple(map(float, pilot_steps)) or (0.0,) * own.size)
    if [values.size for values in sets] != [len(one) for one in grids]:
        raise SampleError("steps: give one per run, in the shapes of the log times")
    kept = [(values, one) for values, one in zip(sets, grids, strict=True) if values.size > 1]
    sets = [values for values, _ in kept]
    # Equal values are no spread, though their mean may round away from them.
    centred = [values - values.mean() if np.ptp(values) > 0 else np.zeros(values.size) for values in sets]
    variances = np.array([values.var(ddof=1) for values in centred])
    if not np.any(variances > 0):
        raise SampleError("no set has two runs that differ; there is no spread to resample")
    residuals = tuple(
        tuple((values * math.sqrt(values.size / (values.size - 1))).tolist()) for values in centred
    )
    weights = _likeness(own, sets, variances) if own.size > 1 and own.var() > 0 else ()
    pooled = float(np.average(variances, weights=weights or None))
    known_steps = tuple(one for _, one in kept) if any(map(any, grids)) else ()
    return LogTimeLaw(math.sqrt(pooled), sets=residuals, weights=weights, steps=known_steps)


def _likeness(own: FloatArray, sets: Sequence[FloatArray], variances: FloatArray) -> tuple[float, ...]:
    """Weights of sets: the density of the pilot's variance under each."""
    dfs = np.array([values.size - 1 for values in sets])
    known = np.maximum(variances, float(variances[variances > 0].min()))
    density = _f_density(own.var(ddof=1) / known, own.size - 1, dfs) / known
    return tuple((density / density.sum()).tolist())


def _f_density(ratio: FloatArray, first: int, second: NDArray[np.intp]) -> FloatArray:
    """Density of F, written out: scipy.stats alone would take longer to import than a plan to make."""
    a, b = first / 2, second / 2
    log_density = (
        a * np.log(first)
        + b * np.log(second)
        + (a - 1) * np.log(ratio)
        - (a + b) * np.log(second + first * ratio)
    )
    return np.asarray(np.exp(log_density - betaln(a, b)))
