"""What other sets say of one set's convergence: a law for its mean, and one for its spread."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln

from mlperf_stats.stats.cells import Cell, Group, normalised
from mlperf_stats.stats.effect_grids import (
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
from mlperf_stats.stats.normal_mixture import NEGLIGIBLE, NormalMixture
from mlperf_stats.stats.pool import Pool, scales
from mlperf_stats.stats.sample import FloatArray
from mlperf_stats.stats.size_law import SIZE_LAW_DF, predict_cell

_MERGED = 0.5
"""Components whose variances are within a factor of about √e are merged."""
_WIDE = 1e6
"""Variance, in units of the spread, of a mean of which nothing is known."""

_AROUND_PREDICTION = np.concatenate(
    [-np.geomspace(30, 1, 8), np.linspace(-0.9, 0.9, 13), np.geomspace(1, 30, 8)]
)


@dataclass(frozen=True)
class ConvergencePrior:
    """The law of one set's convergence before its own runs are seen."""

    mean: NormalMixture | None
    """Of the set's mean log convergence, shape (k,); None if no other set says anything."""
    spread: float
    """Variance of log convergence within the set …"""
    spread_df: float
    """… and how sure it is, in degrees of freedom."""
    peers: int
    """Sets of the same size in the same round."""


def convergence_prior(home: Pool, away: Sequence[Pool], size: float, lineage: str) -> ConvergencePrior:
    """The prior of a set of this size and lineage.

    Args:
        home: The other sets of its round.
        away: Pools of other rounds: they lend scales of effects and, behind a round effect, means.
        size: NaN if unknown.
        lineage: See :class:`ConvergedRuns`.
    """
    cell = home.cells.get(size)
    likely = scales(home, away, size)
    spread = cell.spread if cell else home.spread
    predicted = _predicted(home, away, size)
    mean = _mean_law(cell, lineage, predicted, spread, likely)
    return ConvergencePrior(mean, spread, home.spread_df, cell.members if cell else 0)


def _predicted(home: Pool, away: Sequence[Pool], size: float) -> tuple[float, float] | None:
    """The cell's mean from all other cells; kept where these are the same for every set of the cell."""
    if home.whole is not None and home.remade <= {size}:
        return _predicted(home.whole, away, size)
    question = (size, *away)
    if math.isnan(size) or question not in home.predictions:
        here = [mean for key, mean in home.cell_means.items() if key != size]
        home.predictions[question] = predict_cell(
            [here, *(list(one.cell_means.values()) for one in away)], size, home.spread
        )
    return home.predictions[question]


def _mean_law(
    cell: Cell | None, lineage: str, predicted: tuple[float, float] | None, spread: float, likely: FloatArray
) -> NormalMixture | None:
    group = cell.groups.get(lineage) if cell else None
    others = len(cell.groups) - (group is not None) if cell else 0
    if cell is None and predicted is None:
        return None
    if others or predicted:
        centre, variance, likely = _cell_mean(cell, lineage if group else None, predicted, likely, others)
    else:
        typical = group.centre if group else 0.0
        centre = np.full(LINEAGE_SCALES.size, typical)
        variance = np.full(LINEAGE_SCALES.size, _WIDE * spread)
    return _set_mean(group, centre, variance, spread, likely, informed=bool(others or predicted))


