"""Plans from the published snapshot and from pilots."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest
from madeup_logs import run_log, submission_files, write_tree

from mlperf_stats.analysis.at_hand import logs_at_hand
from mlperf_stats.analysis.audit import AUDIT_COLUMNS, plan_audit
from mlperf_stats.analysis.plan import plan_detect, plan_width
from mlperf_stats.analysis.plan_cost import failure_rate, plan_cost, plan_valid, price_of
from mlperf_stats.analysis.results import results_table
from mlperf_stats.analysis.run_sets import RunSet
from mlperf_stats.analysis.spread import Spread, benchmark_spread, pilot_set, spread_for
from mlperf_stats.analysis.variance import variance_report
from mlperf_stats.errors import InputError, MlperfStatsError, NotFoundError, StatisticsError
from mlperf_stats.store import Filters, Store, open_memory, open_snapshot
from mlperf_stats.store.ingest import ingest


@pytest.fixture(scope="module")
def snapshot() -> Iterator[Store]:
    with open_snapshot() as store:
        yield store


@pytest.fixture(scope="module")
def bert(snapshot: Store) -> Spread:
    return benchmark_spread(snapshot, "bert")


def pilot(folder: Path, minutes: tuple[float, ...], **other: bytes) -> RunSet:
    files = submission_files("ACME", "x8", "resnet", minutes)
    files |= {f"ACME/results/x8/resnet/{name}.txt": content for name, content in other.items()}
    with logs_at_hand(write_tree(folder, files), "4.0") as (store, _):
        return pilot_set(store)


def test_width_of_bert(bert: Spread) -> None:
    plan = plan_width(bert, 0.025)
    runs = {row["estimand"]: row["runs"] for row in plan.rows}
    # Asymptotically the median takes π/2 times the runs of the mean; sets of few distinct times take more.
    assert 40 < runs["geometric-mean"] <= runs["expected-score"] < 1.5 * runs["geometric-mean"]
    assert 1.5 * runs["geometric-mean"] < runs["median"] < 2.5 * runs["geometric-mean"]
    assert all(row["official_half_width"] > 0.05 for row in plan.rows)
    by_runs = [row["expected_score"] for row in plan.curve]
    assert by_runs == sorted(by_runs, reverse=True)
    assert "each run counted once" in plan.basis[0]


def test_rounds_and_batch_sizes_narrow_the_pool(snapshot: Store, bert: Spread) -> None:
    one = benchmark_spread(snapshot, "bert", rounds=["5.0"])
    assert one.rounds == ("5.0",)
    assert 0 < len(one.sets) < len(bert.sets)
    sized = benchmark_spread(snapshot, "bert", gbs=3072)
    assert {entry.gbs for entry in sized.sets} == {3072}


def test_former_names_belong_together_and_other_workloads_do_not(snapshot: Store) -> None:
    spread = benchmark_spread(snapshot, "ssd")
    assert spread.benchmark.name == "retinanet"
    assert spread.rounds == ("2.0", "3.0", "4.0", "5.0")


def test_pilot_is_weighed_with_published_runs(tmp_path: Path, snapshot: Store) -> None:
    alone = Spread(
        pilot(tmp_path / "a", (10.0, 10.5, 9.5, 10.2)).rules,
        (),
        (),
        pilot(tmp_path / "a", (10.0, 10.5, 9.5, 10.2)),
    )
    assert alone.law().df == 3
    noisy = pilot(tmp_path / "b", (10.0, 13.0, 8.0, 11.0, 9.0))
    published = benchmark_spread(snapshot, "resnet")
    both = benchmark_spread(snapshot, "resnet", pilot=noisy)
    assert both.law().typical_spread > 10 * published.law().typical_spread
    assert "Pilot 4.0/ACME/x8/resnet" in " ".join(plan_width(both, 0.1).basis)


@pytest.fixture
def campaigns(tmp_path: Path) -> Iterator[Store]:
    """Three published sets of resnet, and three campaigns under the same name."""
    minutes = (10.0, 10.5, 9.5, 10.2, 10.1)
    with open_memory() as store:
        for name, number in (("4.0", 5), ("local", 4)):
            files: dict[str, bytes] = {}
            for system in ("x1", "x2", "x3"):
                times = [time * float(system[1:]) for time in minutes[:number]]
                files |= submission_files("ACME", f"{system}_{name}", "resnet", times)
            files |= submission_files("ACME", f"pair_{name}", "resnet", minutes[:2])
            ingest(store, [write_tree(tmp_path / name, files)], round=name)
        yield store


def test_own_campaigns_do_not_stand_for_the_benchmark(campaigns: Store) -> None:
    """A campaign that has a benchmark's name is another workload, and not the latest round of it."""
    published = benchmark_spread(campaigns, "resnet")
    assert (published.benchmark.round, published.benchmark.runs) == ("4.0", 5)
    assert published.rounds == ("4.0",)
    own = benchmark_spread(campaigns, "resnet", rounds=["local"])
    assert {entry.result.round for entry in own.sets} == {"local"}


