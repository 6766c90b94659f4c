"""The door of controlled estimates, and what a single set tells."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mlperf_stats.errors import SampleError, StatisticsError, TooFewRunsError
from mlperf_stats.stats.converged_runs import (
    ConvergedRuns,
    TypicalSpread,
    check_step,
    converged_runs,
    convergence_is_constant,
    time_line,
    typical_spread,
)


@pytest.mark.parametrize(
    ("times", "convergence", "error"),
    [
        ([], [], TooFewRunsError),
        ([1.0, 2.0], [1.0], SampleError),
        ([1.0, math.nan], [1.0, 1.0], SampleError),
        ([1.0, -2.0], [1.0, 1.0], SampleError),
        ([1.0, 2.0], [1.0, 0.0], SampleError),
        ([1.0, 2.0], [1.0, math.inf], SampleError),
        ([[1.0], [2.0]], [[1.0], [2.0]], SampleError),
        (["a"], [1.0], SampleError),
    ],
)
def test_unusable_runs_are_refused(times: list, convergence: list, error: type[Exception]) -> None:
    with pytest.raises(error):
        converged_runs(times, convergence)


@pytest.mark.parametrize("size", [0.0, -1.0, math.inf])
def test_unusable_sizes_are_refused(size: float) -> None:
    with pytest.raises(SampleError):
        converged_runs([1.0], [1.0], size=size)


@pytest.mark.parametrize("step", [0.0, -0.1, math.nan, "5%"])
def test_unusable_steps_are_refused(step: object) -> None:
    with pytest.raises(StatisticsError):
        check_step(step)  # type: ignore[arg-type]


def test_runs_keep_their_order() -> None:
    runs = converged_runs([math.e**2, math.e], [1.0, math.e], size=8)
    assert runs.log_time == pytest.approx([2.0, 1.0])
    assert runs.log_convergence == pytest.approx([0.0, 1.0])
    assert runs.sum_of_squares == pytest.approx(0.5)
    assert runs.time_variance == pytest.approx(0.5)
    assert not runs.tied
    # The mean of these equal logarithms rounds.
    assert converged_runs([912.842821700444] * 10, range(1, 11)).time_variance == 0.0


def test_line_by_hand() -> None:
    # y = 2x + residuals (−1, 2, −1)/10 around x = 0, 1, 2: slope stays 2, residual variance 0.06 on 1 df.
    runs = ConvergedRuns(np.array([-0.1, 2.2, 3.9]), np.array([0.0, 1.0, 2.0]), 1.0, "", "")
    line = time_line(runs)
    assert line is not None
    assert line.slope == pytest.approx(2.0)
    assert line.residual == pytest.approx(0.06)
    assert line.slope_variance == pytest.approx(0.06 / 2)
    assert line.df == 1


def test_tied_runs_have_a_residual_but_no_slope() -> None:
    line = converged_runs([1.0, math.e], [3.0, 3.0]).line
    assert line is not None
    assert math.isnan(line.slope)
    assert line.residual == pytest.approx(0.5)
    assert converged_runs([1.0], [3.0]).line is None
    assert converged_runs([1.0, 2.0], [3.0, 4.0]).line is None


def steady_sets() -> list[ConvergedRuns]:
    rng = np.random.default_rng(5)
    sets = []
    for _ in range(6):
        work = rng.normal(0, 0.1, 10)
        sets.append(ConvergedRuns(work + rng.normal(0, 0.002, 10), work, 1.0, "", ""))
    return sets


def test_convergence_that_does_not_move_while_times_do_is_found_out() -> None:
    typical = typical_spread(steady_sets())
    assert math.sqrt(typical.residual) == pytest.approx(0.002, rel=0.3)
    assert math.sqrt(typical.convergence) == pytest.approx(0.1, rel=0.3)
    rng = np.random.default_rng(6)
    fixed = np.zeros(10)
    assert convergence_is_constant(ConvergedRuns(rng.normal(0, 0.1, 10), fixed, 1, "", ""), typical)
    assert not convergence_is_constant(ConvergedRuns(rng.normal(0, 0.002, 10), fixed, 1, "", ""), typical)
    assert not convergence_is_constant(ConvergedRuns(rng.normal(0, 0.1, 2), fixed[:2], 1, "", ""), typical)
    assert not convergence_is_constant(steady_sets()[0], typical)


def test_without_sets_that_vary_nothing_is_typical() -> None:
    assert typical_spread([]) == TypicalSpread(0.0, 0.0)
    assert typical_spread([converged_runs([1.0, 2.0], [1.0, 1.0])]) == TypicalSpread(0.0, 0.0)
