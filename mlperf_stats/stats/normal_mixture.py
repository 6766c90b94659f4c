"""Finite mixtures of normal laws, many at once: moments, distribution function, quantiles, merging.

Posteriors of this room are such mixtures, because every scale in them is integrated over a few nodes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.special import gammaincinv, ndtr

from mlperf_stats.stats.sample import FloatArray

_MOST_STEPS = 80
_TOLERANCE = 1e-8
_WIDEST = 10.0
"""Quantiles are searched within so many standard deviations of every component."""

_NEGLIGIBLE = 1e-9


@dataclass(frozen=True, slots=True)
class NormalMixture:
    """Mixtures along the last axis; ``weights`` sum to 1 there. All three have shape (…, k)."""

    weights: FloatArray
    means: FloatArray
    variances: FloatArray

    def mean(self) -> FloatArray:
        """Expectation of each mixture, shape (…,)."""
        return np.asarray((self.weights * self.means).sum(-1))

    def variance(self) -> FloatArray:
        """Variance of each mixture, shape (…,)."""
        centred = self.means - self.mean()[..., None]
        return np.asarray((self.weights * (self.variances + centred**2)).sum(-1))

    def cdf(self, values: FloatArray) -> FloatArray:
        """P(X ≤ value) for one value per mixture, shape (…,)."""
        scaled = (values[..., None] - self.means) / np.sqrt(self.variances)
        return np.asarray((self.weights * ndtr(scaled)).sum(-1))

    def quantile(self, probability: float | FloatArray) -> FloatArray:
        """The value below which ``probability`` lies, shape (…,); of one mixture (k,), several at once.

        Newton steps, kept inside a bracket that every step shrinks.
        """
        deviations = np.sqrt(self.variances)
        # A rare component may be very wide: it belongs in the bracket, not in the start and the tolerance.
        reach = (np.abs(self.means) + _WIDEST * deviations).max(-1)
        mean = self.mean()
        spread = (self.weights * (deviations + np.abs(self.means - mean[..., None]))).sum(-1)
        value = mean + spread * np.where(np.asarray(probability) > 0.5, 1.96, -1.96)
        low, high = np.minimum(-reach, value), np.maximum(reach, value)
        for _ in range(_MOST_STEPS):
            scaled = (value[..., None] - self.means) / deviations
            excess = (self.weights * ndtr(scaled)).sum(-1) - probability
            low, high = np.where(excess < 0, value, low), np.where(excess < 0, high, value)
            density = (self.weights * np.exp(-(scaled**2) / 2) / deviations).sum(-1) / math.sqrt(2 * math.pi)
            step = value - excess / np.maximum(density, 1e-300)
            step = np.where((step > low) & (step < high), step, (low + high) / 2)
            moved, value = np.abs(step - value), step
            if (moved <= _TOLERANCE * spread).all():
                break
        return np.asarray(value)

    def merged(self, width: float) -> NormalMixture:
        """The mixture (k,) with like components merged, their moments kept.

        Alike are components whose log variances share a bin of ``width`` and whose means share one of
        ``width`` standard deviations.
        """
        kept = self.weights > _NEGLIGIBLE
        weight, mean, variance = self.weights[kept], self.means[kept], self.variances[kept]
        scale = np.floor(np.log(variance) / width)
        place = np.floor(mean / (width * np.exp(scale * width / 2)))
        bins, slot = np.unique(scale + 1j * place, return_inverse=True)
        total = np.bincount(slot, weight, bins.size)
        centre = np.bincount(slot, weight * mean, bins.size) / total
        second = np.bincount(slot, weight * (variance + (mean - centre[slot]) ** 2), bins.size) / total
        return NormalMixture(total / total.sum(), centre, second)


def variance_nodes(df: FloatArray | float, count: int) -> tuple[FloatArray, FloatArray]:
    """Nodes and weights for an unknown variance: σ² = s²·node with df·s²/σ² ~ χ²(df).

    Gauss-Legendre in the cube root of the probability, which crowds nodes where the variance is large: with
    5 nodes the mixture of normals has t quantiles to 1e-3 up to level 0.99 for df ≥ 3, with 7 for df ≥ 2.
    Shapes: df (…,) → nodes (…, count); weights (count,).
    """
    probabilities, weights = _crowded_legendre(count)
    degrees = np.asarray(df, dtype=np.float64)[..., None]
    return degrees / (2 * gammaincinv(degrees / 2, probabilities)), weights


@lru_cache(maxsize=16)
def _crowded_legendre(count: int) -> tuple[FloatArray, FloatArray]:
    abscissa, weight = np.polynomial.legendre.leggauss(count)
    root = (abscissa + 1) / 2
    weights = root**2 * weight
    return root**3, weights / weights.sum()
