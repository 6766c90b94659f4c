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
from mlperf_stats.stats.medians import median
from mlperf_stats.stats.sample import FloatArray

_TINY = 1e-300
_NEARLY_ALIKE = 0.02
_AROUND = np.concatenate(
    [-np.geomspace(250.0, 5.0, 9), np.linspace(-4.5, 4.5, 19), np.geomspace(5.0, 250.0, 9)]
)
_NEAR_A_MEAN = np.array([-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0])
_NEAR_ONE_OF_MANY = np.array([-1.0, 0.0, 1.0])
"""Against very many nodes, bounds err by 1.5 % of a half-width in the median, with these as with more."""

_FEW = 5
"""Up to so many sets, nodes lie around each of their means: they may disagree altogether."""


@dataclass(frozen=True)
class GroupLaw:
    """Likelihood of a group's mean: ``exp(evidence) · Σ_c weights · Normal(mean | means, variances)``."""

    evidence: FloatArray
    """Logarithm, (R, E)."""
    weights: FloatArray
    """(C, R, E), like means and variances."""
    means: FloatArray
    variances: FloatArray


@dataclass(frozen=True)
class Group:
    """Sets of one lineage in one cell."""

    means: FloatArray
    """Of log convergence by set, (k,)."""
    sampling: FloatArray
    """Their sampling variances, (k,)."""
    spread: float
    """Variance of log convergence within a set, the unit of all effects."""

    @property
    def members(self) -> int:
        """How many sets there are."""
        return int(self.means.size)

    @cached_property
    def centre(self) -> float:
        """Roughly where its mean lies …"""
        return median(self.means)

    @cached_property
    def deviation(self) -> float:
        """… and how sure that is, to place nodes by."""
        return float(np.sqrt((median(self.sampling) + _NEARLY_ALIKE * self.spread) / self.members))

    @cached_property
    def law(self) -> GroupLaw:
        """The likelihood of the group's mean, integrated over set effects."""
        return self._law_of_one() if self.members == 1 else self._law_of_several()

    def _law_of_one(self) -> GroupLaw:
        """One set: its law around the group's mean is a mixture already, usual or outlying."""
        sampling = float(self.sampling[0])
        shape = (1 + OUTLIER_SCALES.size, SET_SCALES.size, OUTLIER_RATES.size)
        weights, variances = np.empty(shape), np.empty(shape)
        weights[0], variances[0] = 1 - OUTLIER_RATES, (sampling + SET_SCALES**2 * self.spread)[:, None]
        weights[1:] = (OUTLIER_SCALE_WEIGHTS[:, None] * OUTLIER_RATES)[:, None, :]
        variances[1:] = (sampling + OUTLIER_SCALES**2 * self.spread)[:, None, None]
        return GroupLaw(np.zeros(shape[1:]), weights, np.full(shape, self.means[0]), variances)

    def _law_of_several(self) -> GroupLaw:
        nodes = [self.centre + self.deviation * _AROUND]
        if self.members <= _FEW:
            nodes.append((self.means[:, None] + np.sqrt(self.sampling)[:, None] * _NEAR_A_MEAN).ravel())
        grid = _ascending(nodes)
        distance = (self.means[:, None] - grid) ** 2  # k, M
        variances = self.sampling[:, None] + SET_SCALES**2 * self.spread
        usual = _exponentials(distance[:, None], variances) / np.sqrt(variances)[..., None]  # k, R, M
        outlying = outlier_density(distance, self.sampling[:, None], self.spread)[:, None] + _TINY
        rates = OUTLIER_RATES[:, None, None, None]
        density = (1 - rates) * usual
        density += rates * outlying
        log_likelihood = np.log(density, out=density).sum(1)  # E, R, M
        evidence, weights = normalised(log_likelihood.transpose(1, 0, 2), grid)
        mean, variance = interval_matched(grid, weights)
        return GroupLaw(evidence, np.ones((1, *mean.shape)), mean[None], variance[None])


def _ascending(parts: Sequence[FloatArray]) -> FloatArray:
    """All nodes in order, each once: at a double node a law would have a step."""
    nodes = np.sort(np.concatenate(parts))
    return np.asarray(nodes[np.append(True, nodes[1:] > nodes[:-1])])


def outlier_density(distance: FloatArray, variance: FloatArray, spread: float) -> FloatArray:
    """Density at squared distances of an outlying effect with this further variance, up to 1/√(2π)."""
    total = np.zeros(np.broadcast_shapes(distance.shape, variance.shape))
    for weight, scale in zip(OUTLIER_SCALE_WEIGHTS, OUTLIER_SCALES, strict=True):
        total += weight * normal_kernel(distance, variance + scale**2 * spread)
    return total


