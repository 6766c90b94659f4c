"""Scores by hand: olympic means, non-converged and absent runs, wrong numbers of runs, energy."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlperf_stats.errors import InputError
from mlperf_stats.model import Run, RunStatus
from mlperf_stats.rules.scoring import Score, ScoreState, median_score, olympic_energy, score, score_runs
from mlperf_stats.rules.suite import Benchmark, benchmark, campaign_rules

RESNET = benchmark("4.0", "resnet")
UNET3D = benchmark("4.0", "unet3d")
GPT3 = benchmark("4.0", "gpt3")
NCF = benchmark("0.5", "ncf")


def scored(*outcomes: float | str, rules: Benchmark = RESNET, scaling: float = 1.0) -> Score:
    """Score of runs written as minutes or as the status of a run without a usable time."""
    return score(
        [outcome if isinstance(outcome, float) else None for outcome in outcomes],
        ["converged" if isinstance(outcome, float) else outcome for outcome in outcomes],
        rules,
        scaling,
    )


def test_olympic_mean() -> None:
    found = scored(10.0, 14.0, 11.0, 12.0, 99.0)
    assert found.score_minutes == pytest.approx((11 + 12 + 14) / 3, rel=1e-15)
    assert found.olympic_minutes == found.score_minutes
    assert (found.kept, found.dropped_fast, found.dropped_slow) == ((2, 3, 1), (0,), (4,))
    assert (found.state, found.warnings) == (ScoreState.VALID, ())


def test_scaling_multiplies_the_score_alone() -> None:
    found = scored(10.0, 11.0, 12.0, 13.0, 14.0, scaling=1.25)
    assert (found.olympic_minutes, found.score_minutes, found.scaling_factor) == (12.0, 15.0, 1.25)


@pytest.mark.parametrize("status", ["not_converged", "incomplete", "unreadable"])
def test_one_missed_target_is_the_slowest_run(status: str) -> None:
    """[m : n − (m − d)] of the four converged, m = d = 1: the fastest goes, nothing else does."""
    found = scored(10.0, status, 12.0, 13.0, 14.0)
    assert found.score_minutes == 13.0
    assert (found.kept, found.dropped_fast, found.dropped_slow) == ((2, 3, 4), (0,), (1,))
    assert found.warnings == ("nonconverged-dropped",)


def test_a_time_of_a_run_that_missed_the_target_does_not_count() -> None:
    statuses = [RunStatus.CONVERGED] * 4 + [RunStatus.NOT_CONVERGED]
    assert score([10.0, 12.0, 13.0, 14.0, 1.0], statuses, RESNET).score_minutes == 13.0


def test_two_missed_targets_are_invalid() -> None:
    found = scored(10.0, "not_converged", 12.0, "incomplete", 14.0)
    assert (found.state, found.score_minutes, found.olympic_minutes) == (ScoreState.INVALID, None, None)
    assert found.warnings == ("invalid-nonconverged",)
    assert found.kept == found.dropped_fast == found.dropped_slow == ()


@pytest.mark.parametrize("missed", range(6))
def test_unet3d_drops_four_on_each_side(missed: int) -> None:
    """Minutes 1 … 40−d: the fastest four go, then 4 − d slow ones; 32 runs always stay."""
    outcomes: list[float | str] = [*map(float, range(1, 41 - missed)), *["not_converged"] * missed]
    found = scored(*outcomes, rules=UNET3D)
    if missed > 4:
        assert found.warnings == ("invalid-nonconverged",)
    else:
        assert len(found.kept) == 32
        assert found.score_minutes == pytest.approx(sum(range(5, 37)) / 32)
        assert (len(found.dropped_fast), len(found.dropped_slow)) == (4, 4)


def test_three_runs_leave_one() -> None:
    assert scored(62.0, 60.0, 61.0, rules=GPT3).score_minutes == 61.0
    assert scored(62.0, 60.0, "not_converged", rules=GPT3).score_minutes == 62.0


def test_absent_runs_leave_the_score_unknown() -> None:
    found = scored(10.0, 11.0, 12.0, 13.0, "absent")
    assert (found.state, found.score_minutes) == (ScoreState.UNKNOWN, None)
    assert found.warnings == ("unknown-absent-runs",)


def test_absent_runs_do_not_save_an_invalid_score() -> None:
    found = scored(10.0, "absent", "not_converged", "not_converged", 14.0)
    assert (found.state, found.warnings) == (ScoreState.INVALID, ("invalid-nonconverged",))


def test_more_runs_than_asked_for_are_all_scored() -> None:
    found = scored(*map(float, range(1, 8)))
    assert (found.score_minutes, found.warnings) == (4.0, ("extra-runs",))  # mean of 2 … 6


def test_fewer_runs_than_asked_for_are_scored_as_filed() -> None:
    """22 of 40, one of them non-converged: of 21 converged [4 : 21 − 3] stay."""
    outcomes: list[float | str] = [*map(float, range(1, 22)), "not_converged"]
    found = scored(*outcomes, rules=UNET3D)
    assert found.score_minutes == pytest.approx(sum(range(5, 19)) / 14)
    assert found.warnings == ("too-few-runs", "nonconverged-dropped")
    assert found.state is ScoreState.VALID


@pytest.mark.parametrize("outcomes", [(), (10.0,), (10.0, 11.0), (10.0, "not_converged")])
def test_too_few_runs_to_keep_one(outcomes: tuple[float | str, ...]) -> None:
    found = scored(*outcomes)
    assert found.state is ScoreState.INVALID
    assert "invalid-too-few-runs" in found.warnings
    assert "too-few-runs" not in found.warnings


@pytest.mark.parametrize("minutes", [None, math.nan, math.inf, 0.0, -1.0])
def test_converged_without_usable_time_counts_as_missed(minutes: float | None) -> None:
    found = score([10.0, 12.0, 13.0, 14.0, minutes], ["converged"] * 5, RESNET)
    assert found.score_minutes == 13.0
    assert found.warnings == ("run-without-time", "nonconverged-dropped")


def test_campaigns_use_their_own_number_of_runs() -> None:
    found = scored(*map(float, range(1, 8)), rules=campaign_rules(7))
    assert (found.score_minutes, found.warnings) == (4.0, ())


def test_ncf_takes_the_first_fifty_converged_in_order_of_launch() -> None:
    """Every other run converges, after 1, 2, … 50 minutes; the runs are given in reverse."""
    launched = [float(launch) for launch in range(100)]
    minutes = [1.0 + launch // 2 for launch in range(100)]
    statuses = ["converged" if launch % 2 == 0 else "not_converged" for launch in range(100)]
    found = score(minutes[::-1], statuses[::-1], NCF, launched=launched[::-1])
    assert found.score_minutes == pytest.approx(sum(range(2, 50)) / 48)
    assert (found.state, found.warnings) == (ScoreState.VALID, ())
    assert found.dropped_fast == (99,)  # launched first, given last


def test_ncf_passes_over_later_runs() -> None:
    """The 50 fast ones come first, the slow ones after them do not count."""
    found = score([5.0] * 50 + [500.0] * 50, ["converged"] * 100, NCF)
    assert found.score_minutes == 5.0
    assert set(found.kept + found.dropped_fast + found.dropped_slow) == set(range(50))


def test_ncf_counts_a_hundred_launches_at_most() -> None:
    statuses = ["not_converged"] * 51 + ["converged"] * 60
    found = score([5.0] * 111, statuses, NCF)
    assert found.warnings == ("extra-runs", "invalid-nonconverged")


def test_ncf_without_fifty_converged() -> None:
    found = score([5.0] * 100, ["converged"] * 49 + ["not_converged"] * 51, NCF)
    assert (found.state, found.warnings) == (ScoreState.INVALID, ("invalid-nonconverged",))
    assert score([5.0] * 49, ["converged"] * 49, NCF).warnings == ("invalid-too-few-runs",)


def test_ncf_with_absent_runs_or_unknown_launches() -> None:
    absent = score([5.0] * 99 + [None], ["converged"] * 99 + ["absent"], NCF)
    assert (absent.state, absent.warnings) == (ScoreState.UNKNOWN, ("unknown-absent-runs",))
    unsure = score([5.0] * 100, ["converged"] * 100, NCF, launched=[None, *map(float, range(99))])
    assert (unsure.score_minutes, unsure.warnings) == (5.0, ("launch-order-unknown",))
    without_order = score([10.0] * 100, [RunStatus.CONVERGED] * 100, NCF, launched=[math.nan, *range(99)])
    assert "launch-order-unknown" in without_order.warnings
    with pytest.raises(InputError, match="99 launch times for 100 runs"):
        score([5.0] * 100, ["converged"] * 100, NCF, launched=[0.0] * 99)


def test_runs_as_read_from_logs() -> None:
    runs = [Run(f"result_{i}.txt", RunStatus.CONVERGED, float(i), minutes=10.0 + i) for i in range(5)]
    assert score_runs(runs, RESNET, 2.0).score_minutes == 24.0


def test_input_errors_of_scores() -> None:
    with pytest.raises(InputError, match="2 times but 1 statuses"):
        score([1.0, 2.0], ["converged"], RESNET)
    with pytest.raises(InputError, match="run 1: status 'success' is unknown; it is one of converged, not_"):
        score([1.0, 2.0], ["converged", "success"], RESNET)
    for factor in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(InputError, match=r"resnet: scaling factor .* is not a positive number"):
            score([1.0] * 5, ["converged"] * 5, RESNET, factor)


def test_median_of_five() -> None:
    assert median_score([14.0, 10.0, 99.0, 12.0, 11.0], ["converged"] * 5).minutes == 12.0
    assert median_score([10.0, 11.0, 12.0, 14.0], ["converged"] * 4).minutes == 11.5


def test_median_counts_missed_targets_as_slowest() -> None:
    found = median_score([10.0, 11.0, 12.0, None, None], ["converged"] * 3 + ["not_converged"] * 2)
    assert (found.minutes, found.state) == (12.0, ScoreState.VALID)
    found = median_score([10.0, 11.0, None, None, None], ["converged"] * 2 + ["not_converged"] * 3)
    assert (found.minutes, found.state) == (None, ScoreState.INVALID)
    assert found.warnings == ("invalid-nonconverged",)


def test_median_of_absent_or_no_runs() -> None:
    found = median_score([10.0, None], ["converged", "absent"])
    assert (found.state, found.warnings) == (ScoreState.UNKNOWN, ("unknown-absent-runs",))
    assert median_score([], []).warnings == ("invalid-too-few-runs",)


def test_energy_follows_the_runs_dropped_for_time() -> None:
    """The fastest run took most energy and the slowest least; both go because of their times."""
    energies = [9e6, 3e6, 4e6, 5e6, 1e3]
    found = scored(10.0, 14.0, 11.0, 12.0, 99.0)
    assert olympic_energy(energies, found) == pytest.approx(4e6)
    assert olympic_energy(energies, replace(found, scaling_factor=1.5)) == pytest.approx(6e6)


def test_energy_of_a_set_without_all_readings() -> None:
    found = scored(10.0, 14.0, 11.0, 12.0, 99.0)
    assert olympic_energy([None, 3e6, 4e6, 5e6, None], found) == pytest.approx(4e6)  # both are dropped
    assert olympic_energy([9e6, None, 4e6, 5e6, 1e3], found) is None
    assert olympic_energy([1.0] * 5, scored(10.0, "not_converged", "not_converged", 1.0, 2.0)) is None
    with pytest.raises(InputError, match="4 energies for 5 scored runs"):
        olympic_energy([1.0] * 4, found)


@given(
    st.lists(st.floats(0.1, 1e4), min_size=3, max_size=12),
    st.floats(0.5, 2.0),
    st.randoms(use_true_random=False),
)
def test_scores_are_scale_and_order_free(minutes: list[float], factor: float, order: object) -> None:
    """Order of filing is irrelevant, time units cancel, and the score lies between its extremes."""
    rules = campaign_rules(len(minutes))
    found = score(minutes, ["converged"] * len(minutes), rules)
    assert found.score_minutes is not None
    inner = sorted(minutes)[1:-1]
    assert inner[0] * (1 - 1e-12) <= found.score_minutes <= inner[-1] * (1 + 1e-12)
    shuffled = list(minutes)
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    assert score(shuffled, ["converged"] * len(minutes), rules).score_minutes == found.score_minutes
    scaled = score([minute * factor for minute in minutes], ["converged"] * len(minutes), rules)
    assert scaled.score_minutes == pytest.approx(found.score_minutes * factor, rel=1e-12)
