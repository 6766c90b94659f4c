"""The deviation of a score against published moments, simulation, and laws with a single slow run."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mlperf_stats.errors import SampleError, StatisticsError, TooFewRunsError
from mlperf_stats.stats.score_spread import olympic_deviation, score_variance, winsorised_variance


@pytest.mark.parametrize(
    ("runs", "dropped", "variance"),
    [
        # Variances of medians of 3, 4 and 5 standard normals: Sarhan & Greenberg 1962, table 10C.1.
        (3, 1, 0.44867),
        (4, 1, 0.29820),
        (5, 2, 0.28683),
        (7, 0, 1 / 7),
    ],
)
def test_olympic_deviation_of_normals(runs: int, dropped: int, variance: float) -> None:
    assert olympic_deviation(runs, dropped) ** 2 == pytest.approx(variance, rel=5e-4)


@pytest.mark.parametrize(("runs", "dropped"), [(5, 1), (10, 1), (40, 4)])
def test_olympic_deviation_agrees_with_simulation(runs: int, dropped: int) -> None:
    drawn = np.sort(np.random.default_rng(3).standard_normal((40_000, runs)), axis=1)
    simulated = drawn[:, dropped : runs - dropped].mean(axis=1).std()
    assert olympic_deviation(runs, dropped) == pytest.approx(simulated, rel=0.015)


def test_olympic_deviation_refuses_to_drop_everything() -> None:
    with pytest.raises(StatisticsError, match="leaves none"):
        olympic_deviation(2, 1)


@pytest.mark.parametrize(("runs", "dropped"), [(4, 1), (5, 1), (10, 1), (22, 4), (5, 0)])
def test_winsorised_variance_is_unbiased_for_normals(runs: int, dropped: int) -> None:
    drawn = np.sort(np.random.default_rng(4).standard_normal((4_000, runs)), axis=1)
    found = np.array([winsorised_variance(values, dropped)[0] for values in drawn])
    assert abs(found.mean() - 1) < 3 * found.std() / math.sqrt(found.size)


def test_without_dropping_it_is_the_sample_variance() -> None:
    values = np.array([1.0, 2.0, 4.0, 9.0])
    assert winsorised_variance(values, 0) == (pytest.approx(values.var(ddof=1), rel=1e-6), 3)


def test_one_slow_run_does_not_move_a_score() -> None:
    assert winsorised_variance(np.array([1.0, 1.0, 1.0, 1.0, 5.0]), 1) == (0.0, 2)
    assert winsorised_variance(np.array([1.0, 1.0, 5.0]), 1)[1] == 2, "three runs: nothing can be dropped"


@pytest.mark.parametrize("late", [0.1, 0.3, 0.5])
def test_scores_of_runs_on_two_evaluations(late: float) -> None:
    times = np.exp(0.1 * (np.random.default_rng(9).random((6_000, 5)) < late))
    scores = np.sort(times, axis=1)[:, 1:-1].mean(axis=1)
    variance, df = score_variance(list(times), 5, 1)
    plain = math.sqrt(np.log(times).var(axis=1, ddof=1).mean()) * olympic_deviation(5, 1)
    true = scores.std() / scores.mean()
    assert df == 12_000
    # Never below the truth, at most a fifth above; a plain variance errs to both sides, by up to a third.
    assert true * 0.98 < math.sqrt(variance) < true * 1.25
    assert abs(math.sqrt(variance) / true - 1) < abs(plain / true - 1)


def test_sets_of_other_sizes_are_carried_to_the_official_number() -> None:
    drawn = np.exp(0.05 * np.random.default_rng(2).standard_normal((3_000, 8)))
    variance, _ = score_variance(list(drawn), 40, 4)
    assert math.sqrt(variance) == pytest.approx(0.05 * olympic_deviation(40, 4), rel=0.03)


def test_single_runs_tell_nothing_and_nonsense_is_refused() -> None:
    assert score_variance([[3.0], [4.0]], 5, 1) == (None, 0)
    assert score_variance([], 5, 1) == (None, 0)
    with pytest.raises(TooFewRunsError):
        score_variance([[]], 5, 1)
    with pytest.raises(SampleError):
        score_variance([[1.0, math.nan]], 5, 1)
    with pytest.raises(StatisticsError, match="leaves none"):
        score_variance([[1.0, 2.0]], 2, 1)
