"""Where the sets of one cell lie: likelihoods of group and cell means, with all effects integrated.

A *cell* is the sets of one size, a *group* those of one lineage in it. Within a group, set means scatter by
the set effect and by chance; group means scatter by the lineage effect. Each unknown mean is integrated over
nodes, each unknown scale over the grids of :mod:`effect_grids`: axes R (set scale), E (outlier rate),
Q (lineage scale), M (nodes of a mean). No random numbers, no iteration.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mlperf_stats.stats.effect_grids import (
    LINEAGE_KERNEL,
    LINEAGE_SCALES,
    MEAN_OUTLIER_RATE,
    OUTLIER_PRIOR,
    OUTLIER_RATES,
    OUTLIER_SCALE_WEIGHTS,
    OUTLIER_SCALES,
    SET_KERNEL,
    SET_SCALES,
    interval_matched,
    normal_kernel,
)
from mlperf_stats.stats.sample import FloatArray

_TINY = 1e-300
_NEARLY_ALIKE = 0.02
_FINE = np.linspace(-4.5, 4.5, 19)
_FAR = np.geomspace(5.0, 250.0, 9)
_NEAR_A_MEAN = np.array([-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0])
_FEW = 5
"""Up to so many sets, nodes lie around each of their means: they may disagree altogether."""


@dataclass(frozen=True)
class Group:
    """Sets of one lineage in one cell: the likelihood of the group's mean, integrated over set effects.

    It is ``exp(evidence) · Σ_c weights · Normal(mean | means, variances)``; see :func:`group`.
    """

    members: int
    centre: float
    deviation: float
    """A rough standard deviation of :attr:`centre`, to place nodes by."""
    sampling: float
    """Sampling variance of the mean of a single set; unused for several."""
    evidence: FloatArray
    """Logarithm, (R, E)."""
    weights: FloatArray
    """(C, R, E), like means and variances."""
    means: FloatArray
    variances: FloatArray

    def log_density_of_cell_mean(self, nodes: FloatArray, spread: float) -> FloatArray:
        """Log likelihood (R, Q, M) of cell means at ``nodes``: group mean and lineage effect integrated."""
        return self._of_one(nodes, spread) if self.members == 1 else self._of_several(nodes, spread)

    def _of_one(self, nodes: FloatArray, spread: float) -> FloatArray:
        distance = (nodes - self.centre) ** 2
        scales = SET_SCALES[:, None] ** 2 + LINEAGE_SCALES**2
        usual = normal_kernel(distance, (self.sampling + scales * spread)[..., None])
        inlying = (1 - MEAN_OUTLIER_RATE) ** 2
        outlying = _outlier_density(distance, np.array(self.sampling), spread)
        return np.asarray(np.log(inlying * usual + (1 - inlying) * outlying + _TINY))

    def _of_several(self, nodes: FloatArray, spread: float) -> FloatArray:
        distance = (self.means[0][..., None] - nodes) ** 2  # R, E, M
        variance = self.variances[0]
        usual = normal_kernel(
            distance[:, :, None, :],
            variance[..., None, None] + (LINEAGE_SCALES**2 * spread)[:, None],
        )
        outlying = _outlier_density(distance, variance[..., None], spread)[:, :, None, :]
        density = (1 - MEAN_OUTLIER_RATE) * usual + MEAN_OUTLIER_RATE * outlying
        top = self.evidence.max()
        rates = np.exp(self.evidence - top) * OUTLIER_PRIOR
        return np.asarray(np.log(np.einsum("re,reqm->rqm", rates, density) + _TINY) + top)


def _outlier_density(distance: FloatArray, variance: FloatArray, spread: float) -> FloatArray:
    total = np.zeros(np.broadcast_shapes(distance.shape, variance.shape))
    for weight, scale in zip(OUTLIER_SCALE_WEIGHTS, OUTLIER_SCALES, strict=True):
        total += weight * normal_kernel(distance, variance + scale**2 * spread)
    return total


def group(means: FloatArray, sampling: FloatArray, spread: float) -> Group:
    """The group of sets with these means of log convergence, (k,), and sampling variances, (k,).

    ``spread``: variance of log convergence within a set, the unit of all effects.
    """
    if means.size == 1:
        return _single(float(means[0]), float(sampling[0]), spread)
    deviation = float(np.sqrt((np.median(sampling) + _NEARLY_ALIKE * spread) / means.size))
    centre = float(np.median(means))
    nodes = [centre + deviation * _FINE, centre + deviation * _FAR, centre - deviation * _FAR]
    if means.size <= _FEW:
        nodes.extend(mean + np.sqrt(v) * _NEAR_A_MEAN for mean, v in zip(means, sampling, strict=True))
    grid = np.unique(np.concatenate(nodes))
    distance = (means[:, None] - grid) ** 2  # k, M
    usual = normal_kernel(distance, (sampling + SET_SCALES[:, None] ** 2 * spread)[..., None])
    outlying = _outlier_density(distance, sampling[:, None], spread)
    log_likelihood = np.stack(
        [np.log((1 - rate) * usual + rate * outlying + _TINY).sum(1) for rate in OUTLIER_RATES], axis=1
    )
    evidence, weights = normalised(log_likelihood, grid)
    mean, variance = interval_matched(grid, weights)
    ones = np.ones((1, *mean.shape))
    return Group(means.size, centre, deviation, 0.0, evidence, ones, mean[None], variance[None])


def _single(centre: float, sampling: float, spread: float) -> Group:
    """One set: its law around the group's mean is a mixture already, usual or outlying."""
    deviation = float(np.sqrt(sampling + _NEARLY_ALIKE * spread))
    shape = (1 + OUTLIER_SCALES.size, SET_SCALES.size, OUTLIER_RATES.size)
    weights, variances = np.empty(shape), np.empty(shape)
    weights[0], variances[0] = 1 - OUTLIER_RATES, (sampling + SET_SCALES**2 * spread)[:, None]
    weights[1:] = (OUTLIER_SCALE_WEIGHTS[:, None] * OUTLIER_RATES)[:, None, :]
    variances[1:] = (sampling + OUTLIER_SCALES**2 * spread)[:, None, None]
    return Group(
        1, centre, deviation, sampling, np.zeros(shape[1:]), weights, np.full(shape, centre), variances
    )


