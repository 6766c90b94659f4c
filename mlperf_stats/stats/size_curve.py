"""Work to converge against batch size: ``C(B) = C0·(1 + B/B*)``, with bands.

Below the critical size B* a larger batch costs hardly any more work, beyond it work grows in proportion
(McCandlish et al. 2018, "An empirical model of large-batch training", equation 2.11). Few sizes are at hand
and the law is not linear in B*, so that B* is a posterior over a wide grid, level on the log scale; C0 and
the scatter about the curve are integrated exactly, as in linear regression with a Jeffreys prior.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from mlperf_stats.errors import SampleError, TooFewRunsError
from mlperf_stats.stats import codes
from mlperf_stats.stats.interval import Interval
from mlperf_stats.stats.normal_mixture import NormalMixture, variance_nodes
from mlperf_stats.stats.sample import FloatArray, SampleLike, as_vector, check_level, check_sample

FEWEST_SIZES = 3

_REACH = 1e3
"""The grid of B* spans the sizes at hand and so many times more on both sides."""

_KNOWN = 10.0
"""Limits of B* further than this factor from the sizes at hand are not known: 0 or ∞ is said instead."""

_GRID = 241
_NEGLIGIBLE = 1e-7
_NODES = 7


@dataclass(frozen=True, eq=False)
class SizeCurve:
    """The fitted law; build it with :func:`size_curve`."""

    critical: Interval
    """B*, in units of size."""
    scatter: float
    """Standard deviation of log work of a size about the curve."""
    sizes: tuple[float, float]
    """The smallest and the largest at hand."""
    weights: FloatArray
    """Posterior (k,) of the critical sizes (k,) …"""
    criticals: FloatArray
    heights: FloatArray
    """… and for each the estimate of log C0 (k,) with its variance (k, nodes)."""
    variances: FloatArray
    node_weights: FloatArray
    level: float

    def at(self, size: float) -> Interval:
        """Work that the curve gives at a size ≥ 0 (0: C0). The band is the curve's, not a further size's."""
        return _interval(self._law(size), self.level, "work-at-size", self.critical.n)

    def further(self, size: float) -> Interval:
        """Work that a further size is expected to show: the curve's band and the scatter about it."""
        return _interval(self._law(size, scattered=True), self.level, "work-of-further-size", self.critical.n)

    def growth(self, smaller: float, larger: float) -> Interval:
        """Work at one size over that at another, both > 0; C0 cancels, B* alone is uncertain."""
        grown = np.log1p(larger / self.criticals) - np.log1p(smaller / self.criticals)
        order = np.argsort(grown)
        below = np.cumsum(self.weights[order]) - self.weights[order] / 2
        tail = (1 - self.level) / 2
        centre, low, high = np.exp(np.interp([0.5, tail, 1 - tail], below, grown[order])).tolist()
        return Interval(
            centre, low, high, self.level, self.level, "size-curve", "growth-of-work", self.critical.n
        )

    def _law(self, size: float, *, scattered: bool = False) -> NormalMixture:
        centres = self.heights + np.log1p(size / self.criticals)
        # The variance of a height is that of the scatter over the number of sizes.
        variances = self.variances * (1 + self.critical.n) if scattered else self.variances
        return NormalMixture(
            np.outer(self.weights, self.node_weights).ravel(),
            np.repeat(centres, self.node_weights.size),
            variances.ravel(),
        )


