"""Tests for screening many sets of runs, with the error of all of them together under control."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from scipy.special import stdtr

from mlperf_stats.stats.rank_sum import rank_sum_p_value
from mlperf_stats.stats.sample import FloatArray, SampleLike, as_vector, check_sample

_FEWEST_PEERS = 4

_WORTH_RANKING = 0.01
"""A p value above this matters to no screening; the second test is left out."""

_RANKED_EXACTLY_TO = 200
"""Pooled values up to which the rank-sum law is counted, which takes long for more."""

_EXACT_TO = 170
"""Runs up to which the numbers of permutations fit a float; beyond, Kendall's S is as good as normal."""


def trend_p_value(values: SampleLike) -> float:
    """Two-sided p of Kendall's test: do values (n,) in order of launch rise or fall?

    Exact without ties, whatever the law; pairs that tie count for neither side and the law without ties
    is used, which makes the test less sensitive, never too much so. 1 below three values.
    Raises SampleError. Source: Mann 1945; Kendall 1938.
    """
    vector = as_vector(values, "values")
    n = vector.size
    if n < 3:
        return 1.0
    signs = np.sign(np.subtract.outer(vector, vector))
    score = abs(int(np.tril(signs).sum()))
    if n > _EXACT_TO:
        spread = math.sqrt(n * (n - 1) * (2 * n + 5) / 18)
        return math.erfc(max(score - 1, 0) / spread / math.sqrt(2))
    # S = pairs - 2 · inversions, so |S| ≥ score is at most so many inversions, or as many non-inversions.
    fewest = (n * (n - 1) // 2 - score) // 2
    return float(min(1.0, 2 * _inversion_law(n)[: fewest + 1].sum()))


@lru_cache(maxsize=256)
def _inversion_law(n: int) -> FloatArray:
    """Probability of each number of inversions of a random permutation, shape (n(n-1)/2 + 1,)."""
    law = np.ones(1)
    for added in range(2, n + 1):
        law = np.convolve(law, np.full(added, 1 / added))
    law.setflags(write=False)
    return law


def low_among_peers_p_value(values: SampleLike, peers: Sequence[SampleLike]) -> float:
    """One-sided p of a set of positive values (n,) that lies as low among its peers' sets.

    The larger of two p values, so that it holds where either does: the prediction t test of the mean
    logarithm among the peers' (sets differ by more than their runs say), and the rank-sum test against
    all runs of the peers (laws are discrete or skewed). 1 with fewer than four peers, or with peers whose
    means all agree: then nothing is known of how much sets differ. Raises SampleError.
    """
    own = np.log(check_sample(values, positive=True))
    others = [np.log(check_sample(peer, positive=True)) for peer in peers]
    means = np.array([peer.mean() for peer in others])
    spread = float(means.std(ddof=1)) if means.size > 1 else 0.0
    if means.size < _FEWEST_PEERS or spread == 0.0:
        return 1.0
    statistic = (float(own.mean()) - float(means.mean())) / (spread * math.sqrt(1 + 1 / means.size))
    between = float(stdtr(means.size - 1, statistic))
    if between > _WORTH_RANKING:
        return between
    return max(between, _pooled_rank_p_value(own, np.concatenate(others)))


def _pooled_rank_p_value(own: FloatArray, pooled: FloatArray) -> float:
    if pooled.size <= _RANKED_EXACTLY_TO:
        return rank_sum_p_value(own, pooled)
    # Loading this module takes longer than most questions that need nothing of it but Holm's procedure.
    from scipy.stats import mannwhitneyu

    return float(mannwhitneyu(own, pooled, alternative="less", method="asymptotic").pvalue)


def holm(p_values: Sequence[float], tests: int | None = None) -> list[float]:
    """Holm's adjusted p values, in the order given: those ≤ α hold with family-wise error α.

    ``tests``: size of the family, if some of its (larger) p values are left out. Source: Holm 1979.
    """
    count = len(p_values) if tests is None else tests
    adjusted = [1.0] * len(p_values)
    running = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        running = max(running, min(1.0, (count - rank) * p_values[index]))
        adjusted[index] = running
    return adjusted
