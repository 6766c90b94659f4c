"""Exact bootstrap mean and standard error of a trimmed mean, in closed form.

Source: Hutson & Ernst 2000. Written with gaps between order statistics: a resample's trimmed mean
is ``x(n) - sum_i W(K_i) (x(i+1) - x(i))``, where ``K_i ~ Bin(n, i/n)`` counts the draws among the i
smallest and ``W(k)`` is the share of kept positions up to k. The binomials depend on n alone.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.stats import binom

from mlperf_stats.stats.sample import FloatArray

LARGEST_SAMPLE = 60
"""Runs up to which the table of n² pairs of binomials is worth its time."""


@lru_cache(maxsize=32)
def _gap_moments(n: int, dropped: int) -> tuple[FloatArray, FloatArray]:
    """Mean (n - 1,) and covariance (n - 1, n - 1) of W(K_1), …, W(K_(n-1))."""
    counts = np.arange(n + 1)
    share = np.clip(counts - dropped, 0, n - 2 * dropped) / (n - 2 * dropped)
    chances = np.asarray(binom.pmf(counts, n, np.arange(1, n)[:, np.newaxis] / n))
    means = chances @ share
    products = np.empty((n - 1, n - 1))
    for low in range(1, n):
        for high in range(low, n):
            # Given K_low = k, the other n - k draws fall below `high` independently.
            further = binom.pmf(counts, (n - counts)[:, np.newaxis], (high - low) / (n - low))
            reached = np.minimum(counts[:, np.newaxis] + counts, n)
            given_low = (further * share[reached]).sum(axis=1)
            products[low - 1, high - 1] = products[high - 1, low - 1] = (chances[low - 1] * share) @ given_low
    return means, products - np.multiply.outer(means, means)


def bootstrap_moments(ordered: FloatArray, dropped: int) -> tuple[FloatArray, FloatArray]:
    """Kernel: ascending samples (…, n), 2 ≤ n ≤ 60 → bootstrap mean and standard error, each (…,)."""
    means, covariance = _gap_moments(ordered.shape[-1], dropped)
    gaps = np.diff(ordered, axis=-1)
    variance = np.einsum("...i,ij,...j->...", gaps, covariance, gaps)
    return ordered[..., -1] - gaps @ means, np.sqrt(np.maximum(variance, 0.0))
