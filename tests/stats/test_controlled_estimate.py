"""The public answer: intervals, method, warnings, lenders; every odd input is refused or warned of."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from mlperf_stats.errors import MlperfStatsError, SampleError, StatisticsError, TooFewRunsError
from mlperf_stats.stats.controlled import PeerPrior, peer_prior
from mlperf_stats.stats.controlled_estimate import (
    ControlledEstimate,
    controlled_estimate,
    moderated_estimate,
)
from mlperf_stats.stats.converged_runs import ConvergedRuns, converged_runs
from mlperf_stats.stats.moderated import VariancePrior
from mlperf_stats.stats.pool import pool
from mlperf_stats.stats.t_log import geometric_mean_interval
from mlperf_stats.stats.tied_convergence import tied_convergence_interval

OFFICIAL: dict[str, Any] = {"scored_runs": 5, "dropped": 1}


def others(count: int = 8, lineage: str = "a") -> list[ConvergedRuns]:
    rng = np.random.default_rng(3)
    found = []
    for number in range(count):
        work = 2.0 + rng.normal(0, 0.01) + rng.normal(0, 0.08, 8)
        found.append(ConvergedRuns(work + 1 + rng.normal(0, 0.002, 8), work, 8.0, lineage, f"s{number}"))
    return found


def prior(**options: Any) -> PeerPrior:
    found = peer_prior(pool(others(**options), 0.04), [], 8.0, "b")
    assert found is not None
    return found


def own(points: list[float], *, seed: int = 1) -> ConvergedRuns:
    """Runs at multiples of exp(2), time proportional to work up to 0.2 %."""
    work = 2.0 + np.log(points)
    return ConvergedRuns(
        work + 1 + np.random.default_rng(seed).normal(0, 0.002, work.size), work, 8.0, "b", "me"
    )


def intervals(found: ControlledEstimate) -> list:
    return [found.geometric_mean, found.median, found.expected_time, found.expected_score]


def test_runs_that_tie_without_peers_get_the_interval_that_own_runs_get() -> None:
    runs = own([1.0, 1.0, 1.0, 1.0, 1.0])
    alone = tied_convergence_interval(np.exp(runs.log_time), 0.05)
    found = controlled_estimate(runs, None, **OFFICIAL, relative_step=0.05)
    assert found.geometric_mean.low == pytest.approx(alone.low, rel=2e-4)
    assert found.geometric_mean.high == pytest.approx(alone.high, rel=2e-4)
    assert found.warnings == ("no-peers", "one-convergence-point")


def test_control_is_narrower_than_own_times_and_says_so() -> None:
    runs = own([0.95, 1.0, 1.1])
    found = controlled_estimate(runs, prior(), **OFFICIAL)
    alone = geometric_mean_interval(np.exp(runs.log_time))
    assert found.method == "controlled"
    assert found.geometric_mean.half_width_relative < alone.half_width_relative / 3
    assert 0 < found.own_share < 0.6
    assert found.peers.same_size == tuple(f"s{n}" for n in range(8))


def test_estimands_are_ordered_as_a_lognormal_law_orders_them() -> None:
    found = controlled_estimate(own([0.9, 1.0, 1.1]), prior(), **OFFICIAL)
    middle, score, mean = (
        one.estimate for one in (found.geometric_mean, found.expected_score, found.expected_time)
    )
    assert middle == found.median.estimate
    assert middle < score < mean
    # E[T] = geometric mean · exp(σ²/2) with σ about 0.08.
    assert mean / middle == pytest.approx(math.exp(0.08**2 / 2), rel=2e-3)


def test_a_higher_level_is_wider() -> None:
    widths = [
        controlled_estimate(own([0.9, 1.0, 1.1]), prior(), **OFFICIAL, level=level).geometric_mean
        for level in (0.5, 0.9, 0.99)
    ]
    assert widths[0].low > widths[1].low > widths[2].low
    assert widths[0].high < widths[1].high < widths[2].high


def test_order_and_unit_of_runs_do_not_matter() -> None:
    runs = own([0.9, 1.0, 1.1])
    turned = ConvergedRuns(runs.log_time[::-1] + math.log(60), runs.log_convergence[::-1], 8.0, "b", "me")
    minutes = controlled_estimate(runs, prior(), **OFFICIAL).geometric_mean
    seconds = controlled_estimate(turned, prior(), **OFFICIAL).geometric_mean
    # Which components of the mixture are merged depends on the unit, a little.
    assert (seconds.low / 60, seconds.high / 60) == pytest.approx((minutes.low, minutes.high), rel=1e-4)


@pytest.mark.parametrize(
    ("points", "code"),
    [
        ([1.0], "single-run"),
        ([1.0, 1.0, 1.0], "one-convergence-point"),
        ([3.0, 3.1, 3.2], "outlying-convergence"),
    ],
)
def test_odd_runs_are_warned_of(points: list[float], code: str) -> None:
    found = controlled_estimate(own(points), prior(), **OFFICIAL)
    assert code in found.warnings
    assert all(math.isfinite(one.high) and one.low > 0 for one in intervals(found))


def test_one_peer_is_warned_of() -> None:
    assert "few-peers" in controlled_estimate(own([0.9, 1.1]), prior(count=1), **OFFICIAL).warnings


def test_unsteady_time_at_a_fixed_convergence_is_warned_of() -> None:
    runs = ConvergedRuns(np.array([3.0, 3.2, 2.9, 3.3]), np.array([2.0, 2.01, 2.02, 1.99]), 8.0, "b", "me")
    assert "outlying-throughput" in controlled_estimate(runs, prior(), **OFFICIAL).warnings


def test_constant_convergence_falls_back_to_times() -> None:
    runs = ConvergedRuns(3 + np.array([0.0, 0.1, -0.1, 0.15]), np.full(4, 2.0), 8.0, "b", "me")
    found = controlled_estimate(runs, prior(), **OFFICIAL)
    assert found.method == "moderated-t-log"
    assert "convergence-constant" in found.warnings
    assert found.own_share == 1.0
    assert found.peers.other_rounds == ()


def test_peers_left_out_are_named() -> None:
    odd = ConvergedRuns(np.zeros(4), np.full(4, 9.0), 8.0, "a", "odd")
    with_odd = peer_prior(pool([*others(), odd], 0.04), [], 8.0, "b")
    found = controlled_estimate(own([0.9, 1.1]), with_odd, **OFFICIAL)
    assert "peers-left-out" in found.warnings
    assert [(one.label, one.code) for one in found.peers.left_out] == [("odd", "convergence-unit-doubtful")]


def test_without_peers_it_is_student_t_on_log_times() -> None:
    runs = own([0.9, 1.0, 1.1, 1.05])
    found = controlled_estimate(runs, None, **OFFICIAL)
    alone = geometric_mean_interval(np.exp(runs.log_time))
    assert found.geometric_mean.low == pytest.approx(alone.low, rel=2e-3)
    assert found.geometric_mean.high == pytest.approx(alone.high, rel=2e-3)
    assert found.warnings == ("no-peers",)


def test_a_single_run_without_peers_says_nothing() -> None:
    found = controlled_estimate(own([1.0]), None, **OFFICIAL)
    for one in intervals(found):
        assert (one.low, one.high) == (0.0, math.inf)
        assert one.level_attained == 1.0
    assert set(found.warnings) == {"single-run", "no-peers"}


@pytest.mark.filterwarnings("error")
def test_a_width_beyond_all_numbers_is_infinite() -> None:
    found = moderated_estimate([1.0, 1e10], None, level=0.999, **OFFICIAL)
    assert (found.geometric_mean.low, found.geometric_mean.high) == (0.0, math.inf)


@pytest.mark.parametrize("df", [0.15, 0.2, 0.263])
def test_a_variance_that_is_hardly_known_bounds_nothing_wrongly(df: float) -> None:
    """Two very unlike sets: a prior of a fraction of a degree of freedom has tails beyond all numbers."""
    known = replace(prior(), log_time=VariancePrior(df, 1e-3, 2))
    found = moderated_estimate([90.0], known, **OFFICIAL).geometric_mean
    assert (found.low, found.high) == (0.0, math.inf)
    assert found.estimate == pytest.approx(90)


def test_zero_variance_is_warned_of() -> None:
    found = moderated_estimate([7.0, 7.0, 7.0], None, **OFFICIAL)
    assert "zero-variance" in found.warnings
    assert found.geometric_mean.estimate == pytest.approx(7.0)
    assert all(not math.isnan(one.low + one.high) for one in intervals(found))


def test_unknown_convergence_borrows_the_spread() -> None:
    found = moderated_estimate([20.0, 21.0], prior(), **OFFICIAL)
    assert "convergence-unknown" in found.warnings
    alone = geometric_mean_interval([20.0, 21.0])
    assert found.geometric_mean.half_width_relative < alone.half_width_relative


@pytest.mark.parametrize(
    ("times", "error"),
    [
        ([], TooFewRunsError),
        ([1.0, math.nan], SampleError),
        ([1.0, -1.0], SampleError),
        ([1.0, 0.0], SampleError),
        ([[1.0], [2.0]], SampleError),
        (["a"], SampleError),
        ([1.0, math.inf], SampleError),
    ],
)
def test_unusable_times_are_refused(times: list, error: type[MlperfStatsError]) -> None:
    with pytest.raises(error):
        moderated_estimate(times, None, **OFFICIAL)


@pytest.mark.parametrize(
    "asked",
    [
        {"scored_runs": 5, "dropped": 1, "level": 1.0},
        {"scored_runs": 5, "dropped": 1, "level": math.nan},
        {"scored_runs": 2, "dropped": 1},
        {"scored_runs": 0, "dropped": 0},
        {"scored_runs": 5, "dropped": -1},
    ],
)
def test_unusable_questions_are_refused(asked: dict[str, Any]) -> None:
    with pytest.raises(StatisticsError):
        controlled_estimate(own([0.9, 1.1]), prior(), **asked)
    with pytest.raises(StatisticsError):
        moderated_estimate([1.0, 2.0], None, **asked)


def test_two_own_runs_do() -> None:
    found = controlled_estimate(converged_runs([20.0, 21.0], [7.0, 7.4], size=8), prior(), **OFFICIAL)
    assert math.isfinite(found.geometric_mean.high)


def test_to_dict_is_plain() -> None:
    found = controlled_estimate(own([0.9, 1.1]), prior(), **OFFICIAL)
    plain = json.loads(json.dumps(found.to_dict()))
    assert set(plain["intervals"]) == {"geometric-mean", "median", "mean", "expected-score"}
    assert plain["peers"]["same_size"][0] == "s0"