def size_curve(
    sizes: SampleLike, work: SampleLike, variances: SampleLike, *, level: float = 0.95
) -> SizeCurve:
    """Fit the law to the mean work at k sizes.

    Args:
        sizes: Shape (k,), positive, at least three distinct ones.
        work: Shape (k,), positive, any unit.
        variances: Shape (k,), ≥ 0, of the log of each mean. Their mean is added to the squares about the
            curve, so that means which happen to lie on one are not taken for exact.
        level: Confidence level.

    Raises SampleError (shape, NaN, values out of range, lengths that differ), TooFewRunsError (sizes) and
    StatisticsError (level).
    """
    level = check_level(level)
    check_sample(sizes, positive=True, what="sizes")
    check_sample(work, positive=True, what="work")
    size, value = as_vector(sizes, "sizes"), np.log(as_vector(work, "work"))
    known = as_vector(variances, "variances")
    if not size.shape == value.shape == known.shape:
        raise SampleError(f"{size.size} sizes, {value.size} means, {known.size} variances; give one of each")
    if known.size and known.min() < 0:
        raise SampleError("variances: one is negative; give squared standard deviations of log work")
    if np.unique(size).size < FEWEST_SIZES:
        raise TooFewRunsError(
            f"sizes: at least {FEWEST_SIZES} distinct ones needed; a law of two has no error"
        )
    return _fit(size, value, float(known.mean()), level)


def _fit(size: FloatArray, value: FloatArray, known: float, level: float) -> SizeCurve:
    smallest, largest = float(size.min()), float(size.max())
    n = size.size
    criticals = np.geomspace(smallest / _REACH, largest * _REACH, _GRID)
    weights, *_ = _posterior(criticals, size, value, known)
    likely = np.flatnonzero(weights > _NEGLIGIBLE * weights.max())
    # The same grid again where the posterior is: with many sizes it is narrower than a step.
    first, last = max(int(likely[0]) - 1, 0), min(int(likely[-1]) + 1, _GRID - 1)
    criticals = np.geomspace(criticals[first], criticals[last], _GRID)
    weights, heights, squares = _posterior(criticals, size, value, known)
    nodes, node_weights = variance_nodes(float(n - 1), _NODES)
    variances = (squares / (n - 1))[:, None] * nodes / n
    mean_squares = float(weights @ squares) / (n - 2)
    return SizeCurve(
        critical=_critical(criticals, weights, (smallest, largest), level, n),
        scatter=math.sqrt(mean_squares),
        sizes=(smallest, largest),
        weights=weights,
        criticals=criticals,
        heights=heights,
        variances=variances,
        node_weights=node_weights,
        level=level,
    )


def _posterior(
    criticals: FloatArray, size: FloatArray, value: FloatArray, known: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Weights of critical sizes (k,), and for each the height of the curve and the squares left about it."""
    detrended = value - np.log1p(size / criticals[:, None])  # k, n
    heights = detrended.mean(1)
    squares = ((detrended - heights[:, None]) ** 2).sum(1) + known
    log_posterior = -(size.size - 1) / 2 * np.log(squares)
    weights = np.exp(log_posterior - log_posterior.max())
    return weights / weights.sum(), heights, squares


def _critical(
    criticals: FloatArray, weights: FloatArray, sizes: tuple[float, float], level: float, n: int
) -> Interval:
    """Median and central interval of the posterior; limits far from all sizes are not known."""
    below = np.cumsum(weights) - weights / 2
    median, low, high = np.exp(
        np.interp([0.5, (1 - level) / 2, (1 + level) / 2], below, np.log(criticals))
    ).tolist()
    warnings = []
    if low < sizes[0] / _KNOWN or high > sizes[1] * _KNOWN:
        warnings.append(codes.CRITICAL_SIZE_OPEN)
    return Interval(
        estimate=median,
        low=low if low >= sizes[0] / _KNOWN else 0.0,
        high=high if high <= sizes[1] * _KNOWN else math.inf,
        level=level, level_attained=level, method="size-curve", estimand="critical-size", n=n,
        warnings=tuple(warnings),
    )  # fmt: skip


def _interval(law: NormalMixture, level: float, estimand: str, n: int) -> Interval:
    kept = law.weights > 1e-9
    law = NormalMixture(law.weights[kept] / law.weights[kept].sum(), law.means[kept], law.variances[kept])
    centre, low, high = np.exp(law.quantile(np.array([0.5, (1 - level) / 2, (1 + level) / 2]))).tolist()
    return Interval(centre, low, high, level, level, "size-curve", estimand, n)
