"""The exact rank-sum test against enumeration and SciPy."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from scipy.stats import mannwhitneyu, rankdata

from mlperf_stats.errors import SampleError, TooFewRunsError
from mlperf_stats.stats.rank_sum import rank_sum_critical_pairs, rank_sum_p_value


@pytest.mark.parametrize(("n", "m"), [(3, 6), (5, 10), (10, 20), (40, 88)])
def test_equals_scipy_without_ties(n: int, m: int) -> None:
    rng = np.random.default_rng(n)
    first, second = rng.normal(size=n), rng.normal(0.3, size=m)
    expected = mannwhitneyu(first, second, alternative="less", method="exact").pvalue
    assert rank_sum_p_value(first, second) == pytest.approx(expected)


def test_equals_enumeration_with_ties_and_infinity() -> None:
    first, second = [1.0, 2.0, 2.0, math.inf], [1.0, 2.0, 3.0, 3.0, math.inf]
    ranks = rankdata(first + second)
    sums = [ranks[list(chosen)].sum() for chosen in combinations(range(9), 4)]
    expected = np.mean(np.array(sums) <= ranks[:4].sum())
    assert rank_sum_p_value(first, second) == pytest.approx(expected)


def test_smallest_p_value_is_one_split() -> None:
    assert rank_sum_p_value([1, 1.5, 2], [3, 4, 5, 6, 7, 8]) == pytest.approx(1 / math.comb(9, 3))
    assert rank_sum_p_value([2, 2], [2, 2, 2]) == 1.0


def test_size_never_exceeds_the_level_on_a_grid() -> None:
    """A law on three epochs: rejecting at p ≤ 0.05 happens at most so often (2 000 repetitions)."""
    rng = np.random.default_rng(7)
    draws = rng.choice([19, 20, 21], p=[0.2, 0.6, 0.2], size=(2000, 15))
    rate = np.mean([rank_sum_p_value(row[:5], row[5:]) <= 0.05 for row in draws])
    assert 0.005 < rate <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / 2000)


def test_critical_pairs_agree_with_p_values() -> None:
    """5 v. 10: the fewest pairs that reject have p ≤ 0.05, one pair fewer has not."""
    need = rank_sum_critical_pairs(5, 10, 0.05)
    reference = np.arange(10) + 0.5
    by_pairs = {}
    for chosen in combinations(range(11), 5):
        sample = np.array(chosen, dtype=float) - 0.1 * np.arange(5)
        by_pairs[int((sample[:, None] < reference).sum())] = rank_sum_p_value(sample, reference)
    assert by_pairs[need] <= 0.05 < by_pairs[need - 1]
    assert rank_sum_critical_pairs(1, 3, 0.05) == 4  # 1/4 is the smallest p: never


@pytest.mark.parametrize(
    ("sample", "error"), [([], TooFewRunsError), ([math.nan], SampleError), ([[1]], SampleError)]
)
def test_unusable_samples(sample: list[float], error: type[Exception]) -> None:
    with pytest.raises(error):
        rank_sum_p_value(sample, [1, 2])
