"""Lognormal fits to times known from one or two sides only, and the brackets they are fitted to."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from mlperf_stats.errors import SampleError, StatisticsError, TooFewRunsError
from mlperf_stats.stats.censored_lognormal import (
    censored_lognormal_interval,
    fit_lognormal,
    interval_censored_interval,
)
from mlperf_stats.stats.lognormal_likelihood import log_likelihood
from mlperf_stats.stats.t_log import geometric_mean_interval
from mlperf_stats.stats.target_brackets import target_bracket

RNG = np.random.default_rng(21)
TIMES = RNG.lognormal(3, 0.25, size=12)


def test_exact_times_give_the_t_interval() -> None:
    profile, t = interval_censored_interval(TIMES, TIMES), geometric_mean_interval(TIMES)
    assert (profile.low, profile.estimate, profile.high) == pytest.approx(
        (t.low, t.estimate, t.high), rel=1e-6
    )
    assert fit_lognormal(TIMES, TIMES).sigma == pytest.approx(np.log(TIMES).std(), rel=1e-4)


def test_right_censored_fit_equals_scipy() -> None:
    marks = np.sort(TIMES)[8] > TIMES
    watched = np.minimum(TIMES, np.sort(TIMES)[8])
    sigma, _, scale = stats.lognorm.fit(stats.CensoredData.right_censored(watched, ~marks), floc=0)
    found = fit_lognormal(watched, np.where(marks, watched, np.inf))
    assert (found.median, found.sigma) == pytest.approx((scale, sigma), rel=1e-4)
    assert (found.runs, found.bounded) == (12, 8)
    assert censored_lognormal_interval(watched, marks).warnings == ("censored-runs",)


def test_interval_censored_fit_equals_scipy() -> None:
    lower = 4 * np.floor(TIMES / 4)
    theirs = stats.CensoredData(interval=np.column_stack([lower, lower + 4]))
    sigma, _, scale = stats.lognorm.fit(theirs, floc=0)
    found = fit_lognormal(lower, lower + 4)
    assert (found.median, found.sigma) == pytest.approx((scale, sigma), rel=1e-4)


def test_likelihood_keeps_its_digits_far_in_the_tail() -> None:
    # log(Φ(-20) - Φ(-21)) = log Φ(-20) + log1p(-Φ(-21)/Φ(-20)), and the mirror image.
    expected = stats.norm.logcdf(-20) + math.log1p(-math.exp(stats.norm.logcdf(-21) - stats.norm.logcdf(-20)))
    for lower, upper in ((20.0, 21.0), (-21.0, -20.0)):
        found = log_likelihood(np.array([lower]), np.array([upper]), np.zeros(1), np.zeros(1))
        assert found[0] == pytest.approx(expected, rel=1e-12)


def test_all_runs_between_the_same_evaluations() -> None:
    found = interval_censored_interval([20] * 5, [24] * 5)
    assert found.estimate == pytest.approx(math.sqrt(20 * 24))
    assert found.low <= 20 < 24 <= found.high < 30
    assert found.warnings == ("spread-not-identified",)


def test_two_neighbouring_intervals_leave_the_spread_open() -> None:
    found = interval_censored_interval([16] * 5 + [20] * 5, [20] * 5 + [24] * 5)
    assert found.estimate == pytest.approx(20, rel=1e-3)
    assert found.low < 19 < 21 < found.high
    assert found.warnings == ("spread-not-identified",)


def test_equal_exact_times_have_no_spread_to_fit() -> None:
    found = interval_censored_interval([5, 5, 4], [5, 5, math.inf])
    assert (found.low, found.high) == pytest.approx((5, 5))
    assert found.warnings == ("zero-variance", "censored-runs")


def test_all_censored_is_refused_where_scipy_returns_a_fit() -> None:
    with pytest.raises(StatisticsError, match="no run got there"):
        fit_lognormal([5, 6, 7], [math.inf] * 3)
    with pytest.raises(StatisticsError, match="no run got there"):
        censored_lognormal_interval([5, 6, 7], [False] * 3)


def test_fits_that_do_not_exist_are_refused() -> None:
    with pytest.raises(TooFewRunsError, match="2 runs with a finite upper bound"):
        fit_lognormal([5, 6], [5, math.inf])
    with pytest.raises(StatisticsError, match="first evaluation"):
        fit_lognormal([0, 0], [4, 4])
    with pytest.raises(StatisticsError, match="no maximum"):
        fit_lognormal([5, 4], [5, 7])


@pytest.mark.parametrize(
    ("lower", "upper"),
    [([4], [3]), ([math.nan, 1], [2, 2]), ([-1, 1], [2, 2]), ([1, 1], [2]), ([0, 1], [0, 2]), (["x"], [1])],
)
def test_bounds_that_are_none_are_refused(lower: list[float], upper: list[float]) -> None:
    with pytest.raises(SampleError):
        interval_censored_interval(lower, upper)


def test_bracket_lies_between_two_evaluations() -> None:
    points, accuracy = [4, 8, 12, 16], [0.61, 0.70, 0.74, 0.76]
    assert target_bracket(points, accuracy, 0.72) == (8, 12)
    assert target_bracket(points, accuracy, 0.74) == (8, 12)
    assert target_bracket(points, accuracy, 0.5) == (0, 4)
    assert target_bracket(points, accuracy, 0.5, start=1) == (1, 4)
    assert target_bracket(points, accuracy, 0.8) == (16, math.inf)
    assert target_bracket([], [], 0.8) == (0, math.inf)


def test_bracket_is_of_the_first_time_that_it_was_reached() -> None:
    assert target_bracket([1, 2, 3], [0.9, 0.7, 0.9], 0.8) == (0, 1)


def test_bracket_of_a_loss_falls() -> None:
    assert target_bracket([1, 2, 3], [9.0, 3.3, 2.0], 3.4, higher_is_better=False) == (1, 2)


@pytest.mark.parametrize(
    ("points", "values"), [([2, 1], [1, 2]), ([0, 1], [1, 2]), ([1, 2], [1]), ([1, 2], [1, math.nan])]
)
def test_curves_that_are_none_are_refused(points: list[float], values: list[float]) -> None:
    with pytest.raises(SampleError):
        target_bracket(points, values, 0.5)


def test_bracket_needs_a_finite_target() -> None:
    with pytest.raises(StatisticsError, match="finite"):
        target_bracket([1], [1], math.nan)
