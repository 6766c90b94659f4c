"""Intervals that hold at every number of runs at once, so that one may look after each run. NumPy only.

For a mean, the t-mixture sequence: under normal values with unknown variance, the likelihood ratio of the
scale-free data with a normal prior on the standardised effect is a martingale, so by Ville's inequality
the set of means it does not reject holds for all n together. Sources: Lai 1976; Gönen et al. 2005 for the
closed form; Wang & Ramdas 2024.

For a median, counts of values below it: mixtures of binomial likelihood ratios over success
probabilities above one half are supermartingales whatever the law, ties and ±∞ included.
Source: Darling & Robbins 1967; Howard & Ramdas 2022 for quantiles.
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import lru_cache

import numpy as np

from mlperf_stats.stats.sample import FloatArray

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(200)
_PRIORS = np.geomspace(1e-4, 1e3, 1401)
_SEED, _PATHS, _CHUNKS = 19_760_501, 20_000, 10


def t_mixture_factor(n: int, prior: float, level: float) -> float:
    """Half-width of the sequence at n runs in units of the values' root mean square deviation.

    ``prior`` is the variance of the mixture over standardised effects, see :func:`best_prior`. ∞ while
    nothing can be excluded at ``level``.
    """
    if n < 2:
        return math.inf
    grown = 1 + n * prior
    ratio = math.exp((math.log(grown) - 2 * math.log(1 - level)) / n)
    return math.sqrt((ratio - 1) / (1 - ratio / grown)) if ratio < grown else math.inf


@lru_cache(maxsize=256)
def best_prior(runs: int, level: float) -> float:
    """The mixture variance that makes the sequence narrowest at ``runs``; it must be fixed beforehand."""
    factors = [t_mixture_factor(max(runs, 3), float(prior), level) for prior in _PRIORS]
    return float(_PRIORS[int(np.argmin(factors))])


@lru_cache(maxsize=64)
def mixture_level(prior: float, last_run: int, level: float) -> float:
    """The level to ask :func:`t_mixture_factor` for where the sequence must hold up to ``last_run`` alone.

    Ville's inequality is for all n up to infinity; by a declared last run less error is spent. How much
    follows from the law of the largest likelihood ratio until then, which for normal values depends on
    nothing else: simulated with a fixed seed, and taken four standard errors on the safe side.
    """
    safe = level + 4 * math.sqrt(level * (1 - level) / _PATHS)
    if safe > 1 - 1 / _PATHS:
        return level  # So far out there are no paths to tell from.
    rng = np.random.default_rng(_SEED)
    counts = np.arange(2, last_run + 1)
    grown = 1 + counts * prior
    largest = []
    for _ in range(_CHUNKS):
        mean, deviation = running_moments(rng.standard_normal((_PATHS // _CHUNKS, last_run)))
        square = (mean[:, 1:] / deviation[:, 1:]) ** 2
        logs = counts * (np.log1p(square) - np.log1p(square / grown)) - np.log(grown)
        largest.append(logs.max(axis=1) / 2)
    return min(1 - math.exp(-float(np.quantile(np.concatenate(largest), safe))), level)


@lru_cache(maxsize=8192)
def anytime_median_rank(n: int, level: float) -> int:
    """Rank r (one-based) such that [x(n+1-r), x(r)] covers the median for all n at once; n + 1 if none does.

    Each side spends half of 1 - ``level``. A count c of values strictly on one side contradicts the
    median once the mixture over p in (1/2, 1) of ``(2p)^c (2-2p)^(n-c)`` reaches 2 / (1 - level).
    """
    barrier = math.log(2 / (1 - level))
    for count in range(n // 2, n + 1):
        if _log_mixture(count, n) >= barrier:
            return count
    return n + 1


@lru_cache(maxsize=65536)
def _log_mixture(count: int, n: int) -> float:
    """Log of the mixture, the prior on p being a Beta(1/2, 1/2) cut to p > 1/2."""
    # p = (1 + sin θ) / 2 turns this prior into the uniform one on (0, π/2).
    angle = (_NODES + 1) * math.pi / 4
    with np.errstate(divide="ignore"):
        logs = count * np.log1p(np.sin(angle))
        if count < n:
            logs = logs + (n - count) * np.log1p(-np.sin(angle))
    top = logs.max()
    return float(top + np.log(np.sum(_WEIGHTS / 2 * np.exp(logs - top))))


def binomial_median_rank(n: int, level: float) -> int:
    """Rank r (one-based) such that [x(n+1-r), x(r)] covers the median at this n alone; n + 1 if none does."""
    # In whole numbers, because 2^n outgrows floats.
    below, allowed = 0, Fraction(1 - level) * 2**n
    for rank in range(n // 2 + 1):
        below += math.comb(n, rank)
        if 2 * below > allowed:
            return n + 1 - rank
    return n + 1


@lru_cache(maxsize=4096)
def student_quantile(level: float, df: int) -> float:
    """Half-width in standard errors of a two-sided t interval, like SciPy's to ten digits; df ≥ 1."""
    tail = 1 - level
    low, high = 0.0, 1.0
    while _two_sided_tail(high, df) > tail:
        low, high = high, 2 * high
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if _two_sided_tail(middle, df) > tail else (low, middle)
    return (low + high) / 2


def _two_sided_tail(quantile: float, df: int) -> float:
    """P(|T| > quantile): with t = √df tan θ the density is C cos^(df-1) θ."""
    low, high = math.atan(quantile / math.sqrt(df)), math.pi / 2
    constant = math.exp(math.lgamma((df + 1) / 2) - math.lgamma(df / 2)) / math.sqrt(math.pi)
    # Beyond twelve standard deviations of θ nothing is left; narrowing keeps the nodes where mass is.
    high = min(high, low + 12 / math.sqrt(df))
    angle = low + (high - low) * (_NODES + 1) / 2
    return float(2 * constant * (high - low) / 2 * np.sum(_WEIGHTS * np.cos(angle) ** (df - 1)))


def running_moments(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean and root mean square deviation after each run of paths (…, n); both (…, n)."""
    counts = np.arange(1, values.shape[-1] + 1)
    centred = values - values[..., :1]
    mean = np.cumsum(centred, axis=-1) / counts
    square = np.cumsum(centred**2, axis=-1) / counts
    return mean + values[..., :1], np.sqrt(np.maximum(square - mean**2, 0.0))
