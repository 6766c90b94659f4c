"""Simultaneous comparisons against exact laws, published figures and their own definitions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import studentized_range, ttest_ind, ttest_ind_from_stats

from mlperf_stats.errors import StatisticsError
from mlperf_stats.stats.equivalence import equivalence_p_values
from mlperf_stats.stats.log_means import LogMean, log_mean
from mlperf_stats.stats.rank_sets import rank_sets
from mlperf_stats.stats.simultaneous import (
    Multiplicity,
    SharedError,
    compare_means,
    from_normal_scores,
    normal_scores,
)

ONE = np.array([(0, 1)])
FIRST, SECOND = (10.0, 11.0, 12.5, 10.5, 11.2), (12.0, 13.5, 12.8, 14.1)


def all_pairs(count: int) -> np.ndarray:
    return np.array([(i, j) for i in range(count) for j in range(i + 1, count)])


def test_one_pair_is_welch() -> None:
    (found,) = compare_means([log_mean(FIRST), log_mean(SECOND)], ONE)
    reference = ttest_ind(np.log(FIRST), np.log(SECOND), equal_var=False)
    limits = np.exp(reference.confidence_interval(0.95))
    assert found.p_value == found.p_adjusted == pytest.approx(reference.pvalue, rel=1e-9)
    assert (found.low, found.high) == pytest.approx(tuple(limits), rel=1e-9)


def test_equal_variances_and_sizes_give_tukeys_limit() -> None:
    """One variance known to 60 df per mean: the studentised range of five means with all 300 df, nearly.

    The estimated variances are separate here, so that the limit lies between those for 120 and 300 df.
    """
    means = [LogMean(0.0, 1e-4, 60.0, 5e-4, 5)] * 5
    found = compare_means(means, all_pairs(5))
    limit = math.log(found[0].high) / math.sqrt(2e-4)
    exact = studentized_range.ppf(0.95, 5, 120) / math.sqrt(2)
    assert limit == pytest.approx(exact, rel=0.02)
    assert all(one.high == pytest.approx(found[0].high) for one in found)


def test_intervals_and_adjusted_p_values_agree() -> None:
    rng = np.random.default_rng(3)
    means = [log_mean(np.exp(rng.normal(0.05 * k, 0.05, 9))) for k in range(5)]
    for one in compare_means(means, all_pairs(5)):
        assert (one.p_adjusted <= 0.05) == (one.low > 1 or one.high < 1)
        assert one.p_adjusted >= one.p_value


def test_few_degrees_of_freedom_bring_bonferronis_exact_limit() -> None:
    """Sets of three runs: intervals and adjusted p values agree there too, and no limit is beyond both."""
    rng = np.random.default_rng(11)
    pairs = all_pairs(12)
    agreed = 0
    for _ in range(6):
        means = [log_mean(np.exp(rng.normal(0.1 * k, 0.03, 3))) for k in range(12)]
        plain = compare_means(means, pairs, multiplicity=Multiplicity.HOLM)
        for one, bonferroni in zip(compare_means(means, pairs), plain, strict=True):
            assert one.high >= bonferroni.high * (1 - 1e-12)
            # At the border the simulated limit lies between two draws.
            if not 0.0499 < one.p_adjusted < 0.0502:
                assert (one.p_adjusted <= 0.05) == (one.low > 1 or one.high < 1)
                agreed += one.p_adjusted <= 0.05
    assert agreed > 50


def test_holm_is_bonferroni_for_the_smallest_p() -> None:
    rng = np.random.default_rng(4)
    means = [log_mean(np.exp(rng.normal(0.03 * k, 0.05, 6))) for k in range(4)]
    found = compare_means(means, all_pairs(4), multiplicity=Multiplicity.HOLM)
    smallest = min(found, key=lambda one: one.p_value)
    assert smallest.p_adjusted == pytest.approx(min(1.0, 6 * smallest.p_value))


def test_swapping_a_pair_inverts_its_ratio() -> None:
    means = [log_mean(FIRST), log_mean(SECOND)]
    (one,), (other,) = compare_means(means, ONE), compare_means(means, ONE[:, ::-1])
    assert one.ratio * other.ratio == pytest.approx(1)
    assert one.low * other.high == pytest.approx(1)
    assert one.faster + other.faster == pytest.approx(1)


def test_shared_errors_cancel_within_a_group() -> None:
    """The error of a reference point moves all results at its batch size alike."""
    means = [LogMean(0.0, 1e-4, 9.0, 1e-3, 10), LogMean(0.05, 1e-4, 9.0, 1e-3, 10)]
    together = SharedError((0, 0), (1e-2,), (9.0,))
    apart = SharedError((0, 1), (1e-2, 1e-2), (9.0, 9.0))
    (without,) = compare_means(means, ONE)
    assert compare_means(means, ONE, shared=together)[0].high == pytest.approx(without.high)
    (wider,) = compare_means(means, ONE, shared=apart)
    assert wider.high > without.high
    reference = ttest_ind_from_stats(0, math.sqrt(10 * 1.01e-2), 10, 0.05, math.sqrt(10 * 1.01e-2), 10)
    assert wider.p_value == pytest.approx(reference.pvalue, abs=0.01)


@pytest.mark.parametrize("multiplicity", list(Multiplicity))
def test_unknown_spread_has_no_limits_and_stays_out_of_the_family(multiplicity: Multiplicity) -> None:
    single = log_mean([10.0])
    assert single.df == 0
    known = [log_mean(FIRST), log_mean(SECOND)]
    found = compare_means([*known, single], all_pairs(3), multiplicity=multiplicity)
    alone = compare_means(known, ONE)[0]
    assert (found[0].low, found[0].high) == pytest.approx((alone.low, alone.high))
    for one in found[1:]:
        assert (one.low, one.high, one.p_adjusted) == (0.0, math.inf, 1.0)
        assert (one.faster, one.faster_low, one.faster_high) == (0.5, 0.0, 1.0)
        assert (one.p_value, one.equivalence_p, one.equivalence_p_adjusted) == (1.0, 1.0, 1.0)
    assert found[0].equivalence_p_adjusted == pytest.approx(alone.equivalence_p)


@pytest.mark.parametrize("multiplicity", list(Multiplicity))
def test_two_single_runs_show_nothing(multiplicity: Multiplicity) -> None:
    (found,) = compare_means([log_mean([10.0]), log_mean([20.0])], ONE, multiplicity=multiplicity)
    assert (found.p_value, found.p_adjusted) == (1.0, 1.0)
    assert (found.equivalence_p, found.equivalence_p_adjusted) == (1.0, 1.0)


@pytest.mark.filterwarnings("error")
def test_a_ratio_beyond_all_numbers_is_infinite() -> None:
    wide = LogMean(0.0, 100.0, 1.0, 200.0, 2)
    (found,) = compare_means([wide, wide], ONE, level=0.99999)
    assert (found.low, found.high) == (0.0, math.inf)


def test_normal_scores_invert_and_are_close_to_exact() -> None:
    """Wallace 1959: t = 2.228 is the 97.5 % point for 10 df, the normal one is 1.960."""
    statistics, dfs = np.array([0.5, 2.228, 8.0]), np.array([3.0, 10.0, 5.0])
    scores = normal_scores(statistics, dfs)
    assert scores[1] == pytest.approx(1.960, abs=2e-3)
    assert from_normal_scores(scores, dfs) == pytest.approx(statistics)


def test_equivalence_is_two_one_sided_tests() -> None:
    """Difference 0.01, error 0.004, margin 0.02: t = −2.5 on 12 df, P(t₁₂ ≤ −2.5) = .0140."""
    p = equivalence_p_values(np.array([0.01]), np.array([0.004]), np.array([12.0]), 0.02)
    assert p[0] == pytest.approx(0.0140, abs=5e-5)
    normal = equivalence_p_values(np.array([0.0]), np.array([0.01]), np.array([np.inf]), 0.02)
    assert normal[0] == pytest.approx(0.02275, abs=1e-5)
    unknown = equivalence_p_values(np.zeros(1), np.array([np.inf]), np.array([np.inf]), 0.02)
    assert unknown[0] == 1.0
    with pytest.raises(StatisticsError, match="margin"):
        equivalence_p_values(np.zeros(1), np.ones(1), np.ones(1), 0.0)


def test_chance_of_a_faster_run_is_covered() -> None:
    """Log times with sd .04 and .08, 3 % apart: Φ(.03 / √(.04² + .08²)) = .631; 300 seeded repetitions."""
    true, rng, hits = 0.6314, np.random.default_rng(8), 0
    for _ in range(300):
        first, second = rng.normal(0, 0.04, 6), rng.normal(0.03, 0.08, 6)
        (found,) = compare_means([log_mean(np.exp(first)), log_mean(np.exp(second))], ONE)
        hits += found.faster_low <= true <= found.faster_high
    assert 0.925 <= hits / 300 <= 0.985


def test_rank_sets() -> None:
    """1 is faster than 2 and 3, nothing else is shown: 0 may be anything."""
    assert rank_sets(4, [(1, 2), (1, 3)]) == [(1, 4), (1, 2), (2, 4), (2, 4)]
    assert rank_sets(3, [(0, 1), (0, 2), (1, 2)]) == [(1, 1), (2, 2), (3, 3)]
    with pytest.raises(StatisticsError):
        rank_sets(2, [(0, 1), (1, 0)])


@pytest.mark.parametrize(
    "pairs", [np.zeros((0, 2), int), np.array([(0, 0)]), np.array([(0, 5)]), np.arange(2)]
)
def test_pairs_that_are_none(pairs: np.ndarray) -> None:
    with pytest.raises(StatisticsError):
        compare_means([log_mean(FIRST), log_mean(SECOND)], pairs)