def normalised(log_density: FloatArray, nodes: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Log of the integral over the last axis, and the weights of its nodes (summing to 1)."""
    top = log_density.max(axis=-1, keepdims=True)
    mass = np.exp(log_density - top) * np.gradient(nodes)
    total = mass.sum(axis=-1, keepdims=True)
    return (np.log(total) + top)[..., 0], mass / total


@dataclass(frozen=True)
class Cell:
    """The sets of one size in one pool."""

    size: float
    spread: float
    """Variance of log convergence within a set."""
    groups: dict[str, Group]
    """By lineage."""

    @cached_property
    def members(self) -> int:
        """How many sets there are."""
        return sum(one.members for one in self.groups.values())

    def nodes(self, extra: FloatArray | None = None) -> FloatArray:
        """Where a cell mean may lie, ascending."""
        centres = np.array([one.centre for one in self.groups.values()])
        counts = [one.members for one in self.groups.values()]
        centre = float(np.median(np.repeat(centres, counts)))
        deviation = min(one.deviation for one in self.groups.values()) / max(1.0, len(centres) ** 0.5)
        parts = [centre + deviation * _FINE, centre + deviation * _FAR, centre - deviation * _FAR]
        if len(centres) > 1:
            parts.extend(one.centre + one.deviation * _NEAR_A_MEAN for one in self.groups.values())
        if extra is not None:
            parts.append(extra)
        return np.unique(np.concatenate(parts))

    def log_density(self, nodes: FloatArray, without: str | None = None) -> FloatArray:
        """Log likelihood (R, Q, M) of cell means, R now being the benchmark's set scale."""
        total = np.zeros((SET_SCALES.size, LINEAGE_SCALES.size, nodes.size))
        for lineage, one in self.groups.items():
            if lineage != without:
                own = one.log_density_of_cell_mean(nodes, self.spread)
                top = own.max(axis=0, keepdims=True)
                total += np.log(np.einsum("ar,rqm->aqm", SET_KERNEL, np.exp(own - top)) + _TINY) + top
        return total

    @cached_property
    def evidence(self) -> FloatArray | None:
        """Log likelihood (R, Q) of the scales; None for a single set, which says nothing of them."""
        return self._integrated[0] if self.members > 1 else None

    @cached_property
    def scale_likelihood(self) -> FloatArray | None:
        """Log likelihood (R, Q) of the benchmark's scales, around which the cell's lineage scale lies."""
        if self.evidence is None:
            return None
        return np.asarray(np.log(np.exp(self.evidence - self.evidence.max()) @ LINEAGE_KERNEL.T))

    @cached_property
    def _integrated(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        nodes = self.nodes()
        evidence, weights = normalised(self.log_density(nodes), nodes)
        return evidence, weights, nodes

    def summary(self, scales: FloatArray) -> tuple[float, float]:
        """Centre and variance of the cell's mean, the scales (R, Q) being as likely as ``scales`` says."""
        evidence, weights, nodes = self._integrated
        likely = scales
        if self.members > 1:
            likely = scales * np.exp(evidence - evidence.max())
            likely = likely / likely.sum()
        centre, variance = interval_matched(nodes, np.einsum("rq,rqm->m", likely, weights), tail=0.16)
        return float(centre), float(variance)


def cell(
    size: float, spread: float, means: FloatArray, sampling: FloatArray, lineages: Sequence[str]
) -> Cell:
    """The cell of sets with these means of log convergence (k,), sampling variances (k,) and lineages."""
    labels = np.array(lineages, dtype=object)
    groups = {
        lineage: group(means[labels == lineage], sampling[labels == lineage], spread)
        for lineage in dict.fromkeys(lineages)
    }
    return Cell(size, spread, groups)