def test_a_campaign_is_planned_with_its_own_number_of_runs(campaigns: Store) -> None:
    for name, runs in (("x1_local", 4), ("pair_local", 3)):
        spread = spread_for(campaigns, pilot=f"local/ACME/{name}/resnet")
        assert (spread.benchmark.round, spread.benchmark.runs) == ("local", runs)
        rows = plan_width(spread, 0.2, with_curve=False).rows
        assert {row["official_runs"] for row in rows} == {runs}
        assert all(row["runs"] < 50 for row in rows)
        assert plan_valid(spread).rows[0]["runs"] == runs
        powers = [row["official_power"] for row in plan_detect(spread, 0.5).rows if row["test"] == "t"]
        assert all(0 < power <= 1 for power in powers)


def test_sets_that_mix_batch_sizes_are_no_published_runs(tmp_path: Path) -> None:
    files = submission_files("ACME", "x1", "resnet", (10.0, 10.5))
    files["ACME/results/x1/resnet/result_2.txt"] = run_log(10.2, gbs=512, seed=9)
    with open_memory() as store:
        ingest(store, [write_tree(tmp_path, files)], round="4.0")
        with pytest.raises(NotFoundError, match="every published set mixes global batch sizes"):
            benchmark_spread(store, "resnet")


@pytest.mark.parametrize("name", ["my-bench", "MyBench"])
def test_campaigns_are_found_by_the_name_they_have(tmp_path: Path, name: str) -> None:
    with open_memory() as store:
        ingest(store, [write_tree(tmp_path, submission_files("ACME", "x1", name))], round="local")
        assert spread_for(store, pilot=f"local/ACME/x1/{name}").benchmark.name == name
        assert len(spread_for(store, name).sets) == 1


def test_a_pilot_borrows_from_its_own_workload(snapshot: Store) -> None:
    """v0.5's resnet trained to another target than later rounds'."""
    own = pilot_set(snapshot, "0.5/google/cloud_v3.8/resnet-tpuv3-8/tpu/resnet")
    spread = benchmark_spread(snapshot, "resnet", pilot=own)
    assert spread.benchmark.workload == own.rules.workload == "resnet50-imagenet@0.749"
    assert spread.rounds == ("0.5",)
    assert own.result.result_id not in {entry.result.result_id for entry in spread.sets}


def test_pilot_with_mixed_batch_sizes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="256, 512"):
        pilot(tmp_path, (10.0, 11.0), result_9=run_log(10, gbs=512))
    with pytest.raises(InputError, match="two converged runs"):
        pilot(tmp_path / "one", (10.0,))


