"""Which method is chosen, and the catalogue of methods."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from mlperf_stats.errors import SampleError, StatisticsError, TooFewRunsError
from mlperf_stats.stats.choice import best
from mlperf_stats.stats.expected_score import expected_score_interval
from mlperf_stats.stats.one_sample import methods

SEVEN = [10, 11.5, 10.2, 12, 10.9, 11.1, 13.0]
LAST_FAILS = [True] * 6 + [False]
ONE_FAILS_EARLY = [True] * 3 + [False] + [True] * 3


@pytest.mark.parametrize(
    ("times", "options", "method"),
    [
        (SEVEN, {}, "hettmansperger-sheather"),
        (SEVEN[:5], {}, "order-statistics"),
        (SEVEN[:5], {"level": 0.9}, "hettmansperger-sheather"),
        ([1], {}, "order-statistics"),
        ([*SEVEN[:6], 12], {}, "order-statistics"),
        (SEVEN, {"convergence_points": [3, 3, 3, 4, 4, 4, 4]}, "order-statistics"),
        (SEVEN, {"convergence_points": [3, 3, 3, 4, 5, 4, 4]}, "hettmansperger-sheather"),
        (SEVEN, {"converged": LAST_FAILS}, "censored-order-statistics"),
        (SEVEN, {"converged": ONE_FAILS_EARLY}, "kaplan-meier"),
        (SEVEN[:5], {"converged": ONE_FAILS_EARLY[:5]}, "censored-order-statistics"),
    ],
)
def test_median(times: list[float], options: dict[str, Any], method: str) -> None:
    assert best(times, "median", **options).interval.method == method


@pytest.mark.parametrize(
    ("options", "method"),
    [
        ({}, "t-log"),
        ({"converged": LAST_FAILS}, "lognormal-profile"),
        ({"convergence_points": [4] * 7}, "t-log"),
        ({"convergence_points": [4] * 7, "evaluation_step": 1}, "tied-convergence"),
        ({"convergence_points": [4] * 6 + [5], "evaluation_step": 1}, "t-log"),
        ({"convergence_points": [4] * 6 + [math.nan], "evaluation_step": 1, "converged": LAST_FAILS},
         "lognormal-profile"),
    ],
)  # fmt: skip
def test_geometric_mean(options: dict[str, Any], method: str) -> None:
    found = best(SEVEN, "geometric-mean", **options)
    assert (found.interval.method, found.interval.estimand) == (method, "geometric-mean")
    assert found.reason.endswith(".")


def test_one_convergence_point_is_always_named() -> None:
    for estimand in ("geometric-mean", "expected-score"):
        found = best(SEVEN, estimand, convergence_points=[4] * 7).interval
        assert "one-convergence-point" in found.warnings
        assert "one-convergence-point" not in best(SEVEN, estimand).interval.warnings


@pytest.mark.parametrize("converged", [[False] * 7, [True] + [False] * 6])
@pytest.mark.parametrize("estimand", ["median", "geometric-mean", "expected-score"])
def test_too_little_convergence_gives_a_bound_whatever_was_asked(
    estimand: Any, converged: list[bool]
) -> None:
    found = best(SEVEN, estimand, converged=converged).interval
    assert (found.estimand, found.low, found.high) == ("median", 10, math.inf)
    assert "median-not-reached" in found.warnings


def test_expected_score_is_of_the_official_number_of_runs() -> None:
    assert best(SEVEN, "expected-score", runs=5).interval == expected_score_interval(SEVEN, 5)
    assert best(SEVEN, "expected-score").interval == expected_score_interval(SEVEN, 7)


def test_runs_that_were_stopped_early_are_not_said_to_be_slowest() -> None:
    early, late = (
        best(SEVEN[:5], "median", converged=marks).reason for marks in (ONE_FAILS_EARLY[:5], LAST_FAILS[2:])
    )
    assert early == "Too few runs for 95%: order statistics state the level they do attain."
    assert late == early
    slowest = best([*SEVEN, 20.0], "median", converged=[True] * 7 + [False]).reason
    assert "slower than all that did" in slowest


def test_expected_score_of_tied_convergence_keeps_the_score_as_estimate() -> None:
    found = best([10, 10.01, 9.99], "expected-score", convergence_points=[5] * 3, evaluation_step=1).interval
    assert found.method == "tied-convergence"
    assert found.estimate == 10
    assert found.low < 9 < 12 < found.high
    # One run in thirty is a hundred times as slow: the score leaves it out, the mean of logarithms does not.
    times = [1.0] * 29 + [100.0]
    found = best(times, "expected-score", convergence_points=[5] * 30, evaluation_step=0.1).interval
    assert found.low <= found.estimate == pytest.approx(1.0)


def test_expected_score_with_failures_lies_above_that_of_the_others() -> None:
    with_failure = best(SEVEN, "expected-score", converged=LAST_FAILS).interval
    assert with_failure.estimand == "expected-score"
    assert with_failure.estimate > expected_score_interval(SEVEN[:6], 7).estimate
    assert "censored-runs" in with_failure.warnings


def test_the_choice_never_depends_on_the_order_of_runs() -> None:
    order = np.random.default_rng(0).permutation(7)
    times, marks = np.array(SEVEN), np.array(ONE_FAILS_EARLY)
    for estimand in ("median", "geometric-mean", "expected-score"):
        straight = best(times, estimand, converged=marks)
        assert best(times[order], estimand, converged=marks[order]) == straight


@pytest.mark.parametrize(
    "options",
    [
        {"convergence_points": [4]},
        {"convergence_points": [0] * 7},
        {"convergence_points": [math.nan] * 7},
        {"converged": [True]},
    ],
)
def test_unusable_companions_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(SampleError):
        best(SEVEN, "median", **options)


def test_unusable_questions_are_refused() -> None:
    with pytest.raises(StatisticsError, match="no estimand 'mode'"):
        best(SEVEN, "mode")  # type: ignore[arg-type]
    with pytest.raises(StatisticsError, match="evaluation_step"):
        best(SEVEN, "median", evaluation_step=0)
    with pytest.raises(StatisticsError, match="runs must be"):
        best(SEVEN, "expected-score", runs=0)
    with pytest.raises(TooFewRunsError):
        best([], "median")
    with pytest.raises(SampleError, match="above 0"):
        best([1, 0], "median")


def test_catalogue_covers_every_estimand_and_works() -> None:
    catalogue = methods(7)
    assert len({method.name for method in catalogue}) == len(catalogue)
    assert {method.estimand for method in catalogue} == {"median", "geometric-mean", "mean", "expected-score"}
    for method in catalogue:
        found = method.interval(SEVEN, 0.9)
        assert found.estimand == method.estimand
        assert found.level == 0.9
        assert found.low < found.estimate < found.high
        assert method.assumption
