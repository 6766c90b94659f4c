"""Student's t of log times, and its widening where all runs converged at one evaluation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from mlperf_stats.stats.t_log import geometric_mean_interval, t_quantile
from mlperf_stats.stats.tied_convergence import tied_convergence_interval

TIMES = [20.3, 19.1, 22.8, 20.9, 21.4]


def test_equals_scipy_on_logs() -> None:
    logs = np.log(TIMES)
    low, high = stats.t.interval(0.95, 4, loc=logs.mean(), scale=stats.sem(logs))
    found = geometric_mean_interval(TIMES)
    assert (found.low, found.high) == pytest.approx((math.exp(low), math.exp(high)), rel=1e-13)
    assert found.estimate == pytest.approx(stats.gmean(TIMES), rel=1e-14)
    assert (found.method, found.estimand, found.n) == ("t-log", "geometric-mean", 5)


def test_changes_with_the_unit_as_time_does() -> None:
    minutes, seconds = geometric_mean_interval(TIMES), geometric_mean_interval([60 * t for t in TIMES])
    assert (seconds.low, seconds.high) == pytest.approx((60 * minutes.low, 60 * minutes.high), rel=1e-13)


def test_quantiles_reach_the_normal() -> None:
    # Student 1908: t(.975; 4) = 2.776; normal 1.959964.
    assert t_quantile(0.95, 4) == pytest.approx(2.7764451, abs=1e-7)
    assert t_quantile(0.95, math.inf) == pytest.approx(1.9599640, abs=1e-7)


def test_one_run_and_equal_runs() -> None:
    one, same = geometric_mean_interval([3]), geometric_mean_interval([0.1, 0.1, 0.1])
    assert (one.low, one.high, one.warnings) == (0, math.inf, ("single-run",))
    assert (same.estimate, same.low, same.high, same.warnings) == (0.1, 0.1, 0.1, ("zero-variance",))


def test_tied_convergence_adds_one_step() -> None:
    # Equal times leave the added variance alone: 2·0.1²/(3 + 1), t(.975; 2) = 4.302653.
    found = tied_convergence_interval([10, 10, 10], relative_step=0.1)
    half = 4.3026527 * math.sqrt(2 * 0.01 / 4 / 3)
    assert math.log(found.high / found.estimate) == pytest.approx(half, rel=1e-7)
    assert found.warnings == ("one-convergence-point",)


def test_tied_convergence_reaches_a_neighbouring_evaluation_at_few_runs() -> None:
    found = tied_convergence_interval([10, 10.01, 9.99], relative_step=0.1)
    assert found.low < 9 < 11 < found.high