def test_detect(bert: Spread) -> None:
    rows = {(row["basis"], row["test"]): row for row in plan_detect(bert, 0.03).rows}
    assert rows["equal-convergence", "t"]["runs_per_system"] < rows["raw", "t"]["runs_per_system"] / 5
    assert rows["raw", "t"]["official_power"] < 0.3
    one_sided = plan_detect(bert, 0.03, sides=1).rows[0]["runs_per_system"]
    assert one_sided < rows["raw", "t"]["runs_per_system"]
    alike = plan_detect(bert, 0.0, equivalence=0.05)
    assert {row["question"] for row in alike.rows} == {"equivalence"}


@pytest.mark.parametrize("name", ["resnet", "bert"])
def test_both_tests_of_a_difference_rest_on_the_same(snapshot: Store, name: str) -> None:
    plan = plan_detect(benchmark_spread(snapshot, name), 0.01)
    runs = {row["test"]: row["runs_per_system"] for row in plan.rows if row["basis"] == "raw"}
    # Noether's efficiency is 3 / π for normal times.
    assert runs["mann-whitney"] == pytest.approx(runs["t"], rel=0.12)
    assert all(0 <= row["official_power"] <= 1 for row in plan.rows)
    assert ("which the spread leaves out" in plan.basis[-1]) == (name == "resnet")


def test_valid_is_exact(bert: Spread) -> None:
    (row,) = plan_valid(bert, rate=0.05).rows
    assert row["invalid"] == pytest.approx(0.0861, abs=0.00005)
    assert row["launches"] == 28
    (published,) = plan_valid(bert).rows
    assert (
        published["invalid_low"]
        < published["invalid"]
        < published["invalid_predicted"]
        < published["invalid_high"]
    )
    assert failure_rate(bert).observed == bert.observed


def test_cost(bert: Spread) -> None:
    plan = plan_cost(bert, 0.05, price_of(bert, 30.0, 8, 2.5))
    enough = next(row for row in plan.rows if row["enough"])
    assert enough["valid"] >= 0.95
    assert enough["narrow"] >= 0.8
    assert enough["hours"] == enough["launches"] * 0.5
    assert enough["money"] == pytest.approx(enough["hours"] * 8 * 2.5)
    assert all(not row["enough"] for row in plan.rows if row["runs"] < enough["runs"])
    known = price_of(bert, None, 8, None)
    assert 1 < known.minutes < 60


def test_audit(snapshot: Store) -> None:
    plan = plan_audit(snapshot)
    rows = {(row["benchmark"], row["rounds"]): row for row in plan.rows}
    assert all(tuple(row) == AUDIT_COLUMNS for row in plan.rows)
    unet3d = rows["unet3d", "1.0;2.0;3.0;4.0"]
    assert unet3d["official_runs"] == 40
    assert 0.08 < unet3d["half_width_typical"] < 0.11
    assert unet3d["sets_within_rule"] < 0.05
    assert {"Within: share of sets whose own interval, as filed, is within the rule."} <= {
        sentence.partition("benchmarks. ")[2] for sentence in plan.basis
    }


@pytest.mark.parametrize("name", ["resnet", "bert"])
def test_the_audit_is_about_the_intervals_that_results_show(snapshot: Store, name: str) -> None:
    """Ties included: nearly all sets of resnet converge at one evaluation, none of bert."""
    (row,) = (one for one in plan_audit(snapshot, Filters(benchmarks=(name,))).rows if "4.0" in one["rounds"])
    filters = Filters(benchmarks=(name,), rounds=tuple(row["rounds"].split(";")), divisions=("closed",))
    shown = [
        (result["expected_high"] - result["expected_low"]) / 2 / result["expected_minutes"]
        for result in results_table(snapshot, filters)
        if result["runs_converged"] >= 3
    ]
    assert row["half_width_typical"] == pytest.approx(statistics.median(shown), rel=0.1)
    assert row["sets_within_rule"] == pytest.approx(
        statistics.fmean(width <= row["rule"] for width in shown), abs=0.04
    )
    variance = variance_report(snapshot, filters).benchmarks
    (pooled,) = (one for one in variance if "4.0" in one["rounds"])
    assert row["sets_within_rule"] == pytest.approx(pooled["own_within_rule"], abs=0.02)


