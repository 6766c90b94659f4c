"""Intervals for the expected olympic mean, and the L-statistics under them."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from scipy import integrate, stats

from mlperf_stats.errors import StatisticsError, TooFewRunsError
from mlperf_stats.stats.expected_score import expected_score_interval
from mlperf_stats.stats.l_statistics import (
    influence_standard_error,
    lognormal_score_shift,
    quantile_weight,
    unbiased_weights,
)
from mlperf_stats.stats.t_log import geometric_mean_interval
from mlperf_stats.stats.tukey_mclaughlin import tukey_mclaughlin_interval

TIMES = [20.3, 19.1, 22.8, 20.9, 21.4]


def olympic(times: np.ndarray, dropped: int) -> float:
    ordered = np.sort(times)
    return float(ordered[dropped : len(ordered) - dropped].mean())


def test_unbiased_weights_average_over_all_subsets() -> None:
    times = np.sort(np.random.default_rng(1).lognormal(size=9))
    subsets = [olympic(np.array(chosen), 1) for chosen in combinations(times, 5)]
    assert times @ unbiased_weights(9, 5, 1) == pytest.approx(np.mean(subsets), rel=1e-13)


def test_at_n_equal_runs_the_estimate_is_the_olympic_mean() -> None:
    found = expected_score_interval(TIMES, runs=5)
    assert found.estimate == pytest.approx((20.3 + 20.9 + 21.4) / 3, rel=1e-14)
    assert found.low < found.estimate < found.high


@pytest.mark.parametrize(("runs", "dropped"), [(1, 0), (3, 1), (5, 1), (10, 1), (40, 4), (10, 0)])
def test_quantile_weight_integrates_to_one(runs: int, dropped: int) -> None:
    total, _ = integrate.quad(lambda u: float(quantile_weight(np.array(u), runs, dropped)), 0, 1)
    assert total == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize(("runs", "dropped", "sigma"), [(3, 1, 0.05), (5, 1, 0.25), (10, 2, 1.0)])
def test_lognormal_shift_is_the_mean_of_kept_order_statistics(runs: int, dropped: int, sigma: float) -> None:
    def kept(rank: int) -> float:
        def integrand(z: float) -> float:
            density = stats.beta.pdf(stats.norm.cdf(z), rank, runs + 1 - rank)
            return float(np.exp(sigma * z) * density * stats.norm.pdf(z))

        return integrate.quad(integrand, -8, 9, limit=200)[0]

    expected = np.mean([kept(rank) for rank in range(dropped + 1, runs - dropped + 1)])
    shift = lognormal_score_shift(np.array(sigma), runs, dropped)
    assert np.exp(shift) == pytest.approx(expected, rel=1e-8)


def test_nothing_dropped_gives_the_lognormal_mean() -> None:
    assert lognormal_score_shift(np.array(0.3), 7, 0) == pytest.approx(0.3**2 / 2, rel=1e-10)


def test_lognormal_pivot_is_the_shifted_t_interval() -> None:
    # One standard deviation of log time shifts the expected score of 5 runs by about sigma²·0.233.
    base, found = geometric_mean_interval(TIMES), expected_score_interval(TIMES, runs=5)
    sigma = np.std(np.log(TIMES), ddof=1)
    shift = float(np.exp(lognormal_score_shift(sigma, 5, 1)))
    assert (found.low, found.high) == pytest.approx((base.low * shift, base.high * shift), rel=1e-13)
    assert shift == pytest.approx(1 + 0.233 * sigma**2, abs=1e-5)
    assert found.method == "lognormal-pivot"


def test_influence_of_the_mean_is_its_standard_error() -> None:
    # With nothing dropped of any number of runs the L-statistic is the mean.
    times = np.sort(np.random.default_rng(2).lognormal(size=30))
    error = influence_standard_error(times, 10, 0)
    assert error == pytest.approx(times.std(ddof=1) / np.sqrt(30), rel=1e-12)


def test_twenty_runs_use_the_l_statistic_for_any_official_number() -> None:
    times = np.random.default_rng(4).lognormal(3, 0.1, size=25)
    for runs, dropped in ((5, 1), (25, 1), (40, 4)):
        found = expected_score_interval(times, runs, dropped)
        assert found.method == "l-statistic"
        assert found.low < found.estimate < found.high


def test_fewer_runs_than_the_official_number_are_allowed() -> None:
    found = expected_score_interval(TIMES[:3], runs=10)
    assert found.low < found.estimate < found.high
    assert found.estimate > geometric_mean_interval(TIMES[:3]).estimate


def test_narrower_than_tukey_mclaughlin_at_five_runs() -> None:
    # Single samples may go the other way; the mean must not (16.3 % against 11.7 %).
    rng = np.random.default_rng(5)
    ratios = []
    for _ in range(200):
        times = rng.lognormal(3, 0.05, size=5)
        ours, theirs = expected_score_interval(times, 5), tukey_mclaughlin_interval(times)
        ratios.append((ours.high - ours.low, theirs.high - theirs.low))
    ours_mean, theirs_mean = np.mean(ratios, axis=0)
    assert ours_mean < 0.8 * theirs_mean


def test_tukey_mclaughlin_by_hand() -> None:
    # Winsorised (2, 2, 3, 4, 4): mean 3, variance 1; error 1·√5/3; t(.975; 2) = 4.302653.
    found = tukey_mclaughlin_interval([1, 2, 3, 4, 9], dropped=1)
    assert found.estimate == pytest.approx(3)
    assert found.high - found.estimate == pytest.approx(4.3026527 * np.sqrt(5) / 3, rel=1e-7)


def test_tukey_mclaughlin_without_dropping_is_students_t() -> None:
    low, high = stats.t.interval(0.9, 4, loc=np.mean(TIMES), scale=stats.sem(TIMES))
    found = tukey_mclaughlin_interval(TIMES, dropped=0, level=0.9)
    assert (found.low, found.high) == pytest.approx((low, high), rel=1e-13)


def test_tukey_mclaughlin_needs_two_kept_runs() -> None:
    with pytest.raises(TooFewRunsError, match="needs 4 runs, got 3"):
        tukey_mclaughlin_interval([1, 2, 3], dropped=1)


@pytest.mark.parametrize(("runs", "dropped"), [(2, 1), (0, 0), (5, -1), (5.0, 1), (True, 0)])
def test_scoring_that_keeps_no_run_is_refused(runs: int, dropped: int) -> None:
    with pytest.raises(StatisticsError):
        expected_score_interval(TIMES, runs, dropped)


def test_absurd_spread_stays_a_number() -> None:
    found = expected_score_interval([1, 2, 1e200], runs=5)
    assert 0 <= found.low <= found.estimate <= found.high
