"""What cells of other sizes and rounds say of a cell's mean log convergence.

The work to converge grows with the batch as ``C = C0·(1 + B/B*)`` (McCandlish et al. 2018, "An empirical
model of large-batch training"): nearly constant below the critical size B*, proportional beyond. Around
that curve lie a deviation that nearby sizes share, a round effect, and an effect of the cell alone.
All are normal with scales integrated over small grids; the answer is a centre and a standard deviation.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mlperf_stats.stats.effect_grids import half_cauchy
from mlperf_stats.stats.sample import FloatArray

SIZE_LAW_DF = 5.0
"""The prediction is used as a t law with so many degrees of freedom: its scales come from few cells."""

_DEVIATION_SCALES = np.array([0.12, 0.35, 1.0, 2.8])
_ROUND_SCALES = np.array([0.08, 0.3, 0.9, 2.0])
_PRIOR_SCALE = 1.0
"""Half-Cauchy scale of both, in standard deviations of log convergence within a set."""

_CRITICAL_SIZES = np.geomspace(1 / 8, 64, 10)
"""B* as multiples of the geometric mean of the sizes at hand."""

_CORRELATION_LENGTH = 1.0
"""Sizes a factor of e apart have deviations with a correlation of 1/e."""

_SURPRISE = 3.0
"""A cell further off than so many standard deviations gets the variance that its distance shows."""

_MOST_CELLS = 24


@dataclass(frozen=True, slots=True)
class CellMean:
    """Mean log convergence of one cell, as far as its own sets tell."""

    size: float
    mean: float
    variance: float


def predict_cell(
    rounds: Sequence[Sequence[CellMean]], size: float, spread: float
) -> tuple[float, float] | None:
    """Centre and standard deviation of a cell's mean log convergence; None if nothing is known.

    Args:
        rounds: Other cells, by round; the first is the round of the cell itself.
        size: Of the cell. With NaN all cells count alike; otherwise those of unknown size are left out.
        spread: Variance of log convergence within a set, the unit of the scales.
    """
    known = [
        (one, number)
        for number, cells in enumerate(rounds)
        for one in cells
        if math.isnan(size) or not math.isnan(one.size)
    ]
    if not known:
        return None
    if not math.isnan(size):
        known = sorted(known, key=lambda pair: (abs(math.log(pair[0].size / size)), pair[1]))[:_MOST_CELLS]
    problem = _Problem(known, size, spread)
    variances = np.array([one.variance for one, _ in known])
    centre, variance, surprise, predictive = problem.solve(variances)
    excess = (surprise / _SURPRISE) ** 2 - 1
    if excess.max() > 0:
        centre, variance, *_ = problem.solve(variances + np.maximum(excess, 0.0) * predictive)
    return centre, math.sqrt(variance)


class _Problem:
    """Cells, their covariances under every pair of scales, and the curve under every critical size."""

    def __init__(self, known: Sequence[tuple[CellMean, int]], size: float, spread: float) -> None:
        self.means = np.array([one.mean for one, _ in known])
        rounds = np.array([number for _, number in known])
        sizes = np.array([one.size for one, _ in known])
        if math.isnan(size):
            self.curve, self.curve_here = np.zeros((1, sizes.size)), np.zeros(1)
            near, near_here = np.eye(sizes.size), np.zeros(sizes.size)
        else:
            critical = np.exp(np.mean(np.log(np.append(sizes, size)))) * _CRITICAL_SIZES
            self.curve, self.curve_here = np.log1p(sizes / critical[:, None]), np.log1p(size / critical)
            logs = np.log(sizes)
            near = np.exp(-np.abs(logs[:, None] - logs) / _CORRELATION_LENGTH)
            near_here = np.exp(-np.abs(logs - np.log(size)) / _CORRELATION_LENGTH)
        deviation, round_ = (
            grid.ravel() * spread
            for grid in np.meshgrid(_DEVIATION_SCALES**2, _ROUND_SCALES**2, indexing="ij")
        )
        # Half of the round effect is the round's, half the cell's own.
        shared = (rounds[:, None] == rounds) / 2 + np.eye(rounds.size) / 2
        self.covariance = deviation[:, None, None] * near + round_[:, None, None] * shared
        self.with_here = deviation[:, None] * near_here + round_[:, None] * (rounds == 0) / 2
        self.variance_here = deviation + round_
        self.log_prior = np.log(
            np.outer(
                half_cauchy(_DEVIATION_SCALES, _PRIOR_SCALE), half_cauchy(_ROUND_SCALES, _PRIOR_SCALE)
            ).ravel()
        )

    def solve(self, variances: FloatArray) -> tuple[float, float, FloatArray, FloatArray]:
        """Centre and variance of the prediction; standardised leave-one-out residuals and their variances."""
        covariance = self.covariance + np.diag(variances)
        inverse = np.linalg.inv(covariance)
        _, log_determinant = np.linalg.slogdet(covariance)
        sums = inverse.sum(-1)
        precision = sums.sum(-1)
        detrended = self.means - self.curve
        level = (sums @ detrended.T) / precision[:, None]
        residuals = detrended - level[..., None]
        weighted = np.einsum("hij,hbj->hbi", inverse, residuals)
        log_posterior = -((residuals * weighted).sum(-1) + np.log(precision)[:, None]) / 2
        log_posterior += (self.log_prior - log_determinant / 2)[:, None]
        posterior = np.exp(log_posterior - log_posterior.max())
        posterior /= posterior.sum()
        gain = np.einsum("hj,hij->hi", self.with_here, inverse)
        means = level + self.curve_here + np.einsum("hi,hbi->hb", gain, residuals)
        missing = 1 - (self.with_here * sums).sum(-1)
        spread = self.variance_here - (gain * self.with_here).sum(-1) + missing**2 / precision
        centre = float((posterior * means).sum())
        variance = float((posterior * (spread[:, None] + (means - centre) ** 2)).sum())
        diagonal = np.einsum("h,hii->i", posterior.sum(1), inverse)
        surprise = np.einsum("hb,hbi->i", posterior, weighted) / np.sqrt(diagonal)
        return centre, variance, surprise, 1 / diagonal
