"""Declared looks: how much of the error each of them may spend. NumPy only.

The boundaries come from the joint law of the standardised sums at the looks, integrated numerically
(Armitage, McPherson & Rowe 1969), for error spent as Lan & DeMets 1983 describe it. With unknown variance
the nominal level of each look is carried over to Student's t (Jennison & Turnbull 2000, section 3.8).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import pairwise
from statistics import NormalDist

import numpy as np

from mlperf_stats.errors import StatisticsError
from mlperf_stats.stats.sample import FloatArray, check_level

_NORMAL = NormalDist()
_POINTS = 601
"""Grid points between the boundaries of a look (odd: Simpson's rule)."""


def obrien_fleming(fraction: float, alpha: float) -> float:
    """Error spent on both sides when ``fraction`` of the runs are there: almost nothing early."""
    return 4 - 4 * _NORMAL.cdf(_NORMAL.inv_cdf(1 - alpha / 4) / math.sqrt(fraction))


def pocock(fraction: float, alpha: float) -> float:
    """Error spent when ``fraction`` of the runs are there: much of it early."""
    return alpha * math.log1p((math.e - 1) * fraction)


SPENDING: dict[str, Callable[[float, float], float]] = {"obrien-fleming": obrien_fleming, "pocock": pocock}


def look_levels(
    looks: Sequence[int], level: float = 0.95, spending: str = "obrien-fleming"
) -> tuple[float, ...]:
    """Two-sided confidence level of the interval at each look; together they hold at ``level``.

    Args:
        looks: Numbers of runs at which to look, ascending, the last one the largest.
        level: Level that all looks keep together.
        spending: ``obrien-fleming`` or ``pocock``.

    Raises:
        StatisticsError: looks do not ascend from at least 2, or the spending function is unknown.
    """
    planned = tuple(looks)
    if not planned or planned[0] < 2 or any(b <= a for a, b in pairwise(planned)):
        raise StatisticsError(f"looks {list(looks)} must ascend and begin at 2 runs or more")
    if spending not in SPENDING:
        raise StatisticsError(f"spending {spending!r} is unknown; it is one of {', '.join(SPENDING)}")
    return _look_levels(planned, check_level(level), spending)


@lru_cache(maxsize=64)
def _look_levels(looks: tuple[int, ...], level: float, spending: str) -> tuple[float, ...]:
    """Walk through the looks with the density of the sum on those paths that have not stopped."""
    alpha = 1 - level
    spent, levels = 0.0, []
    grid, mass = np.zeros(1), np.ones(1)  # before the first look the sum is 0
    before = 0.0
    for look in looks:
        time = look / looks[-1]
        share = SPENDING[spending](time, alpha)
        boundary = _boundary(grid, mass, math.sqrt(time - before), share - spent)
        levels.append(2 * _NORMAL.cdf(boundary / math.sqrt(time)) - 1)
        grid, mass = _continue(grid, mass, boundary, math.sqrt(time - before))
        spent, before = share, time
    return tuple(levels)


def _boundary(grid: FloatArray, mass: FloatArray, step: float, error: float) -> float:
    """The sum beyond which (on either side) paths now cross with probability ``error``."""
    low, high = 0.0, 12.0
    for _ in range(50):
        middle = (low + high) / 2
        outside = _upper(middle - grid, step) + _upper(middle + grid, step)
        low, high = (middle, high) if float(mass @ outside) > error else (low, middle)
    return (low + high) / 2


def _continue(
    grid: FloatArray, mass: FloatArray, boundary: float, step: float
) -> tuple[FloatArray, FloatArray]:
    """Probability masses of the sum on a new grid between the boundaries."""
    points = np.linspace(-boundary, boundary, _POINTS)
    weights = np.full(_POINTS, 2.0)
    weights[1::2] = 4.0
    weights[[0, -1]] = 1.0
    weights *= (points[1] - points[0]) / 3
    density = np.exp(-0.5 * ((points[:, np.newaxis] - grid) / step) ** 2) / (step * math.sqrt(2 * math.pi))
    return points, (density @ mass) * weights


def _upper(values: FloatArray, step: float) -> FloatArray:
    """P(normal step > value), elementwise."""
    return np.array([0.5 * math.erfc(value) for value in (values / (step * math.sqrt(2))).tolist()])
