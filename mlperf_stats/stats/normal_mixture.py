"""Finite mixtures of normal laws, many at once: moments, distribution function, quantiles, merging.

Posteriors of this room are such mixtures, because every scale in them is integrated over a few nodes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import gammaincinv, ndtr

from mlperf_stats.stats.sample import FloatArray

_MOST_STEPS = 80
_TOLERANCE = 1e-9
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

    def quantile(self, probability: float) -> FloatArray:
        """The value below which ``probability`` lies, by Newton steps kept inside a shrinking bracket."""
        deviations = np.sqrt(self.variances)
        # A rare component may be very wide: it belongs in the bracket, not in the start and the tolerance.
        reach = (np.abs(self.means) + _WIDEST * deviations).max(-1)
        low, high = -reach, reach
        spread = (self.weights * (deviations + np.abs(self.means - self.mean()[..., None]))).sum(-1)
        value = self.mean() + spread * math.copysign(1.96, probability - 0.5)
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

    def merged(self, count: int) -> NormalMixture:
        """The mixture (k,) with components of like variance merged to at most ``count``, moments kept."""
        kept = self.weights > _NEGLIGIBLE
        weight, mean, variance = self.weights[kept], self.means[kept], self.variances[kept]
        scale = np.log(variance)
        edges = np.linspace(scale.min() - 1e-9, scale.max() + 1e-9, count + 1)
        slot = np.clip(np.digitize(scale, edges) - 1, 0, count - 1)
        total = np.bincount(slot, weight, count)
        filled = total > 0
        centre = np.bincount(slot, weight * mean, count)[filled] / total[filled]
        centres = np.zeros(count)
        centres[filled] = centre
        second = np.bincount(slot, weight * (variance + (mean - centres[slot]) ** 2), count)[filled]
        return NormalMixture(total[filled] / total.sum(), centre, second / total[filled])


def variance_nodes(df: FloatArray | float, count: int) -> tuple[FloatArray, FloatArray]:
    """Nodes and weights for an unknown variance: σ² = s²·node with df·s²/σ² ~ χ²(df).

    Gauss-Legendre in the cube root of the probability, which crowds nodes where the variance is large: with
    5 nodes the mixture of normals has t quantiles to 1e-3 up to level 0.99 for df ≥ 3, with 7 for df ≥ 2.
    Shapes: df (…,) → nodes (…, count); weights (count,).
    """
    abscissa, weight = np.polynomial.legendre.leggauss(count)
    root = (abscissa + 1) / 2
    weights = 1.5 * root**2 * weight
    degrees = np.asarray(df, dtype=np.float64)[..., None]
    return degrees / (2 * gammaincinv(degrees / 2, root**3)), weights / weights.sum()
