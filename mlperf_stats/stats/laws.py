"""Laws of log time to plan with: how single runs scatter, and how sure that is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import f

from mlperf_stats.errors import SampleError, StatisticsError
from mlperf_stats.stats.sample import FloatArray, SampleLike

SEED = 20_181_212
"""Seed of every simulation that plans, so that the same question has the same answer."""


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

    def draw(self, rng: np.random.Generator, repetitions: int, runs: int) -> FloatArray:
        """Log times around 0, shape (repetitions, runs); each repetition has one spread."""
        if not self.sets:
            spread = self.spreads(rng, repetitions)[:, np.newaxis]
            return np.asarray(spread * rng.standard_normal((repetitions, runs)))
        widths = np.array([len(values) for values in self.sets])
        table = np.zeros((len(self.sets), int(widths.max())))
        for number, values in enumerate(self.sets):
            table[number, : len(values)] = values
        chosen = self._chosen(rng, repetitions)
        places = rng.integers(0, widths[chosen][:, np.newaxis], size=(repetitions, runs))
        return np.asarray(table[chosen[:, np.newaxis], places])

    def spreads(self, rng: np.random.Generator, repetitions: int) -> FloatArray:
        """Standard deviations that a set of runs may have, shape (repetitions,)."""
        if self.sets:
            each = np.array([math.sqrt(sum(v * v for v in values) / len(values)) for values in self.sets])
            return np.asarray(each[self._chosen(rng, repetitions)])
        if math.isinf(self.df):
            return np.full(repetitions, self.sigma)
        return np.asarray(self.sigma * np.sqrt(self.df / rng.chisquare(self.df, size=repetitions)))

    def _chosen(self, rng: np.random.Generator, repetitions: int) -> NDArray[np.intp]:
        odds = np.array(self.weights) if self.weights else None
        return np.asarray(rng.choice(len(self.sets), size=repetitions, p=odds), dtype=np.intp)

    @property
    def typical_spread(self) -> float:
        """The median standard deviation of a set."""
        return float(np.median(self.spreads(np.random.default_rng(SEED), 4_000)))


def lognormal_law(sigma: float, df: float = math.inf) -> LogTimeLaw:
    """A lognormal law; ``df`` says how well its spread is known. StatisticsError unless both are above 0."""
    if not (math.isfinite(sigma) and sigma > 0 and df > 0):
        raise StatisticsError(
            f"a spread of {sigma!r} known to {df!r} degrees of freedom is no law; both must be > 0"
        )
    return LogTimeLaw(sigma, df)


def resampled_law(log_times: Sequence[SampleLike], pilot: SampleLike = ()) -> LogTimeLaw:
    """The law of whole sets (shape (n,) each, n ≥ 2), residuals scaled so that variances are unbiased.

    With a pilot, sets weigh as likely as its variance is under theirs (the density of F, which knows how
    sure both are), and the pilot is one of them: a short pilot narrows the choice little, a long one
    leaves those that are like it. Raises SampleError if no set has two runs that differ.
    """
    sets = [np.asarray(values, dtype=np.float64) for values in log_times]
    own = np.asarray(pilot, dtype=np.float64)
    if own.size > 1:
        sets.append(own)
    sets = [values for values in sets if values.size > 1]
    variances = np.array([values.var(ddof=1) for values in sets])
    if not np.any(variances > 0):
        raise SampleError("no set has two runs that differ; there is no spread to resample")
    residuals = tuple(
        tuple(((values - values.mean()) * math.sqrt(values.size / (values.size - 1))).tolist())
        for values in sets
    )
    weights: tuple[float, ...] = ()
    if own.size > 1 and own.var() > 0:
        dfs = np.array([values.size - 1 for values in sets])
        known = np.maximum(variances, float(variances[variances > 0].min()))
        density = f.pdf(own.var(ddof=1) / known, own.size - 1, dfs) / known
        weights = tuple((density / density.sum()).tolist())
    pooled = float(np.average(variances, weights=weights or None))
    return LogTimeLaw(math.sqrt(pooled), sets=residuals, weights=weights)
