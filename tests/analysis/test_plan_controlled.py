"""Planning the convergence-controlled estimate on published sets."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest

from mlperf_stats.analysis.plan import plan_width
from mlperf_stats.analysis.plan_controlled import MOST_SETS, borrowers, controlled_widths
from mlperf_stats.analysis.results import results_table
from mlperf_stats.analysis.spread import benchmark_spread, pilot_set
from mlperf_stats.errors import StatisticsError, TooFewRunsError
from mlperf_stats.stats.controlled_planning import ControlledWidths
from mlperf_stats.store import Filters, Store, open_snapshot


@pytest.fixture(scope="module")
def snapshot() -> Iterator[Store]:
    with open_snapshot() as store:
        yield store


def test_control_saves_runs_where_convergence_varies(snapshot: Store) -> None:
    spread = benchmark_spread(snapshot, "unet3d")
    found = borrowers(snapshot, spread)
    assert 5 < len(found) <= MOST_SETS
    plan = plan_width(spread, 0.1, controlled=ControlledWidths(found), with_curve=False)
    runs = {row["estimand"]: row["runs"] for row in plan.rows}
    assert runs["controlled"] < runs["geometric-mean"] / 5
    # The mark set by a robust version of the estimate: 3 runs ±7.9 %, own runs ±57 %.
    assert ControlledWidths(found).half_width(3, assurance=0.5) < 0.079
    widths = ControlledWidths(found)
    by_runs = [widths.half_width(n) for n in (1, 3, 10, 40)]
    assert by_runs == sorted(by_runs, reverse=True)


def test_curve_has_the_controlled_estimate(snapshot: Store) -> None:
    spread = benchmark_spread(snapshot, "rgat")
    curve = plan_width(spread, 0.05, controlled=controlled_widths(snapshot, spread)).curve
    assert curve[0]["controlled"] < curve[0]["geometric_mean"]
    widths = [row["controlled"] for row in curve]
    assert widths == sorted(widths, reverse=True)


@pytest.mark.parametrize(("name", "gbs"), [("retinanet", 256), ("retinanet", None), ("gpt3", None)])
def test_all_larger_numbers_keep_what_one_promises(snapshot: Store, name: str, gbs: int | None) -> None:
    """A single run shows nothing of its own throughput: few runs look narrower than some more do."""
    widths = ControlledWidths(borrowers(snapshot, benchmark_spread(snapshot, name, gbs=gbs)))
    by_runs = [widths.half_width(n) for n in range(1, 60)]
    assert by_runs == sorted(by_runs, reverse=True)
    answers = [widths.fewest_runs(wanted) or 999 for wanted in (0.005, 0.01, 0.015, 0.02, 0.05, 0.2)]
    assert answers == sorted(answers, reverse=True)
    for wanted, answer in zip((0.01, 0.02, 0.05), answers[1:], strict=False):
        assert answer == 999 or widths.half_width(answer) <= wanted * (1 + 1e-12)


@pytest.mark.parametrize(("name", "gbs"), [("retinanet", 256), ("bert", None), ("unet3d", None)])
def test_published_results_have_the_intervals_that_are_promised(
    snapshot: Store, name: str, gbs: int | None
) -> None:
    """What ``show`` prints for the official number of runs is as narrow as planned, four times of five."""
    spread = benchmark_spread(snapshot, name, gbs=gbs)
    promised = ControlledWidths(borrowers(snapshot, spread)).half_width(spread.benchmark.scored_runs)
    ids = {entry.result.result_id for entry in spread.sets}
    shown = [
        math.sinh(math.log(row["controlled_high"] / row["controlled_low"]) / 2)
        for row in results_table(snapshot, Filters(benchmarks=(name, "ssd")))
        if row["result_id"] in ids and row["controlled_low"]
    ]
    # The plan tries 30 of the sets: binomial error of their 80 % is 7 points.
    assert 0.7 < sum(width <= promised for width in shown) / len(shown) < 0.95


def test_what_it_means_that_control_takes_more_runs(snapshot: Store) -> None:
    spread = benchmark_spread(snapshot, "llama31_405b")
    plan = plan_width(spread, 0.025, controlled=controlled_widths(snapshot, spread), with_curve=False)
    runs = {row["estimand"]: row["runs"] for row in plan.rows}
    assert ("decide for one before measuring" in plan.basis[-1]) == (
        runs["controlled"] > runs["geometric-mean"]
    )


def test_a_pilot_is_planned_by_itself(snapshot: Store) -> None:
    pilot = pilot_set(snapshot, "5.0/tinycorp/tinybox_red/bert")
    found = borrowers(snapshot, benchmark_spread(snapshot, "bert", pilot=pilot))
    assert [own.label for _, own in found] == ["5.0/tinycorp/tinybox_red/bert"]


def test_benchmarks_without_convergence_have_no_borrowers(snapshot: Store) -> None:
    """gpt3 has few systems a round; whoever is there lends, an empty answer is no error."""
    assert len(borrowers(snapshot, benchmark_spread(snapshot, "gpt3"))) <= MOST_SETS


def test_what_cannot_be_reached(snapshot: Store) -> None:
    found = borrowers(snapshot, benchmark_spread(snapshot, "unet3d"))
    assert ControlledWidths(found).fewest_runs(0.0005) is None
    with pytest.raises(TooFewRunsError, match="at least 1 set"):
        ControlledWidths(())
    with pytest.raises(StatisticsError):
        ControlledWidths(found).half_width(0)
    with pytest.raises(StatisticsError, match="level"):
        ControlledWidths(found).half_width(3, level=95)


def test_kept_trials_answer_as_new_ones_do(snapshot: Store) -> None:
    """One object answers for all levels and assurances, in any order."""
    found = borrowers(snapshot, benchmark_spread(snapshot, "gpt3"))
    kept = ControlledWidths(found)
    asked = [(5, 0.95, 0.8), (5, 0.9, 0.8), (5, 0.95, 0.5), (7, 0.9, 0.5), (5, 0.95, 0.8)]
    answers = [kept.half_width(*question) for question in asked]
    assert answers == [ControlledWidths(found).half_width(*question) for question in asked]
    assert answers[0] == answers[-1]
    assert answers[1] < answers[0]
    assert answers[2] < answers[0]
