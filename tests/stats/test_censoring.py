"""Runs that did not converge: survival curve, median, restricted mean, convergence probability."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from mlperf_stats.errors import SampleError, StatisticsError, TooFewRunsError
from mlperf_stats.stats.censored_order_statistics import censored_median_interval
from mlperf_stats.stats.kaplan_meier import kaplan_meier_median
from mlperf_stats.stats.order_statistics import median_interval
from mlperf_stats.stats.proportions import convergence_probability, invalid_probability
from mlperf_stats.stats.restricted_mean import restricted_mean, restricted_mean_interval
from mlperf_stats.stats.survival import survival_curve

# Up to day 10 the survival data of Walton et al. (lifelines' `waltons`) have these times alone; the
# other 30 (157) animals lived longer. Group miR-137: 6, 9, 9, 9; all: 6, 7, 7 (censored), 9, 9, 9.
MIR137 = [6, 9, 9, 9] + [11] * 30
ALL = [6, 7, 7, 9, 9, 9] + [11] * 157
ALL_MARKS = [True, True, False, True, True, True] + [False] * 157


def test_curve_by_hand() -> None:
    # At risk 5, 4, 2: 4/5, then 3/5, then 3/5 · 1/2.
    curve = survival_curve([4, 1, 2, 3, 6], [True, True, True, False, False])
    assert curve.times.tolist() == [1, 2, 4]
    assert curve.at_risk.tolist() == [5, 4, 2]
    assert curve.survival == pytest.approx([0.8, 0.6, 0.3])


def test_a_run_stopped_when_another_converges_was_still_at_risk() -> None:
    curve = survival_curve([2, 2, 5], [False, True, True])
    assert curve.at_risk.tolist() == [3, 1]


def test_curve_equals_scipy() -> None:
    rng = np.random.default_rng(8)
    times, stops = rng.lognormal(size=60).round(1) + 0.1, rng.lognormal(0.3, size=60).round(1) + 0.1
    marks = times <= stops
    watched = np.minimum(times, stops)
    peer = stats.ecdf(stats.CensoredData.right_censored(watched, ~marks)).sf
    curve = survival_curve(watched, marks)
    assert peer.evaluate(curve.times) == pytest.approx(curve.survival, rel=1e-12)


@pytest.mark.parametrize("n", [6, 8, 9, 15])
def test_without_censoring_the_limits_are_exact_order_statistics(n: int) -> None:
    times = np.random.default_rng(n).lognormal(size=n)
    found, exact = kaplan_meier_median(times, [True] * n), median_interval(times)
    assert (found.estimate, found.low, found.high) == (exact.estimate, exact.low, exact.high)


def test_median_with_censoring_by_hand() -> None:
    # Survival 5/6, 4/6, then 4/6·2/3 = .44 < ½ at 4.
    found = kaplan_meier_median([1, 2, 3, 4, 5, 6], [True, True, False, True, True, True])
    assert found.estimate == 4
    assert found.warnings == ("censored-runs",)


def test_median_not_reached() -> None:
    found = kaplan_meier_median([1, 5, 5, 5, 5, 5, 5], [True] + [False] * 6)
    assert (found.estimate, found.high) == (math.inf, math.inf)
    assert found.warnings == ("censored-runs", "median-not-reached")


def test_kaplan_meier_of_nothing_but_censoring_is_unbounded_above() -> None:
    found = kaplan_meier_median([5] * 8, [False] * 8)
    assert (found.low, found.high, found.estimate) == (5, math.inf, math.inf)
    assert "all-censored" in found.warnings


def test_runs_stopped_last_leave_the_exact_interval() -> None:
    times, marks = [3, 1, 2, 5, 4, 9, 9, 9], [True] * 5 + [False] * 3
    by_rank, by_curve = censored_median_interval(times, marks), kaplan_meier_median(times, marks)
    assert (by_rank.low, by_rank.high) == (by_curve.low, by_curve.high) == (1, math.inf)
    # Only the lower end can miss: P(no run below the median) = 2^-8.
    assert by_rank.level_attained == 1 - 2**-8
    assert by_rank.estimate == 4.5


def test_all_censored_gives_a_bound_and_its_level() -> None:
    found = censored_median_interval([3, 4, 5], [False] * 3)
    # If the median were below 3, all three runs were above it: probability 2^-3.
    assert (found.estimate, found.low, found.high) == (math.inf, 3, math.inf)
    assert found.level_attained == 0.875
    assert found.warnings == ("level-not-attained", "all-censored", "median-not-reached")


def test_a_run_stopped_early_counts_below_and_above() -> None:
    found = censored_median_interval([1, 2, 3, 4, 5, 6], [False, True, True, True, True, True])
    assert (found.low, found.high) == (1, math.inf)


def test_restricted_mean_meets_the_published_figures() -> None:
    assert restricted_mean(MIR137, [True] * 4 + [False] * 30, 10) == pytest.approx((9.794, 0.123), abs=5e-4)
    assert restricted_mean(ALL, ALL_MARKS, 10) == pytest.approx((9.939, 0.032), abs=5e-4)


def test_restricted_mean_without_censoring_is_a_mean() -> None:
    # min(t, 4) = 1, 2, 4, 4: mean 11/4, population variance 27/16, divided by n = 4.
    mean, error = restricted_mean([1, 2, 7, 5], [True] * 4, 4)
    assert (mean, error) == pytest.approx((2.75, math.sqrt(27 / 16 / 4)))
    found = restricted_mean_interval([1, 2, 7, 5], [True] * 4, 4)
    half = stats.t.ppf(0.975, 3) * math.sqrt(27 / 16 / 3)
    assert found.low == pytest.approx(2.75 - half)
    assert found.high == 4


def test_restricted_mean_beyond_what_was_watched_is_refused() -> None:
    with pytest.raises(StatisticsError, match="watched up to 5"):
        restricted_mean([1, 5], [True, False], 6)
    assert restricted_mean([1, 5], [False, True], 6)[0] == 5
    with pytest.raises(StatisticsError, match="not a time above 0"):
        restricted_mean([1, 5], [True, False], math.nan)


def test_restricted_mean_says_what_it_cannot_know() -> None:
    flat = restricted_mean_interval([5, 5, 5], [False] * 3, 4)
    assert (flat.estimate, flat.low, flat.high) == (4, 4, 4)
    assert flat.warnings == ("all-censored", "zero-variance")
    one = restricted_mean_interval([2], [True], 4)
    assert (one.low, one.high, one.warnings) == (0, 4, ("single-run",))


@pytest.mark.parametrize(
    ("runs", "one_sided", "two_sided"), [(3, 0.632, 0.708), (5, 0.451, 0.522), (10, 0.259, 0.308)]
)
def test_no_failure_bounds(runs: int, one_sided: float, two_sided: float) -> None:
    assert 1 - convergence_probability(runs, runs, 0.90).low == pytest.approx(one_sided, abs=5e-4)
    assert 1 - convergence_probability(runs, runs).low == pytest.approx(two_sided, abs=5e-4)


def test_clopper_pearson_equals_scipy() -> None:
    for converged, runs in ((0, 4), (3, 10), (9, 10), (36, 40)):
        theirs = stats.binomtest(converged, runs).proportion_ci(0.95, method="exact")
        found = convergence_probability(converged, runs)
        assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), rel=1e-10)


@pytest.mark.parametrize(
    ("probability", "runs", "invalid"),
    [(0.05, 3, 0.0072), (0.05, 5, 0.0226), (0.05, 10, 0.0861), (0.1, 10, 0.2639)],
)
def test_invalid_probability(probability: float, runs: int, invalid: float) -> None:
    assert invalid_probability(probability, runs, 1) == pytest.approx(invalid, abs=5e-5)


def test_invalid_probability_at_the_ends() -> None:
    assert invalid_probability(0.0, 40, 4) == 0
    assert invalid_probability(1.0, 40, 4) == 1
    assert invalid_probability(1.0, 3, 3) == 0


def test_counts_that_cannot_be_are_refused() -> None:
    with pytest.raises(StatisticsError, match="cannot have converged"):
        convergence_probability(4, 3)
    with pytest.raises(TooFewRunsError):
        convergence_probability(0, 0)
    with pytest.raises(StatisticsError, match="between 0 and 1"):
        invalid_probability(1.5, 3, 1)


@pytest.mark.parametrize(
    ("times", "marks"),
    [
        ([1, 2], [True]),
        ([1, -2], [True, True]),
        ([1, math.nan], [True, True]),
        ([1, 2], [True, 2]),
        ([[1]], [[1]]),
    ],
)
def test_unusable_samples_are_refused(times: list[float], marks: list[bool]) -> None:
    for function in (survival_curve, kaplan_meier_median, censored_median_interval):
        with pytest.raises(SampleError):
            function(times, marks)
    with pytest.raises(TooFewRunsError):
        survival_curve([], [])
