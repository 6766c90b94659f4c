"""Grids, priors and kernels for the effects by which laws of convergence differ between sets of runs.

All scales are relative to the standard deviation of log convergence within a set. A set's mean log
convergence is ``cell + lineage effect + set effect``; both effects are normal with an unknown scale, or,
with a small probability, outlying. Scales differ somewhat from group to group around a benchmark's.

The constants were chosen by marginal likelihood, not by coverage: on the rounds 0.5 to 2.0 of MLPerf
Training, and confirmed on 3.0 to 5.0 (docs/validation/controlled.md has the table for the scale of the
priors, the largest that the data do not refute). They matter in pools of few sets only.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtri

from mlperf_stats.stats.sample import FloatArray

_PRIOR_SCALE = 0.03
"""Scale of the half-Cauchy priors (Gelman 2006): closed rules fix model and data, so effects are small."""

_GROUP_FACTOR = 0.7
"""Standard deviation of the logarithm of a group's scale around the benchmark's: about a factor of 2."""


def half_cauchy(grid: FloatArray, scale: float) -> FloatArray:
    """Probability that a half-Cauchy law of ``scale`` gives to each point of a grid even in the logarithm."""
    density = np.gradient(np.log(grid)) * grid / (1 + (grid / scale) ** 2)
    return np.asarray(density / density.sum())


def _kernel(grid: FloatArray) -> FloatArray:
    """``kernel[i, j]``: probability that a group has scale j where the benchmark's is i."""
    logs = np.log(grid)
    density = np.exp(-(((logs[:, None] - logs) / _GROUP_FACTOR) ** 2) / 2) * np.gradient(logs)
    return np.asarray(density / density.sum(axis=1, keepdims=True))


SET_SCALES = np.array([0.03, 0.1, 0.17, 0.27, 0.4, 0.6, 0.9, 1.4, 2.2, 4.0])
"""Standard deviation of the set effect; R points."""
SET_PRIOR = half_cauchy(SET_SCALES, _PRIOR_SCALE)
SET_KERNEL = _kernel(SET_SCALES)

LINEAGE_SCALES = np.array([0.03, 0.15, 0.35, 0.7, 1.4, 3.0])
"""Standard deviation of the lineage effect; Q points."""
LINEAGE_PRIOR = half_cauchy(LINEAGE_SCALES, _PRIOR_SCALE)
LINEAGE_KERNEL = _kernel(LINEAGE_SCALES)

OUTLIER_RATES = np.array([0.01, 0.05, 0.2])
"""Probability that a set of a group is outlying; E points."""
OUTLIER_PRIOR = np.array([0.8, 0.15, 0.05])
MEAN_OUTLIER_RATE = float(OUTLIER_RATES @ OUTLIER_PRIOR)

OUTLIER_SCALES = np.array([1.5, 4.0, 12.0, 40.0])
"""An outlying effect is normal with one of these standard deviations: other code, or another unit."""
OUTLIER_SCALE_WEIGHTS = np.array([0.4, 0.3, 0.2, 0.1])


def normal_kernel(squared_distance: FloatArray, variance: FloatArray) -> FloatArray:
    """Normal density up to 1/√(2π), which cancels wherever it is used."""
    return np.asarray(np.exp(-squared_distance / (2 * variance)) / np.sqrt(variance))


def interval_matched(
    nodes: FloatArray, weights: FloatArray, tail: float = 0.025
) -> tuple[FloatArray, FloatArray]:
    """Centre and variance of the normal law with the central interval of a law on nodes.

    ``nodes``: (m,), ascending; ``weights``: (…, m), summing to 1. Moments would let one far, unlikely node
    widen the whole law. Returns two arrays (…,).
    """
    cumulative = (np.cumsum(weights, axis=-1) - weights / 2).reshape(-1, nodes.size)
    low, high = (_interpolated(nodes, cumulative, probability) for probability in (tail, 1 - tail))
    z = -float(ndtri(tail))
    shape = weights.shape[:-1]
    return ((low + high) / 2).reshape(shape), (((high - low) / (2 * z)) ** 2).reshape(shape)


def _interpolated(nodes: FloatArray, cumulative: FloatArray, probability: float) -> FloatArray:
    above = np.minimum(np.maximum((cumulative < probability).sum(-1), 1), nodes.size - 1)
    rows = np.arange(len(cumulative))
    left, right = cumulative[rows, above - 1], cumulative[rows, above]
    share = np.minimum(np.maximum((probability - left) / np.maximum(right - left, 1e-300), 0.0), 1.0)
    return np.asarray(nodes[above - 1] + share * (nodes[above] - nodes[above - 1]))
