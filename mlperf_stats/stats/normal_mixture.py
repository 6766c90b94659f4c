"""Finite mixtures of normal laws, many at once: moments, distribution function, quantiles, merging.

Posteriors of this room are such mixtures, because every scale in them is integrated over a few nodes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.special import gammaincinv, ndtr, ndtri

from mlperf_stats.stats.sample import FloatArray

_MOST_STEPS = 80
_TOLERANCE = 1e-8
_WIDEST = 10.0
"""Quantiles are searched within so many standard deviations of every component."""

NEGLIGIBLE = 1e-9
"""Components of less weight are dropped when a mixture is merged."""

_PROBABILITIES = (1e-300, 1 - 1e-16)
"""Where the probit is finite."""

_FLATTEST = 1e-300


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

        Newton steps on the probit of the distribution function, which is nearly straight, kept inside a
        bracket that every step shrinks.
        """
        deviations = np.sqrt(self.variances)
        target = ndtri(np.asarray(probability))
        # A rare component may be very wide: it belongs in the bracket, not in the start and the tolerance.
        reach = (np.abs(self.means) + _WIDEST * deviations).max(-1)
        mean = self.mean()
        spread = (self.weights * (deviations + np.abs(self.means - mean[..., None]))).sum(-1)
        value = mean + spread * target
        low, high = np.minimum(-reach, value), np.maximum(reach, value)
        shares = self.weights / (deviations * math.sqrt(2 * math.pi))
        for _ in range(_MOST_STEPS):
            scaled = (value[..., None] - self.means) / deviations
            probit = ndtri(np.clip((self.weights * ndtr(scaled)).sum(-1), *_PROBABILITIES))
            density = (shares * np.exp(-(scaled**2) / 2)).sum(-1)
            low, high = np.where(probit < target, value, low), np.where(probit < target, high, value)
            slope = density * math.sqrt(2 * math.pi) * np.exp(probit**2 / 2)
            step = value - (probit - target) / np.maximum(slope, _FLATTEST)
            step = np.where((step >= low) & (step <= high), step, (low + high) / 2)
            moved, value = np.abs(step - value), step
            if (moved <= _TOLERANCE * spread).all():
                break
        return np.asarray(value)

    def merged(self, width: float) -> NormalMixture:
        """The mixture (k,) with like components merged, their moments kept.

        Alike are components whose log variances share a bin of ``width`` and whose means share one of
        ``width`` standard deviations.
        """
        kept = self.weights > NEGLIGIBLE
        weight, mean, variance = self.weights[kept], self.means[kept], self.variances[kept]
        scale = np.floor(np.log(variance) / width)
        place = np.floor(mean / (width * np.exp(scale * width / 2)))
        # One number per bin: far faster to sort than pairs.
        scale, place = scale - scale.min(), place - place.min()
        bins, slot = np.unique(place * (scale.max() + 1) + scale, return_inverse=True)
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
