"""Outlying sets are found beside many and few others, and ordinary differences are not outlying."""

from __future__ import annotations

import numpy as np

from mlperf_stats.stats.outlying_sets import (
    convergence_deviations,
    outlying_convergence,
    outlying_throughput,
)
from mlperf_stats.stats.variance_components import SetSpread, set_spread


def with_noise(noise: float, runs: int = 5) -> SetSpread:
    """A set on one convergence point with this standard deviation of log time."""
    steps = np.arange(runs) - (runs - 1) / 2
    return set_spread(np.exp(noise * steps / steps.std(ddof=1)), [4.0] * runs)


def converging_at(point: float, spread: float = 0.05) -> SetSpread:
    points = point * np.exp(spread * np.array([-1.0, 0.0, 0.5, 0.5]))
    return set_spread(points, points)


def test_contended_set_is_found_among_steady_ones() -> None:
    sets = [with_noise(noise) for noise in (0.001, 0.002, 0.003, 0.002, 0.019, 0.021)]
    assert outlying_throughput(sets).tolist() == [False] * 5 + [True]


def test_benchmark_that_is_noisy_throughout_has_no_outlying_set() -> None:
    sets = [with_noise(noise) for noise in (0.01, 0.02, 0.02, 0.03, 0.09)]
    assert not outlying_throughput(sets).any()


def test_few_sets_are_not_judged() -> None:
    sets = [with_noise(0.001)] * 3 + [with_noise(0.2)]
    assert not outlying_throughput(sets).any()
    assert not outlying_throughput([]).any()


def test_half_of_the_sets_may_be_contended() -> None:
    sets = [with_noise(0.001)] * 4 + [with_noise(0.1)] * 3
    assert outlying_throughput(sets).tolist() == [False] * 4 + [True] * 3


def test_other_training_and_other_unit_are_told_apart() -> None:
    points = (10.0, 10.4, 9.7, 10.1, 15.0, 1400.0, 0.07)
    deviations = convergence_deviations([converging_at(point) for point in points], ["cell"] * 7)
    apart, doubtful = outlying_convergence(deviations)
    assert apart.tolist() == [False] * 4 + [True, False, False]
    assert doubtful.tolist() == [False] * 5 + [True, True]


def test_cells_of_two_have_no_median() -> None:
    sets = [converging_at(point) for point in (1.0, 9.0, 5.0, 5.0, 5.0)]
    deviations = convergence_deviations(sets, ["pair", "pair", "three", "three", "three"])
    assert np.isnan(deviations).tolist() == [True, True, False, False, False]
    assert np.isnan(convergence_deviations(sets, [None] * 5)).all()
    apart, doubtful = outlying_convergence(deviations)
    assert not (apart | doubtful).any()


def test_unknown_points_are_in_no_cell() -> None:
    sets = [converging_at(5.0)] * 3 + [set_spread([1.0, 2.0], None)]
    assert np.isnan(convergence_deviations(sets, ["cell"] * 4)).tolist() == [False] * 3 + [True]