def test_runs_that_tie_are_planned_with_what_they_do_not_show(tmp_path: Path, snapshot: Store) -> None:
    spread = benchmark_spread(snapshot, "retinanet", gbs=256)
    plan = plan_width(spread, 0.01, with_curve=False)
    runs = {row["estimand"]: row["runs"] for row in plan.rows}
    # A step of a fifth of the work: 2·(1/5)²·√(2 / (n (n + 1))) is 1 % at n = 56, for the typical set.
    assert 56 <= runs["geometric-mean"] < 90
    assert any("all runs converged at one evaluation" in sentence for sentence in plan.basis)
    tied = pilot(tmp_path / "tied", (10.0, 10.01, 9.99, 10.02))
    known = benchmark_spread(snapshot, "resnet", pilot=tied, pilot_step=tied.points[0] / 10)
    unknown = benchmark_spread(snapshot, "resnet", pilot=tied)
    widths = [plan_width(one, 0.02).curve[0]["geometric_mean"] for one in (unknown, known)]
    assert widths[0] <= widths[1]


def test_answers_and_errors_name_one_spread(bert: Spread) -> None:
    said = f"One run scatters by {bert.law().typical_spread:.2%} "
    assert any(sentence.startswith(said) for sentence in plan_width(bert, 0.05, with_curve=False).basis)
    with pytest.raises(StatisticsError, match=said[1:-1]):
        plan_width(bert, 0.00001)


@pytest.mark.parametrize("name", ["resnet", "retinanet", "bert"])
def test_the_median_keeps_what_it_promises(snapshot: Store, name: str) -> None:
    """Ranks move in by jumps, and what ties hide is no part of an exact interval, of many runs neither."""
    spread = benchmark_spread(snapshot, name)
    plan = plan_width(spread, 0.01)
    curve = {row["runs"]: row["median"] for row in plan.curve}
    assert list(curve.values()) == sorted(curve.values(), reverse=True)
    # From 60 to 100 runs √(60 / 100), up to the ranks; not the width that the mean has.
    assert 0.65 < curve[100] / curve[60] < 0.9
    says = any("looks narrow because evaluation is coarse" in sentence for sentence in plan.basis)
    assert says == (name != "bert")
    assert not any("median's interval" in sentence for sentence in plan_detect(spread, 0.03).basis)


@pytest.mark.parametrize(
    ("ask", "says"),
    [
        (lambda bert: plan_width(bert, 0.0), "2.5 %"),
        (lambda bert: plan_width(bert, 0.02, assurance=1.0), "no number of runs"),
        (lambda bert: plan_width(bert, 0.00001), "wider interval"),
        (lambda bert: plan_detect(bert, 0.03, power=1.0), "infinitely many"),
        (lambda bert: plan_detect(bert, 0.0), "equivalence margin"),
        (lambda bert: plan_detect(bert, -1.0), "above -100 %"),
        (lambda bert: plan_detect(bert, 0.01, equivalence=0.0), "margin 0.0 is not above 0"),
        (lambda bert: plan_valid(bert, rate=1.0), "0.02 for 2 %"),
        (lambda bert: plan_cost(bert, 0.05, price_of(bert, None, 7, None)), "published"),
        (lambda bert: price_of(bert, -1, 8, None), "--minutes"),
    ],
)
def test_impossible_requests_say_what_is_possible(bert: Spread, ask, says: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises((StatisticsError, InputError), match=says):
        ask(bert)


def test_nothing_published(snapshot: Store) -> None:
    with pytest.raises(NotFoundError, match=r"there are .*bert"):
        benchmark_spread(snapshot, "alexnet")
    with pytest.raises(NotFoundError, match=r"batch size 7; there are .*3072"):
        benchmark_spread(snapshot, "bert", gbs=7)
    with pytest.raises(MlperfStatsError, match="widen"):
        plan_audit(snapshot, Filters(submitters=("nobody",)))