def normalised(log_density: FloatArray, nodes: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Log of the integral over the last axis, and the weights of its nodes (summing to 1)."""
    widths = np.empty(nodes.size)
    widths[0], widths[-1] = nodes[1] - nodes[0], nodes[-1] - nodes[-2]
    widths[1:-1] = (nodes[2:] - nodes[:-2]) / 2
    top = log_density.max(axis=-1, keepdims=True)
    mass = np.exp(log_density - top) * widths
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
        groups = self.groups.values()
        centres = np.array([one.centre for one in groups])
        deviations = np.array([one.deviation for one in groups])
        centre = median(np.repeat(centres, [one.members for one in groups]))
        deviation = float(deviations.min()) / max(1.0, len(centres) ** 0.5)
        parts = [centre + deviation * _AROUND]
        if len(centres) > 1:
            near = _NEAR_A_MEAN if len(centres) <= _FEW else _NEAR_ONE_OF_MANY
            parts.append((centres[:, None] + deviations[:, None] * near).ravel())
        if extra is not None:
            parts.append(extra)
        return _ascending(parts)

    def log_density(self, nodes: FloatArray, without: str | None = None) -> FloatArray:
        """Log likelihood (R, Q, M) of cell means, R now being the benchmark's set scale.

        Group means and lineage effects are integrated; ``without`` leaves the sets of a lineage out.
        """
        groups = [one for lineage, one in self.groups.items() if lineage != without]
        total = np.zeros((SET_SCALES.size, LINEAGE_SCALES.size, nodes.size))
        for some, density in (
            ([one for one in groups if one.members == 1], _density_of_single_sets),
            ([one for one in groups if one.members > 1], _density_of_several_sets),
        ):
            if some:
                found, log_factor = density(some, nodes, self.spread)
                mixed = SET_KERNEL @ found.reshape(len(some), SET_SCALES.size, -1)
                mixed += _TINY
                total += np.log(mixed, out=mixed).sum(0).reshape(total.shape) + log_factor
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


def _density_of_single_sets(
    groups: Sequence[Group], nodes: FloatArray, spread: float
) -> tuple[FloatArray, float]:
    """Density (G, R, Q, M) at cell means of groups of one set each: both effects at once."""
    distance = (np.array([one.means[0] for one in groups])[:, None] - nodes) ** 2
    sampling = np.array([one.sampling[0] for one in groups])[:, None]
    variances = sampling[..., None] + (SET_SCALES[:, None] ** 2 + LINEAGE_SCALES**2) * spread
    inlying = (1 - MEAN_OUTLIER_RATE) ** 2
    density = _exponentials(distance[:, None, None], variances)
    density *= (inlying / np.sqrt(variances))[..., None]
    density += (1 - inlying) * outlier_density(distance, sampling, spread)[:, None, None]
    return density, 0.0


def _density_of_several_sets(
    groups: Sequence[Group], nodes: FloatArray, spread: float
) -> tuple[FloatArray, float]:
    """Density (G, R, Q, M) at cell means of groups of several sets, and the logarithm of a common factor."""
    laws = [one.law for one in groups]
    means, variances = np.stack([one.means[0] for one in laws]), np.stack([one.variances[0] for one in laws])
    evidence = np.stack([one.evidence for one in laws])
    top = evidence.max((1, 2), keepdims=True)
    rates = np.exp(evidence - top) * OUTLIER_PRIOR
    distance = (means[..., None] - nodes) ** 2  # G, R, E, M
    total = variances[..., None] + LINEAGE_SCALES**2 * spread  # G, R, E, Q
    density = np.einsum(
        "greq,greqm->grqm",
        (1 - MEAN_OUTLIER_RATE) * rates[..., None] / np.sqrt(total),
        _exponentials(distance[..., None, :], total),
    )
    outlying = outlier_density(distance, variances[..., None], spread)
    density += MEAN_OUTLIER_RATE * np.einsum("gre,grem->grm", rates, outlying)[:, :, None]
    return density, float(top.sum())


def _exponentials(distance: FloatArray, variance: FloatArray) -> FloatArray:
    """``exp(−distance/2/variance)`` with a last axis of nodes, in one large array: this is the inner loop."""
    values = distance * (-0.5 / variance)[..., None]
    return np.asarray(np.exp(values, out=values))


def cell(
    size: float, spread: float, means: FloatArray, sampling: FloatArray, lineages: Sequence[str]
) -> Cell:
    """The cell of sets with these means of log convergence (k,), sampling variances (k,) and lineages."""
    labels = np.array(lineages, dtype=object)
    groups = {
        lineage: Group(means[labels == lineage], sampling[labels == lineage], spread)
        for lineage in dict.fromkeys(lineages)
    }
    return Cell(size, spread, groups)
