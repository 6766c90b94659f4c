"""Planning the convergence-controlled estimate on published sets."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mlperf_stats.analysis.plan import plan_width
from mlperf_stats.analysis.plan_controlled import MOST_SETS, borrowers
from mlperf_stats.analysis.spread import benchmark_spread, pilot_set
from mlperf_stats.errors import StatisticsError, TooFewRunsError
from mlperf_stats.stats.controlled_planning import ControlledWidths
from mlperf_stats.store import Store, open_snapshot


@pytest.fixture(scope="module")
def snapshot() -> Iterator[Store]:
    with open_snapshot() as store:
        yield store


def test_control_saves_runs_where_convergence_varies(snapshot: Store) -> None:
    spread = benchmark_spread(snapshot, "unet3d")
    found = borrowers(snapshot, spread)
    assert 5 < len(found) <= MOST_SETS
    plan = plan_width(spread, 0.1, borrowers=found, with_curve=False)
    runs = {row["estimand"]: row["runs"] for row in plan.rows}
    assert runs["controlled"] < runs["geometric-mean"] / 5
    # The mark set by a robust version of the estimate: 3 runs ±7.9 %, own runs ±57 %.
    assert ControlledWidths(found, assurance=0.5).half_width(3) < 0.079
    by_runs = [ControlledWidths(found).half_width(n) for n in (1, 3, 10, 40)]
    assert by_runs == sorted(by_runs, reverse=True)


def test_curve_has_the_controlled_estimate_for_few_runs(snapshot: Store) -> None:
    spread = benchmark_spread(snapshot, "rgat")
    curve = plan_width(spread, 0.05, borrowers=borrowers(snapshot, spread)).curve
    assert curve[0]["controlled"] < curve[0]["geometric_mean"]
    assert curve[-1]["controlled"] is None


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