def _cell_mean(
    cell: Cell | None,
    without: str | None,
    predicted: tuple[float, float] | None,
    likely: FloatArray,
    others: int,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Cell mean by lineage scale, (Q,) and (Q,), and the scales (R, Q), from all groups but the set's own."""
    around = None if predicted is None else predicted[0] + predicted[1] * _AROUND_PREDICTION
    if cell is not None and others:
        nodes = cell.nodes(around)
        log_density = cell.log_density(nodes, without)
    else:
        assert around is not None
        nodes, log_density = around, np.zeros((*likely.shape, around.size))
    if predicted is not None:
        log_density = log_density + _log_t((nodes - predicted[0]) / predicted[1])
    evidence, weights = normalised(log_density, nodes)
    if others:
        likely = likely * np.exp(evidence - evidence.max())
        likely = likely / likely.sum()
    of_lineage = likely.sum(0)
    density = np.einsum("rq,rqm->qm", likely / np.maximum(of_lineage, 1e-300), weights)
    centre, variance = interval_matched(nodes, density)
    return centre, variance, likely


def _log_t(values: FloatArray) -> FloatArray:
    df = SIZE_LAW_DF
    constant = gammaln((df + 1) / 2) - gammaln(df / 2) - math.log(df * math.pi) / 2
    return np.asarray(constant - (df + 1) / 2 * np.log1p(values**2 / df))


def _set_mean(
    group: Group | None,
    centre: FloatArray,
    variance: FloatArray,
    spread: float,
    scale_law: FloatArray,
    *,
    informed: bool,
) -> NormalMixture:
    """From the cell's mean to the group's (lineage effect, group's sets) and on to the set's (set effect).

    Components carry the axes R, E, Q of the group's own set scale and outlier rate and the lineage scale.
    """
    likely = np.einsum("aq,ar,e->req", scale_law, SET_KERNEL, OUTLIER_PRIOR)
    weights, means, variances = _lineage_effect(centre, variance, spread, likely.shape)
    if group is not None:
        weights, means, variances, evidence = _with_group(group, weights, means, variances)
        if informed or group.members > 1:
            likely = likely * np.exp(evidence - evidence.max())
    weights = weights * likely / likely.sum()
    full = np.broadcast_shapes(weights.shape, means.shape)
    kept = np.broadcast_to(weights, full) > NEGLIGIBLE
    weights, means, variances = (np.broadcast_to(part, full)[kept] for part in (weights, means, variances))
    scales, rates = (
        np.broadcast_to(part, full)[kept] for part in (SET_SCALES[:, None, None], OUTLIER_RATES[:, None])
    )
    outlying = weights * rates
    law = NormalMixture(
        np.concatenate([weights - outlying, *(outlying * share for share in OUTLIER_SCALE_WEIGHTS)]),
        np.tile(means, 1 + OUTLIER_SCALES.size),
        np.concatenate(
            [variances + scales**2 * spread, *(variances + scale**2 * spread for scale in OUTLIER_SCALES)]
        ),
    )
    return law.merged(_MERGED)


def _lineage_effect(
    centre: FloatArray, variance: FloatArray, spread: float, shape: tuple[int, ...]
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Law of the group's mean given the cell's: components (C, R, E, Q)."""
    shares = np.array([1 - MEAN_OUTLIER_RATE, *(MEAN_OUTLIER_RATE * OUTLIER_SCALE_WEIGHTS)])
    added = np.concatenate(
        [LINEAGE_SCALES[None] ** 2, np.tile(OUTLIER_SCALES[:, None] ** 2, LINEAGE_SCALES.size)]
    )
    full = (shares.size, *shape)
    return (
        np.broadcast_to(shares[:, None, None, None], full),
        np.broadcast_to(centre, full),
        np.broadcast_to((variance + added * spread)[:, None, None, :], full),
    )


def _with_group(
    group: Group, weights: FloatArray, means: FloatArray, variances: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Update by the group's own sets: every component with every component of their likelihood."""
    law = group.law
    own_weight, own_mean, own_variance = (
        part[None, ..., None] for part in (law.weights, law.means, law.variances)
    )
    weights, means, variances = weights[:, None], means[:, None], variances[:, None]
    joint = weights * own_weight * normal_kernel((means - own_mean) ** 2, variances + own_variance)
    posterior = 1 / (1 / variances + 1 / own_variance)
    mean = posterior * (means / variances + own_mean / own_variance)
    flat = (-1, *joint.shape[2:])
    joint, mean = joint.reshape(flat), mean.reshape(flat)
    total = joint.sum(0)
    evidence = np.log(total + 1e-300) + law.evidence[..., None]
    return joint / np.maximum(total, 1e-300), mean, posterior.reshape(flat), evidence
