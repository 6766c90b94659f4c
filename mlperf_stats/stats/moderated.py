"""Moderated variances: the spread of a few runs, steadied by the spread of other sets of runs.

Each set's variance is taken to be drawn from a scaled inverse chi-square law whose two parameters are
estimated from all sets together (empirical Bayes). The posterior variance is a weighted mean of own and
prior variance, and the t statistic that uses it has as many more degrees of freedom as the prior is worth.

Source: Smyth 2004, "Linear models and empirical Bayes methods", Stat. Appl. Genet. Mol. Biol. 3:3,
sections 6 and 3 (estimation by moments of log s², all sets weighted alike).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma, zeta

from mlperf_stats.errors import SampleError, TooFewRunsError
from mlperf_stats.stats import codes
from mlperf_stats.stats.interval import Interval
from mlperf_stats.stats.medians import median
from mlperf_stats.stats.sample import (
    FloatArray,
    SampleLike,
    as_vector,
    check_level,
    check_sample,
    variance_of_logs,
)
from mlperf_stats.stats.t_log import t_quantile

_NEWTON_STEPS = 50
_NEWTON_TOLERANCE = 1e-12

_ZERO_VARIANCE_SHARE = 1e-5
"""A set whose runs all tie enters with this share of the median variance: its logarithm must exist."""


@dataclass(frozen=True, slots=True)
class VariancePrior:
    """What other sets say of a set's variance: ``variance``, as sure as ``df`` degrees of freedom make it."""

    df: float
    """Degrees of freedom, ≥ 0; ∞ where the sets' variances differ by chance alone."""
    variance: float
    """In squared units of the sets' values (for log times: dimensionless)."""
    sets: int
    """How many variances it was estimated from."""

    def posterior(self, variance: float, df: float) -> tuple[float, float]:
        """Moderated variance and its degrees of freedom for a set with ``variance`` on ``df`` of its own."""
        if math.isinf(self.df) or self.df + df == 0:
            return self.variance, self.df
        total = self.df + df
        return (self.df * self.variance + df * variance) / total, total


def trigamma_inverse(value: float) -> float:
    """The x > 0 with trigamma(x) = ``value`` > 0, by Newton's method on 1/trigamma (Smyth 2004, appendix).

    trigamma(x) = ζ(2, x), and its derivative is −2·ζ(3, x).
    """
    x = 0.5 + 1.0 / value
    for _ in range(_NEWTON_STEPS):
        here = float(zeta(2, x))
        step = here * (1.0 - here / value) / (-2 * float(zeta(3, x)))
        x += step
        if abs(step) < _NEWTON_TOLERANCE * x:
            break
    return x


def variance_prior(variances: SampleLike, dfs: SampleLike) -> VariancePrior:
    """The prior that a family of sample variances implies.

    Args:
        variances: Shape (k,), sample variances ≥ 0, k ≥ 2, not all 0.
        dfs: Shape (k,), the degrees of freedom of each, > 0 (runs − 1).

    Raises SampleError (shape, NaN, a negative variance, df ≤ 0, all variances 0) and TooFewRunsError (k < 2).
    """
    own, df = as_vector(variances, "variances"), as_vector(dfs, "dfs")
    if own.shape != df.shape:
        raise SampleError(f"{own.size} variances but {df.size} degrees of freedom; give one per set")
    if own.size < 2:
        raise TooFewRunsError(
            f"variances: at least 2 sets needed, got {own.size}; there is nothing to borrow"
        )
    if own.min() < 0 or df.min() <= 0:
        raise SampleError("a variance is negative or has no degrees of freedom; leave sets of one run out")
    if own.max() == 0:
        raise SampleError("all variances are 0: the runs of every set tie; there is no spread to borrow")
    return _moments_of_log(_positive(own), df)


def _positive(variances: FloatArray) -> FloatArray:
    typical = median(variances) or float(variances[variances > 0].min())
    return np.maximum(variances, _ZERO_VARIANCE_SHARE * typical)


def _moments_of_log(variances: FloatArray, df: FloatArray) -> VariancePrior:
    """log s² − ψ(d/2) + log(d/2) has mean log s0² − ψ(d0/2) + log(d0/2) and variance ψ′(d/2) + ψ′(d0/2)."""
    centred = np.log(variances) - digamma(df / 2) + np.log(df / 2)
    mean = float(centred.mean())
    excess = float(centred.var(ddof=1) - zeta(2, df / 2).mean())
    if excess <= 0:
        return VariancePrior(df=math.inf, variance=math.exp(mean), sets=variances.size)
    prior_df = 2.0 * trigamma_inverse(excess)
    variance = math.exp(mean + float(digamma(prior_df / 2)) - math.log(prior_df / 2))
    return VariancePrior(df=prior_df, variance=variance, sets=variances.size)


def squeeze_variances(variances: SampleLike, dfs: SampleLike) -> tuple[NDArray[np.float64], VariancePrior]:
    """Each set's moderated variance, shape (k,), and the prior they share; see variance_prior."""
    prior = variance_prior(variances, dfs)
    pairs = zip(as_vector(variances), as_vector(dfs), strict=True)
    return np.array([prior.posterior(float(own), float(df))[0] for own, df in pairs]), prior


def log_variances(sets: Sequence[SampleLike]) -> tuple[FloatArray, FloatArray]:
    """Sample variance of log time and its degrees of freedom of every set of ≥ 2 runs, each shape (k,)."""
    known = [check_sample(times, positive=True) for times in sets if len(times) > 1]
    return (
        np.array([variance_of_logs(times) for times in known]),
        np.array([float(times.size - 1) for times in known]),
    )


def moderated_interval(times: SampleLike, prior: VariancePrior, level: float = 0.95) -> Interval:
    """Moderated t interval of mean log time, carried back: an interval for the geometric mean.

    ``times``: shape (n,), positive, any unit, n ≥ 1; ``prior`` from the variances of log time of *other*
    sets. One run has no spread of its own: the interval rests on the prior alone, warned ``single-run``.
    Where times are bimodal (all runs at one convergence point, or not) the prior mixes two kinds of
    sets, and the noisiest are covered less often than stated: prefer the controlled interval.
    Raises SampleError, TooFewRunsError (no run), StatisticsError (level).
    """
    level, ordered = check_level(level), check_sample(times, positive=True)
    n = ordered.size
    own = variance_of_logs(ordered) if n > 1 else 0.0
    variance, df = prior.posterior(own, n - 1)
    centre = float(np.log(ordered).mean())
    half = t_quantile(level, df) * math.sqrt(variance / n) if df > 0 else math.inf
    warnings = []
    if n == 1:
        warnings.append(codes.SINGLE_RUN)
    elif own == 0.0:
        warnings.append(codes.ZERO_VARIANCE)
    with np.errstate(over="ignore"):
        estimate, low, high = np.exp([centre, centre - half, centre + half]).tolist()
    return Interval(
        estimate=estimate,
        low=low,
        high=high,
        level=level,
        level_attained=level,
        method="moderated-t-log",
        estimand="geometric-mean",
        n=n,
        warnings=tuple(warnings),
    )
