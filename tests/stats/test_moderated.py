"""Moderated variances against R limma's squeezeVar, closed forms and simulation."""

from __future__ import annotations

import csv
import math
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from scipy.special import polygamma

from mlperf_stats.errors import SampleError, StatisticsError, TooFewRunsError
from mlperf_stats.stats.moderated import (
    VariancePrior,
    log_variances,
    moderated_interval,
    squeeze_variances,
    trigamma_inverse,
    variance_prior,
)
from mlperf_stats.stats.t_log import geometric_mean_interval


@pytest.mark.parametrize("x", [1e-3, 0.1, 0.5, 1.0, 7.3, 1e3, 1e6])
def test_trigamma_inverse_undoes_trigamma(x: float) -> None:
    assert trigamma_inverse(float(polygamma(1, x))) == pytest.approx(x, rel=1e-9)


def test_trigamma_of_one_is_pi_squared_over_six() -> None:
    assert trigamma_inverse(math.pi**2 / 6) == pytest.approx(1.0, rel=1e-12)


def test_equals_limma_on_sixteen_benchmarks(shared_dir: Path) -> None:
    sets = defaultdict(list)
    with (shared_dir / "oracle" / "limma_input.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            sets[row["benchmark"]].append((float(row["var_log_minutes"]), float(row["n"]) - 1))
    with (shared_dir / "oracle" / "limma_squeezevar.csv").open(newline="") as file:
        expected = list(csv.DictReader(file))
    assert len(expected) == 16
    for row in expected:
        variances, dfs = zip(*sets[row["benchmark"]], strict=True)
        squeezed, prior = squeeze_variances(variances, dfs)
        assert prior.sets == int(row["sets"])
        assert prior.df == pytest.approx(float(row["df_prior"]), rel=1e-6)
        assert prior.variance == pytest.approx(float(row["var_prior"]), rel=1e-6)
        assert squeezed[0] == pytest.approx(float(row["var_post_first"]), rel=1e-6)
        assert squeezed[-1] == pytest.approx(float(row["var_post_last"]), rel=1e-6)


def test_recovers_the_prior_it_was_drawn_from() -> None:
    rng = np.random.default_rng(7)
    true = 0.04 * 6 / rng.chisquare(6, 20_000)
    prior = variance_prior(true * rng.chisquare(4, 20_000) / 4, np.full(20_000, 4))
    assert prior.df == pytest.approx(6, rel=0.08)
    assert prior.variance == pytest.approx(0.04, rel=0.02)


def test_equal_variances_give_an_infinite_prior() -> None:
    squeezed, prior = squeeze_variances([0.5, 0.5, 0.5], [4, 4, 4])
    assert prior.df == math.inf
    # All sets agree, so each log s² is taken down by its bias, log(d/2) − ψ(d/2) = log 2 − ψ(2) at d = 4.
    assert prior.variance == pytest.approx(0.5 * math.exp(math.log(2) - (1 - 0.5772156649015329)))
    assert squeezed == pytest.approx(prior.variance)


def test_a_tied_set_does_not_break_the_prior() -> None:
    prior = variance_prior([0.0, 0.01, 0.02], [4, 4, 4])
    assert 0 < prior.variance < 0.02
    assert 0 < prior.df < 2


def test_prior_without_weight_is_student_t() -> None:
    times = [10.0, 11.0, 12.5, 10.4]
    plain = geometric_mean_interval(times)
    moderated = moderated_interval(times, VariancePrior(df=0.0, variance=1.0, sets=2))
    assert (moderated.low, moderated.high) == pytest.approx((plain.low, plain.high), rel=1e-12)


def test_interval_by_hand() -> None:
    # log times -h, 0, h with h = 0.1: s² = 0.01 on 2 df; prior 0.04 on 2 df: s² = 0.025 on 4 df.
    times = np.exp([-0.1, 0.0, 0.1])
    interval = moderated_interval(times, VariancePrior(df=2.0, variance=0.04, sets=5))
    half = 2.7764451051977987 * math.sqrt(0.025 / 3)
    assert interval.estimate == pytest.approx(1.0)
    assert interval.high == pytest.approx(math.exp(half), rel=1e-12)
    assert interval.low == pytest.approx(math.exp(-half), rel=1e-12)


def test_one_run_rests_on_the_prior() -> None:
    prior = VariancePrior(df=8.0, variance=0.01, sets=9)
    interval = moderated_interval([5.0], prior)
    assert interval.warnings == ("single-run",)
    assert interval.high == pytest.approx(5 * math.exp(2.306004135204166 * 0.1), rel=1e-12)
    assert moderated_interval([5.0], VariancePrior(0.0, 1.0, 2)).high == math.inf


def test_tied_runs_are_widened_by_the_prior_and_say_so() -> None:
    interval = moderated_interval([3.0, 3.0, 3.0], VariancePrior(df=2.0, variance=0.01, sets=9))
    assert interval.low < 3.0 < interval.high
    assert interval.warnings == ("zero-variance",)
    # The mean of these equal logarithms rounds.
    assert moderated_interval([912.842821700444] * 10, VariancePrior(3.0, 0.01, 3)).warnings == (
        "zero-variance",
    )


def test_a_width_beyond_all_numbers_is_infinite() -> None:
    interval = moderated_interval([1.0, 1e30], VariancePrior(0.1, 1.0, 3), 0.9999)
    assert (interval.low, interval.high) == (0.0, math.inf)


def test_coverage_is_exact_when_the_prior_is_true() -> None:
    rng = np.random.default_rng(11)
    prior = VariancePrior(df=5.0, variance=0.01, sets=100)
    sigma = np.sqrt(0.01 * 5 / rng.chisquare(5, 4000))
    samples = np.exp(rng.normal(0.0, sigma[:, None], (4000, 3)))
    hits = [
        interval.low <= 1.0 <= interval.high
        for interval in (moderated_interval(row, prior) for row in samples)
    ]
    # 4000 draws at 0.95: standard error 0.0034.
    assert np.mean(hits) == pytest.approx(0.95, abs=0.0105)


def test_log_variances_leave_single_runs_out() -> None:
    variances, dfs = log_variances([[1.0], [1.0, math.e], [2.0, 2.0, 2.0]])
    assert variances == pytest.approx([0.5, 0.0])
    assert dfs == pytest.approx([1.0, 2.0])


@pytest.mark.parametrize(
    ("variances", "dfs", "error"),
    [
        ([], [], TooFewRunsError),
        ([0.1], [3], TooFewRunsError),
        ([0.1, 0.2], [3], SampleError),
        ([0.1, -0.2], [3, 3], SampleError),
        ([0.1, math.nan], [3, 3], SampleError),
        ([0.1, 0.2], [3, 0], SampleError),
        ([0.0, 0.0], [3, 3], SampleError),
        ([[0.1, 0.2]], [3, 3], SampleError),
    ],
)
def test_unusable_families_are_refused(
    variances: list[float], dfs: list[float], error: type[Exception]
) -> None:
    with pytest.raises(error):
        variance_prior(variances, dfs)


@pytest.mark.parametrize(
    ("times", "error"), [([], TooFewRunsError), ([1.0, -2.0], SampleError), ([1.0, math.nan], SampleError)]
)
def test_unusable_times_are_refused(times: list[float], error: type[Exception]) -> None:
    with pytest.raises(error):
        moderated_interval(times, VariancePrior(2.0, 0.1, 4))


def test_unusable_level_is_refused() -> None:
    with pytest.raises(StatisticsError):
        moderated_interval([1.0, 2.0], VariancePrior(2.0, 0.1, 4), level=95)
