"""How much a score varies: the deviation of an olympic mean, pooled over sets of runs.

A score drops its fastest and slowest runs, so a single slow run in a set hardly moves it, while it
dominates the set's variance. The winsorised variance (dropped values pulled in to the nearest kept ones)
sees what the score sees (Tukey & McLaughlin 1963). It is scaled to be the variance for normal log times,
and pooled over sets by degrees of freedom, where the few of each set do no harm.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import lgamma

import numpy as np
from scipy.special import log_ndtr, ndtr

from mlperf_stats.stats.expected_score import check_scoring
from mlperf_stats.stats.sample import FloatArray, SampleLike, check_count, check_sample

_GRID = np.linspace(-6.0, 6.0, 241)
"""The trapezoid rule on this grid integrates densities of normal order statistics to 1e-4."""


def score_variance(sets: Sequence[SampleLike], runs: int, dropped: int) -> tuple[float | None, int]:
    """Relative variance of a score of ``runs`` runs with ``dropped`` off each side, and its df.

    Args:
        sets: Times of the runs of each system, each of shape (n,), positive, any unit; n may differ from
            ``runs``, sets of one run tell nothing. Log times should vary by less than a half.
        runs: N of the score.
        dropped: m of the score.

    Returns:
        The variance, None without degrees of freedom, and n − 2m − 1 summed over sets (n − 1 for sets
        too small to drop from).

    Raises SampleError, TooFewRunsError (an empty set), StatisticsError (nothing would be kept).
    """
    runs, dropped = check_scoring(runs, dropped)
    squares, total_df = 0.0, 0
    for times in sets:
        logs = np.log(check_sample(times, positive=True))
        variance, df = winsorised_variance(logs, dropped)
        squares += df * variance
        total_df += df
    if not total_df:
        return None, 0
    return olympic_deviation(runs, dropped) ** 2 * squares / total_df, total_df


def winsorised_variance(ordered: FloatArray, dropped: int) -> tuple[float, int]:
    """Kernel: ascending values (n,), n ≥ 1 → variance, unbiased for normal ones, and its df."""
    if ordered.size < 2 * dropped + 2:
        dropped = 0
    if ordered.size < 2:
        return 0.0, 0
    pulled = np.clip(ordered, ordered[dropped], ordered[ordered.size - 1 - dropped])
    squares = float(np.sum((pulled - pulled.mean()) ** 2))
    return squares / _normal_squares(ordered.size, dropped), ordered.size - 2 * dropped - 1


@lru_cache(maxsize=64)
def olympic_deviation(runs: int, dropped: int) -> float:
    """Standard deviation of the mean of what is left of ``runs`` standard normals without the ``dropped``
    smallest and largest.

    The variance is the mean, over the innermost dropped values, of a truncated normal's variance and squared
    mean. Raises StatisticsError: nothing would be kept.
    """
    runs, dropped = check_scoring(runs, dropped)
    if dropped == 0:
        return float(runs**-0.5)
    kept = runs - 2 * dropped
    _, _, weight, mean, variance = _between_order_statistics(dropped - 1, kept)
    return float(np.sqrt(weight @ (variance / kept + mean**2)))


@lru_cache(maxsize=256)
def _normal_squares(runs: int, dropped: int) -> float:
    """Expected winsorised sum of squares of standard normals, given the outermost kept values a < b."""
    inner = check_count(runs - 2 * dropped - 2, minimum=0, what="runs kept")
    a, b, weight, mean, variance = _between_order_statistics(dropped, inner)
    ends = dropped + 1
    total = ends * (a + b) + inner * mean
    squares = ends * (a**2 + b**2) + inner * (variance + mean**2)
    return float(weight @ (squares - (total**2 + inner * variance) / runs))


@lru_cache(maxsize=256)
def _between_order_statistics(
    outside: int, inner: int
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]:
    """Order statistics a ≤ b of standard normals with ``outside`` values beyond each, ``inner`` between.

    Returns a, b, their probabilities, and mean and variance of a value between them, each of shape (k,).
    """
    below, above = np.triu_indices(_GRID.size)
    a, b = _GRID[below], _GRID[above]
    # Where a = b nothing lies between: the weight is 0, or the moments are of no account.
    mass = np.maximum(ndtr(b) - ndtr(a), np.finfo(np.float64).tiny)
    density_a, density_b = (np.exp(-(edge**2) / 2) / np.sqrt(2 * np.pi) for edge in (a, b))
    mean = (density_a - density_b) / mass
    variance = 1.0 + (a * density_a - b * density_b) / mass - mean**2
    log_weight = (
        lgamma(2 * outside + inner + 3)
        - 2 * lgamma(outside + 1)
        - lgamma(inner + 1)
        + outside * (log_ndtr(a) + log_ndtr(-b))
        + inner * np.log(mass)
    )
    weight = np.exp(log_weight) * density_a * density_b * np.where(below == above, 0.5, 1.0)
    return a, b, weight / weight.sum(), mean, variance
