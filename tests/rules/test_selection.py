"""The window rule by hand: order of launch, infinite windows, the median of odd and even numbers."""

from __future__ import annotations

import math

import pytest

from mlperf_stats.errors import InputError, RulesError
from mlperf_stats.model import Run, RunStatus
from mlperf_stats.rules.scoring import ScoreState
from mlperf_stats.rules.selection import Selection, select, select_runs
from mlperf_stats.rules.suite import benchmark

GPT3 = benchmark("4.0", "gpt3")  # N = 3: the score is the middle run


def selected(*outcomes: float | str) -> Selection:
    """Selection among runs given in order of launch, as minutes or the status of a run without time."""
    return select(
        [outcome if isinstance(outcome, float) else None for outcome in outcomes],
        ["converged" if isinstance(outcome, float) else outcome for outcome in outcomes],
        [float(launch) for launch in range(len(outcomes))],
        GPT3,
    )


def test_the_median_of_three_windows() -> None:
    """Windows (5, 1, 9), (1, 9, 7), (9, 7, 8) score 5, 7, 8."""
    found = selected(5.0, 1.0, 9.0, 7.0, 8.0)
    assert [window.rank_minutes for window in found.windows] == [5.0, 7.0, 8.0]
    assert found.chosen == 1
    assert found.window is not None
    assert found.window.runs == (1, 2, 3)
    assert found.score is not None
    assert (found.score.score_minutes, found.score.kept, found.score.dropped_fast) == (7.0, (3,), (1,))
    assert found.state is ScoreState.VALID


def test_n_runs_have_one_window() -> None:
    found = selected(5.0, 1.0, 9.0)
    assert (len(found.windows), found.chosen) == (1, 0)


def test_of_an_even_number_of_windows_the_slower_middle_one_is_taken() -> None:
    """Four runs: windows score 5 and 7. Six runs: 5, 7, 8, 6 → sorted 5, 6, 7, 8, the third is taken."""
    found = selected(5.0, 1.0, 9.0, 7.0)
    assert [window.rank_minutes for window in found.windows] == [5.0, 7.0]
    assert found.chosen == 1
    found = selected(5.0, 1.0, 9.0, 7.0, 8.0, 6.0)
    assert [window.rank_minutes for window in found.windows] == [5.0, 7.0, 8.0, 7.0]
    assert found.chosen == 3  # 5, 7, 7, 8: of the equal ones the later launch ranks higher


def test_windows_follow_launch_times_not_the_order_given() -> None:
    found = select([7.0, 9.0, 8.0, 5.0, 1.0], ["converged"] * 5, [4.0, 3.0, 5.0, 1.0, 2.0], GPT3)
    assert [window.runs for window in found.windows] == [(3, 4, 1), (4, 1, 0), (1, 0, 2)]
    assert found.chosen == 1


def test_invalid_windows_count_as_infinite() -> None:
    """One window of three is invalid: it ranks last and the median is the slower valid one."""
    found = selected(5.0, 6.0, 7.0, "not_converged", "not_converged")
    assert [window.rank_minutes for window in found.windows] == [6.0, 7.0, math.inf]
    assert found.chosen == 1
    assert found.state is ScoreState.VALID


def test_an_invalid_median_window_makes_the_result_invalid() -> None:
    found = selected(5.0, 6.0, "not_converged", "not_converged", 8.0)
    assert [window.rank_minutes for window in found.windows] == [6.0, math.inf, math.inf]
    assert found.state is ScoreState.INVALID
    assert found.score is not None
    assert found.score.score_minutes is None


def test_absent_runs_leave_the_choice_unknown() -> None:
    found = selected(5.0, 6.0, 7.0, "absent")
    assert (found.chosen, found.window, found.score, found.state) == (None, None, None, ScoreState.UNKNOWN)


def test_scaling_applies_to_every_window() -> None:
    found = select([5.0, 1.0, 9.0], ["converged"] * 3, [0.0, 1.0, 2.0], GPT3, 2.0)
    assert found.windows[0].score.score_minutes == 10.0


def test_runs_as_read_from_logs() -> None:
    runs = [
        Run(f"result_{i}.txt", RunStatus.CONVERGED, start_ms=float(-i), minutes=minutes)
        for i, minutes in enumerate([8.0, 7.0, 9.0, 1.0, 5.0])
    ]
    found = select_runs(runs, GPT3)
    assert [window.runs for window in found.windows] == [(4, 3, 2), (3, 2, 1), (2, 1, 0)]
    assert found.score is not None
    assert found.score.kept == (1,)


def test_input_errors() -> None:
    with pytest.raises(RulesError, match="gpt3: no window of 3 runs in 2; measure at least 3 runs"):
        selected(5.0, 6.0)
    with pytest.raises(InputError, match="run 1 has no launch time"):
        select([5.0] * 3, ["converged"] * 3, [0.0, None, 1.0], GPT3)
    with pytest.raises(InputError, match="run 0 has no launch time"):
        select([5.0] * 3, ["converged"] * 3, [math.nan, 0.0, 1.0], GPT3)
    with pytest.raises(InputError, match="2 launch times for 3 runs"):
        select([5.0] * 3, ["converged"] * 3, [0.0, 1.0], GPT3)
    with pytest.raises(InputError, match="3 times but 2 statuses"):
        select([5.0] * 3, ["converged"] * 2, [0.0, 1.0, 2.0], GPT3)
