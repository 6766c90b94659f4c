"""Coverage of the one-sample intervals on samples of known laws: the small version of the validation page.

Limits are four Monte-Carlo standard errors, so that a defect fails and chance does not; seeds are fixed.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from censoring_study import cover_censored, cover_latent, cover_two_points
from coverage_study import METHODS, conditional_rows, cover
from laws import epochs, lognormal
from table_one_sample import REFERENCE

REPETITIONS = 4_000
BY_NAME = {method.name: method for method in METHODS}


@pytest.mark.parametrize(("name", "n"), REFERENCE)
def test_lognormal_reference_figures(name: str, n: int) -> None:
    method = BY_NAME[name]
    found = cover(lognormal(0.05), n, method, (method.estimand,), REPETITIONS)[method.estimand]
    coverage, width = REFERENCE[name, n]
    assert found.covered == pytest.approx(coverage / 100, abs=4 * found.error + 0.001)
    assert found.width == pytest.approx(width / 100, rel=0.04)


@pytest.mark.parametrize("n", [3, 5, 10, 20, 40])
@pytest.mark.parametrize("sigma", [0.05, 0.25])
def test_expected_score_holds_its_level_on_lognormal_times(sigma: float, n: int) -> None:
    found = cover(lognormal(sigma), n, BY_NAME["expected score"], ("expected-score",), REPETITIONS)
    assert found["expected-score"].covered == pytest.approx(
        0.95, abs=4 * found["expected-score"].error + 0.006
    )


@pytest.mark.parametrize("n", [5, 10, 20])
def test_expected_score_is_better_than_tukey_mclaughlin_on_skewed_times(n: int) -> None:
    score, trimmed = (
        cover(epochs(), n, BY_NAME[name], ("expected-score",), REPETITIONS)["expected-score"]
        for name in ("expected score", "Tukey-McLaughlin")
    )
    assert 0.92 < score.covered < 0.96
    assert score.covered > trimmed.covered
    # Misses are above: samples without the tail are short of it.
    assert score.above > 1 - score.covered - score.above


def test_skewed_times_show_the_pattern_of_estimands() -> None:
    def median_coverage(name: str, n: int) -> float:
        return cover(epochs(), n, BY_NAME[name], ("median",), REPETITIONS)["median"].covered

    assert median_coverage("order statistics", 10) > 0.97
    assert median_coverage("Hettmansperger-Sheather", 10) == pytest.approx(0.95, abs=0.015)
    assert median_coverage("t on log", 10) == pytest.approx(0.896, abs=0.02)
    assert median_coverage("pooled t on log, 100 df", 10) == pytest.approx(0.793, abs=0.03)
    pooled = cover(epochs(), 5, BY_NAME["pooled t on log, 100 df"], ("geometric-mean",), REPETITIONS)
    assert pooled["geometric-mean"].covered == pytest.approx(0.956, abs=0.015)


def test_pooling_fails_the_noisiest_systems_and_own_runs_do_not() -> None:
    rows = {name: noisy for name, _, noisy, _ in conditional_rows(0.05, 10, 5, 20_000)}
    assert rows["t on log"] == pytest.approx(0.95, abs=0.015)
    assert rows["one pooled variance"] < 0.88


@pytest.mark.parametrize("limit", ["one limit", "limits at random"])
@pytest.mark.parametrize("method", ["censored order statistics", "Kaplan-Meier"])
def test_censored_intervals_without_a_model_hold_at_least_their_level(method: str, limit: str) -> None:
    found, finite, refused = cover_censored(method, limit, 0.2, 10, 1_000)
    assert found.covered > 0.95 - 3 * found.error
    assert 0.1 < finite < 0.9
    assert refused == 0


def test_censored_lognormal_holds_its_level() -> None:
    found, _, _ = cover_censored("censored lognormal", "one limit", 0.2, 10, 150)
    assert found.covered > 0.95 - 4 * found.error


def test_latent_times_need_the_interval_they_were_seen_in() -> None:
    found = cover_latent(10, 4.0, 150)
    naive, naive_bias = found["as evaluated, t on log"]
    fitted, bias = found["interval-censored lognormal"]
    # Half a step of 4 on 20 is 10 %; a run is seen late by a little less on average.
    assert naive_bias == pytest.approx(0.095, abs=0.015)
    assert naive.covered < 0.4
    assert abs(bias) < 0.015
    assert fitted.covered > 0.95 - 4 * fitted.error


def test_tied_convergence_is_honest_where_t_collapses() -> None:
    found = cover_two_points(0.1, 5, REPETITIONS)
    assert found["t on log"].covered < 0.6
    assert found["with one step where all tie"].covered > 0.97
