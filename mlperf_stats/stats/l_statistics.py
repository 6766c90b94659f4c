"""The expected olympic mean as an L-statistic: weights on order statistics, and what follows.

An olympic mean of N runs with m dropped on each side has the expectation
``∫ Q(u) w(u) du`` with ``Q`` the quantile function of one run and
``w(u) = N / (N - 2m) · P(m ≤ Bin(N - 1, u) ≤ N - m - 1)``: a smooth weight, defined whatever the
number n of runs at hand. Everything here depends on (n, N, m) alone and is computed once.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from math import comb

import numpy as np
from scipy.special import bdtr, ndtr

from mlperf_stats.stats.sample import FloatArray

_NORMAL_GRID = np.linspace(-12.0, 12.0, 241)
"""The trapezoid rule on this grid integrates smooth functions of a normal to rounding error."""


def quantile_weight(probability: FloatArray, runs: int, dropped: int) -> FloatArray:
    """``w(u)`` of an olympic mean of ``runs`` with ``dropped`` on each side; same shape as ``u``."""
    if runs == 1:
        return np.ones_like(probability)
    inside = bdtr(runs - dropped - 1, runs - 1, probability)
    if dropped:
        inside = inside - bdtr(dropped - 1, runs - 1, probability)
    return np.asarray(runs / (runs - 2 * dropped) * inside, dtype=np.float64)


@lru_cache(maxsize=256)
def unbiased_weights(n: int, runs: int, dropped: int) -> FloatArray:
    """Weights, shape (n,), on the order statistics of n ≥ ``runs`` runs.

    The weighted sum is the mean olympic mean over all subsets of ``runs`` runs, so it is unbiased
    whatever the law; at n = ``runs`` it is the olympic mean itself.
    """
    kept = runs - 2 * dropped
    subsets = comb(n, runs) * kept
    weights = [
        sum(comb(j, i) * comb(n - 1 - j, runs - 1 - i) for i in range(dropped, runs - dropped))
        for j in range(n)
    ]
    table = np.array([float(Fraction(weight, subsets)) for weight in weights])
    table.setflags(write=False)
    return table


@lru_cache(maxsize=256)
def _grid_weights(runs: int, dropped: int) -> FloatArray:
    step = _NORMAL_GRID[1] - _NORMAL_GRID[0]
    density = np.exp(-(_NORMAL_GRID**2) / 2) / np.sqrt(2 * np.pi)
    weights = quantile_weight(ndtr(_NORMAL_GRID), runs, dropped) * density * step
    return np.asarray(weights, dtype=np.float64)


def lognormal_score_shift(sigma: FloatArray, runs: int, dropped: int) -> FloatArray:
    """Log of (expected olympic mean ÷ median) for lognormal times of log-sd ``sigma`` ≤ 2, shape (…,)."""
    powers = np.exp(np.multiply.outer(sigma, _NORMAL_GRID))
    return np.asarray(np.log(powers @ _grid_weights(runs, dropped)), dtype=np.float64)


def influence_standard_error(ordered: FloatArray, runs: int, dropped: int) -> FloatArray:
    """Standard error of the estimated expected olympic mean from its empirical influence function.

    ``ordered``: ascending, shape (…, n), n ≥ 2; answer of shape (…,), same unit. Needs no model;
    too small below about 20 runs, where the influence function is itself poorly known.
    """
    n = ordered.shape[-1]
    shares = np.arange(1, n) / n
    steps = quantile_weight(shares, runs, dropped) * np.diff(ordered, axis=-1)
    above = np.flip(np.cumsum(np.flip(steps, axis=-1), axis=-1), axis=-1)
    above = np.concatenate([above, np.zeros((*ordered.shape[:-1], 1))], axis=-1)
    influence = (steps @ shares)[..., np.newaxis] - above
    return np.asarray(np.sqrt(np.sum(influence**2, axis=-1) / ((n - 1) * n)), dtype=np.float64)
