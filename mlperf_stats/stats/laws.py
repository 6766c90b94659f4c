"""Laws of log time to plan with: how single runs scatter, and how sure that is."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from mlperf_stats.errors import SampleError, StatisticsError
from mlperf_stats.stats.moderated import VariancePrior
from mlperf_stats.stats.sample import FloatArray

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

    def draw(self, rng: np.random.Generator, repetitions: int, runs: int) -> FloatArray:
        """Log times around 0, shape (repetitions, runs); each repetition has one spread."""
        if not self.sets:
            spread = self.spreads(rng, repetitions)[:, np.newaxis]
            return np.asarray(spread * rng.standard_normal((repetitions, runs)))
        widths = np.array([len(values) for values in self.sets])
        table = np.zeros((len(self.sets), int(widths.max())))
        for number, values in enumerate(self.sets):
            table[number, : len(values)] = values
        chosen = rng.integers(len(self.sets), size=repetitions)
        places = rng.integers(0, widths[chosen][:, np.newaxis], size=(repetitions, runs))
        return np.asarray(table[chosen[:, np.newaxis], places])

    def spreads(self, rng: np.random.Generator, repetitions: int) -> FloatArray:
        """Standard deviations that a set of runs may have, shape (repetitions,)."""
        if self.sets:
            each = np.array([math.sqrt(sum(v * v for v in values) / len(values)) for values in self.sets])
            return np.asarray(each[rng.integers(len(self.sets), size=repetitions)])
        if math.isinf(self.df):
            return np.full(repetitions, self.sigma)
        return np.asarray(self.sigma * np.sqrt(self.df / rng.chisquare(self.df, size=repetitions)))


def lognormal_law(sigma: float, df: float = math.inf) -> LogTimeLaw:
    """A lognormal law; ``df`` says how well its spread is known. StatisticsError unless both are above 0."""
    if not (math.isfinite(sigma) and sigma > 0 and df > 0):
        raise StatisticsError(
            f"a spread of {sigma!r} known to {df!r} degrees of freedom is no law; both must be > 0"
        )
    return LogTimeLaw(sigma, df)


def law_from_prior(prior: VariancePrior, pilot_variance: float = 0.0, pilot_df: float = 0.0) -> LogTimeLaw:
    """What other sets say of the spread (and a pilot, weighted by their degrees of freedom)."""
    variance, df = prior.posterior(pilot_variance, pilot_df)
    return lognormal_law(math.sqrt(variance), df)


def resampled_law(log_times: list[FloatArray]) -> LogTimeLaw:
    """The law of whole sets (shape (n,) each, n ≥ 2), residuals scaled so that variances are unbiased."""
    sets = [values for values in log_times if values.size > 1]
    if not sets:
        raise SampleError("no set has two runs or more; there is no spread to resample")
    residuals = tuple(
        tuple(((values - values.mean()) * math.sqrt(values.size / (values.size - 1))).tolist())
        for values in sets
    )
    pooled = sum(sum(v * v for v in values) * (len(values) - 1) / len(values) for values in residuals)
    return LogTimeLaw(math.sqrt(pooled / sum(values.size - 1 for values in sets)), sets=residuals)
