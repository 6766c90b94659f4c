"""How a run's time follows from its convergence: ``log T = level + slope·log C + residual`` in each set.

Proportional time has slope 1; a start-up that all runs pay lowers it, evaluations that begin late raise it.
The slope and the residual variance of a set have priors from other sets and are updated by its own runs:
exactly for a given residual variance, which is integrated over nodes, as is a second, wide slope prior.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mlperf_stats.stats.converged_runs import SAME_POINT, TimeLine
from mlperf_stats.stats.medians import median
from mlperf_stats.stats.moderated import VariancePrior, variance_prior
from mlperf_stats.stats.normal_mixture import variance_nodes
from mlperf_stats.stats.sample import FloatArray

_PROPORTIONAL = 1.0
_PROPORTIONAL_DEVIATION = 0.05
"""The theory's slope counts like one more set, measured this well."""

_LEAST_SLOPE_DEVIATION = 0.02
_FIRST_SLOPE_DEVIATION = 0.1
"""Between sets, where no set has shown its slope."""

_OTHER_SLOPE_SHARE = 0.1
_OTHER_SLOPE_FACTOR = 5.0
_OTHER_SLOPE_LEAST = 0.25
"""One set in ten may have quite another slope: its convergence may be logged in a wrong or coarse unit."""

_FIRST_RESIDUAL = VariancePrior(df=1.0, variance=3e-3**2, sets=0)
"""Published sets vary by 0.1 to 0.3 % at a fixed convergence point; one degree of freedom says little."""

_CLOCK = 1e-9
"""Least residual variance: logs give milliseconds of runs that take minutes."""

_RESIDUAL_DFS = (2.0, 20.0)
"""Very steady sets make moments of log s² expect very unsteady ones: below 2 even their mean is infinite."""
_NODES = 7
_MEDIAN_PASSES = 4


@dataclass(frozen=True, slots=True)
class TimePrior:
    """What other sets say of a set's line."""

    slope: float
    slope_variance: float
    residual: VariancePrior


def time_prior(lines: Sequence[TimeLine]) -> TimePrior:
    """The prior that the lines of other sets imply; without any, proportional time with a small residual."""
    slope, variance = _slope_prior([line for line in lines if not math.isnan(line.slope)])
    if len(lines) < 2:
        return TimePrior(slope, variance, _FIRST_RESIDUAL)
    residual = variance_prior([max(line.residual, _CLOCK) for line in lines], [line.df for line in lines])
    df = min(max(residual.df, _RESIDUAL_DFS[0]), _RESIDUAL_DFS[1])
    return TimePrior(slope, variance, VariancePrior(df, residual.variance, residual.sets))


def _slope_prior(lines: Sequence[TimeLine]) -> tuple[float, float]:
    """Weighted median of the slopes and the variance between sets, from medians: some sets are contended."""
    if not lines:
        return _PROPORTIONAL, _FIRST_SLOPE_DEVIATION**2
    slopes = np.array([*(line.slope for line in lines), _PROPORTIONAL])
    errors = np.sqrt([*(max(line.slope_variance, _CLOCK) for line in lines), _PROPORTIONAL_DEVIATION**2])
    between = _PROPORTIONAL_DEVIATION**2
    centre = _PROPORTIONAL
    order = np.argsort(slopes)
    for _ in range(_MEDIAN_PASSES):
        weight = np.cumsum((1 / (errors**2 + between))[order])
        centre = float(slopes[order][np.searchsorted(weight, weight[-1] / 2)])
        deviation = 1.4826 * median(np.abs(slopes - centre))
        between = max(deviation**2 - median(errors) ** 2, _LEAST_SLOPE_DEVIATION**2)
    return centre, between


@dataclass(frozen=True, slots=True)
class TimePosterior:
    """A set's line after its own runs: components along the last axis, shapes (b, k)."""

    weights: FloatArray
    slopes: FloatArray
    slope_variances: FloatArray
    residuals: FloatArray
    """Residual variance of one run."""


def time_posterior(prior: TimePrior, log_convergence: FloatArray, log_time: FloatArray) -> TimePosterior:
    """Update by own runs, (b, n) each, b samples at once."""
    tied = np.ptp(log_convergence, axis=-1) < SAME_POINT
    x = np.where(tied[:, None], 0.0, log_convergence - log_convergence.mean(-1, keepdims=True))
    y = log_time - log_time.mean(-1, keepdims=True)
    squares, cross, total = (x * x).sum(-1), (x * y).sum(-1), (y * y).sum(-1)
    own_slope = np.divide(cross, squares, out=np.zeros_like(cross), where=~tied)
    left = np.maximum(total - own_slope * cross, 0.0)
    df = prior.residual.df + np.maximum(x.shape[-1] - np.where(tied, 1, 2), 0)
    nodes, node_weights = variance_nodes(df, _NODES)
    residuals = ((prior.residual.df * prior.residual.variance + left) / df)[:, None] * nodes  # b, E
    prior_variances = np.array(
        [prior.slope_variance, max(_OTHER_SLOPE_FACTOR**2 * prior.slope_variance, _OTHER_SLOPE_LEAST**2)]
    )
    shares = np.array([1 - _OTHER_SLOPE_SHARE, _OTHER_SLOPE_SHARE])
    # Tied runs say nothing of the slope: their precision is 0 and both components keep their share.
    precision = (squares[:, None] / residuals)[..., None]
    distance = ((own_slope - prior.slope) ** 2)[:, None, None]
    shrunk = 1 + prior_variances * precision
    seen = np.where(tied[:, None], 0.0, np.log(residuals))[..., None]
    log_weights = -(seen + np.log(shrunk) + distance * precision / shrunk) / 2
    weights = shares * node_weights[:, None] * np.exp(log_weights - log_weights.max((1, 2), keepdims=True))
    weights /= weights.sum((1, 2), keepdims=True)
    slope_variances = prior_variances / shrunk
    slopes = prior.slope + slope_variances * precision * (own_slope - prior.slope)[:, None, None]
    count = len(squares)
    return TimePosterior(
        weights.reshape(count, -1),
        slopes.reshape(count, -1),
        slope_variances.reshape(count, -1),
        np.broadcast_to(residuals[..., None], slopes.shape).reshape(count, -1),
    )
