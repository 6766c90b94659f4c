"""Exact one-sided rank-sum test, whatever the ties.

Under the hypothesis that both samples come from one law, every split of the pooled values is equally
likely, so the null distribution of the first sample's rank sum follows from the pooled ranks alone. It
is counted here, not approximated: doubled mid-ranks are whole numbers, and the number of subsets with
each sum follows by adding one value at a time. Values on a grid need no correction.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mlperf_stats.errors import SampleError, TooFewRunsError
from mlperf_stats.stats.sample import FloatArray, SampleLike


def rank_sum_p_value(sample: SampleLike, reference: SampleLike) -> float:
    """P(rank sum as small as seen or smaller) if ``sample`` and ``reference`` had one law.

    Small p: the values of ``sample`` are smaller. Shapes (n,) and (m,), any unit; ``+inf`` is a value like
    others (a run that did not converge). Never below 1 / C(n + m, n); the size never exceeds the level.
    Raises SampleError (NaN, -inf, shape), TooFewRunsError (an empty sample).
    Source: Wilcoxon 1945; conditional on ties, Lehmann 1975.
    """
    first, second = _values(sample, "sample"), _values(reference, "reference")
    doubled = _doubled_mid_ranks(np.concatenate([first, second]))
    counts = _subset_counts(tuple(sorted(doubled.tolist())), first.size)
    seen = int(doubled[: first.size].sum())
    return float(min(1.0, counts[: seen + 1].sum() / math.comb(doubled.size, first.size)))


@lru_cache(maxsize=256)
def rank_sum_critical_pairs(n: int, m: int, alpha: float) -> int:
    """Fewest of the n·m pairs with sample < reference that reject, without ties; n·m + 1 if none can."""
    counts = _subset_counts(tuple(range(2, 2 * (n + m) + 1, 2)), n)
    shares = counts[n * (n + 1) :: 2].cumsum() / math.comb(n + m, n)
    # shares[u] is P(U ≤ u) for U = pairs with sample > reference, so n·m - u pairs are the other way round.
    return n * m + 1 - int(np.searchsorted(shares, alpha, side="right"))


@lru_cache(maxsize=64)
def _subset_counts(doubled_ranks: tuple[int, ...], size: int) -> FloatArray:
    """How many subsets of ``size`` ranks have each sum, shape (largest sum + 1,)."""
    ways = np.zeros((size + 1, sum(doubled_ranks[-size:]) + 1))
    ways[0, 0] = 1.0
    for number, rank in enumerate(doubled_ranks, start=1):
        largest = sum(doubled_ranks[max(0, number - size) : number])
        # Larger subsets first, so that a rank is never counted twice; whole rows stay in the cache.
        for count in range(min(number, size), 0, -1):
            ways[count, rank : largest + 1] += ways[count - 1, : largest + 1 - rank]
    counts: FloatArray = ways[size].copy()
    counts.setflags(write=False)
    return counts


def _doubled_mid_ranks(values: FloatArray) -> NDArray[np.int64]:
    """Twice the rank of each value, from 1; values that tie have the mean of their ranks."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((2 * counts.cumsum() - counts + 1)[place], dtype=np.int64)


def _values(values: SampleLike, what: str) -> FloatArray:
    vector = np.array(values, dtype=np.float64)
    if vector.ndim != 1 or np.isnan(vector).any() or np.isneginf(vector).any():
        raise SampleError(f"{what}: one number (or +inf) per run is needed, without NaN")
    if vector.size == 0:
        raise TooFewRunsError(f"{what}: at least 1 value needed, got none; measure a run")
    return vector
