"""Scale on the published snapshot: what follows from what, and what is refused."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path

import pytest
from madeup_logs import run_log, system_json, write_tree

from mlperf_stats.analysis.results import results_table
from mlperf_stats.analysis.scale import FIT_COLUMNS, RESULT_COLUMNS, scale_report
from mlperf_stats.analysis.scale_curve import LAW_COLUMNS, POINT_COLUMNS, scale_curve
from mlperf_stats.analysis.scale_differences import Verdict, scale_differences
from mlperf_stats.analysis.scale_price import COLUMNS as PART_COLUMNS
from mlperf_stats.analysis.scale_price import scale_price
from mlperf_stats.errors import InputError, NotFoundError, StatisticsError
from mlperf_stats.rules.wording import DERIVED
from mlperf_stats.store import Filters, Store, open_memory, open_snapshot
from mlperf_stats.store.ingest import ingest

LORA = Filters(rounds=("5.0",), benchmarks=("llama2_70b_lora",))
RESNET = Filters(rounds=("2.0",), benchmarks=("resnet",), divisions=("closed",))


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    with open_snapshot() as opened:
        yield opened


def test_figures_follow_from_the_results_table(store: Store) -> None:
    report = scale_report(store, LORA, price_per_hour=3.0)
    table = {row["result_id"]: row for row in results_table(store, LORA)}
    assert {row["result_id"] for row in report.results} == set(table)
    for row in report.results:
        source = table[row["result_id"]]
        assert row["minutes"] == source["controlled_minutes"]
        assert row["accelerator_minutes"] == pytest.approx(row["minutes"] * source["accelerators"])
        # Three units of money per 60 accelerator-minutes.
        assert row["cost_high"] == pytest.approx(row["accelerator_minutes_high"] * 3.0 / 60)


def test_efficiency_is_to_the_smallest_of_the_same_family(store: Store) -> None:
    rows = {row["result_id"]: row for row in scale_report(store, LORA).results}
    scaled = [row for row in rows.values() if row["base"]]
    assert scaled
    for row in scaled:
        base = rows[row["base"]]
        assert base["accelerators"] < row["accelerators"]
        assert base["submitter"].casefold() == row["submitter"].casefold()
        assert base["accelerator_kind"] == row["accelerator_kind"]
        assert row["efficiency"] == pytest.approx(base["accelerator_minutes"] / row["accelerator_minutes"])
        assert row["efficiency_low"] < row["efficiency"] < row["efficiency_high"]
        assert row["differs"] is not (row["efficiency_low"] <= 1 <= row["efficiency_high"])


def test_energy_is_there_where_it_was_measured(store: Store) -> None:
    report = scale_report(store, Filters(rounds=("4.0",), benchmarks=("llama2_70b_lora",)))
    measured = [row for row in report.results if row["energy_joules"] is not None]
    assert measured
    assert all("power" in row["submitter"] for row in measured)


def test_a_fit_does_not_depend_on_who_else_is_shown(store: Store) -> None:
    alone = scale_report(store, Filters(("5.0",), submitters=("oracle",), benchmarks=("llama2_70b_lora",)))
    everyone = scale_report(store, LORA)
    wanted = [row for row in everyone.fits if row["submitter"] == "Oracle"]
    assert wanted
    assert list(alone.fits) == wanted


def test_fits_say_what_doubling_and_the_whole_span_leave(store: Store) -> None:
    for row in scale_report(store, LORA).fits:
        span = math.log2(row["to_accelerators"] / row["from_accelerators"])
        assert row["doubling"] == pytest.approx(2 ** (row["exponent"] - 1))
        assert row["efficiency"] == pytest.approx(row["doubling"] ** span)
        assert row["exponent_low"] < row["exponent"] < row["exponent_high"]


def test_a_lower_level_gives_narrower_intervals(store: Store) -> None:
    chosen = Filters(rounds=("5.0",), benchmarks=("rgat",), submitters=("nvidia",))
    wide, narrow = (scale_report(store, chosen, level=level).results for level in (0.95, 0.8))
    for first, second in zip(wide, narrow, strict=True):
        assert first["minutes_low"] < second["minutes_low"] < second["minutes_high"] < first["minutes_high"]


def test_differences_are_against_the_best_and_hide_noise(store: Store) -> None:
    found = scale_differences(store, Filters(rounds=("5.0",), benchmarks=("rgat",)))
    values = [row["value"] for row in found.rows]
    assert values == sorted(values)
    assert found.rows[0]["verdict"] is Verdict.BEST
    for row in found.rows[1:]:
        assert row["best"] == found.rows[0]["result_id"]
        assert row["ratio"] == pytest.approx(row["value"] / values[0])
        assert (row["verdict"] is Verdict.NOISE) == (row["ratio_low"] <= 1)
        assert (row["verdict"] is Verdict.FACTOR) == (row["ratio_low"] >= 2)
    assert {Verdict.NOISE, Verdict.DIFFERS} <= {row["verdict"] for row in found.rows}


def test_a_smaller_factor_finds_more(store: Store) -> None:
    chosen = Filters(rounds=("5.0",), benchmarks=("rgat",))
    counts = [
        sum(row["verdict"] is Verdict.FACTOR for row in scale_differences(store, chosen, factor=f).rows)
        for f in (1.2, 4.0)
    ]
    assert counts[0] > counts[1]


def test_parts_of_the_price_multiply_to_the_whole(store: Store) -> None:
    rows = scale_price(store, RESNET).rows
    told = [row for row in rows if row["loss"] is not None]
    assert len(told) > 10
    for row in told:
        assert row["product"] == pytest.approx(row["throughput"] * row["convergence"], rel=0.02)
        for name in ("loss", "throughput", "convergence", "product"):
            assert row[f"{name}_low"] <= row[name] <= row[f"{name}_high"]
        assert row["smaller_accelerators"] < row["larger_accelerators"]
    untold = [row for row in rows if row["loss"] is None]
    assert all(row["note"] for row in untold)


def test_a_large_batch_pays_with_convergence(store: Store) -> None:
    """NVIDIA's 4 216 accelerators train at batch 67 456 for 86 epochs, its 8 at 3 264 for 35 (the logs)."""
    rows = scale_price(store, Filters(("2.0",), submitters=("nvidia",), benchmarks=("resnet",))).rows
    (row,) = [row for row in rows if row["larger_accelerators"] == 4216]
    assert row["convergence"] == pytest.approx(86 / 35, rel=0.02)
    assert row["reference"] == pytest.approx(86 / 35, rel=0.05)
    assert row["convergence_low"] > 2


@pytest.mark.parametrize("benchmark", ["resnet", "bert", "maskrcnn"])
def test_the_parts_foresee_what_was_measured(store: Store, benchmark: str) -> None:
    """Own throughput and everybody else's convergence give the measured loss in 93 % of pairs or more.

    Here of each family's smallest with the others; ``tests/statistical/table_scaling.py`` takes all pairs.
    """
    agree = total = 0
    for round_ in ("1.0", "2.0", "3.0"):
        chosen = Filters(rounds=(round_,), benchmarks=(benchmark,), divisions=("closed",))
        told = [row for row in scale_price(store, chosen).rows if row["agrees"] is not None]
        agree += sum(row["agrees"] for row in told)
        total += len(told)
    assert total >= 20
    assert agree / total >= 0.93


def test_all_pairs_hold_the_pairs_with_the_smallest(store: Store) -> None:
    chosen = Filters(rounds=("2.0",), benchmarks=("resnet",), submitters=("nvidia",))
    few, every = scale_price(store, chosen), scale_price(store, chosen, all_pairs=True)
    assert len(every.rows) == 6  # four sizes
    assert [row for row in every.rows if row["smaller"] == few.rows[0]["smaller"]] == list(few.rows)


def test_curve_of_work_against_batch_size(store: Store) -> None:
    curve = scale_curve(store, RESNET)
    submitted = [row for row in curve.points if row["source"] == "submissions"]
    assert all(row["unit"] == "epoch" for row in curve.points)
    assert [row["gbs"] for row in submitted] == sorted({row["gbs"] for row in submitted})
    by_gbs = {row["gbs"]: row for row in submitted}
    assert by_gbs[67456]["convergence"] == pytest.approx(86, abs=0.5)
    assert by_gbs[67456]["law_low"] < 86 < by_gbs[67456]["law_high"]
    assert sum(row["runs"] for row in submitted) > 150
    own, reference = curve.laws
    assert (own["source"], reference["source"]) == ("submissions", "reference")
    # Two sets of runs that share nothing find one critical batch size.
    assert own["critical_gbs_low"] < reference["critical_gbs"] < own["critical_gbs_high"]
    assert reference["critical_gbs_low"] < own["critical_gbs"] < reference["critical_gbs_high"]


def test_no_law_through_two_sizes(store: Store) -> None:
    curve = scale_curve(store, Filters(("1.0",), benchmarks=("rnnt",), submitters=("nvidia",)))
    assert not [row for row in curve.laws if row["source"] == "submissions"]
    points = [row for row in curve.points if row["source"] == "submissions"]
    assert points
    assert all(row["law"] is None for row in points)


def test_own_campaigns_have_no_reference_and_a_curve_all_the_same(tmp_path: Path) -> None:
    files: dict[str, bytes] = {}
    for nodes, gbs in ((1, 64), (2, 256), (4, 1024)):
        system = f"x{nodes}"
        files[f"me/systems/{system}.json"] = system_json(submitter="me", number_of_nodes=str(nodes))
        for run in range(4):
            files[f"me/results/{system}/mine/result_{run}.txt"] = run_log(
                20.0 / nodes + run,
                benchmark="mine",
                seed=run,
                gbs=gbs,
                evaluations=((2, 0.3), (4 + run % 2, 0.7)),
            )
    write_tree(tmp_path, files)
    with open_memory() as own:
        ingest(own, [tmp_path], round="local")
        curve = scale_curve(own, Filters())
        assert [row["gbs"] for row in curve.points] == [64, 256, 1024]
        assert [row["source"] for row in curve.laws] == ["submissions"]
        assert [row["reference"] for row in scale_price(own, Filters()).rows] == [None, None]


@pytest.mark.parametrize("runs", [(4, 4), (2, 6)])
def test_runs_that_tie_leave_their_mean_uncertain(tmp_path: Path, runs: tuple[int, int]) -> None:
    """Eight made-up runs, all at epoch 4 of evaluations at 2 and 4: a width of 0 would claim too much."""
    files: dict[str, bytes] = {}
    for number, name in enumerate(("one", "two")):
        files[f"{name}/systems/box.json"] = system_json(submitter=name)
        for run in range(runs[number]):
            files[f"{name}/results/box/retinanet/result_{run}.txt"] = run_log(
                20.0 + run, benchmark="retinanet", seed=10 * number + run, evaluations=((2, 0.3), (4, 0.35))
            )
    root = tmp_path / "training_results_v5.0"
    write_tree(root, files)
    with open_memory() as made_up:
        ingest(made_up, [root])
        (row,) = [r for r in scale_curve(made_up, Filters()).points if r["source"] == "submissions"]
    assert row["runs"] == 8
    # Rule of succession: variance of a run 2·0.5²/(8 + 2), of the mean of both sets' means a quarter of the
    # sum of theirs; 6 degrees of freedom.
    half = 2.446912 * math.sqrt(0.05 * (1 / runs[0] + 1 / runs[1]) / 4)
    assert row["convergence"] == pytest.approx(4)
    assert row["convergence_high"] == pytest.approx(4 * math.exp(half), rel=1e-5)


def test_reports_are_frames_dictionaries_and_html(store: Store) -> None:
    small = Filters(rounds=("5.0",), benchmarks=("rgat",), submitters=("nvidia", "dell"))
    report, curve = scale_report(store, small), scale_curve(store, small)
    price, differences = scale_price(store, small), scale_differences(store, small)
    assert tuple(report.to_frame()) == RESULT_COLUMNS
    assert tuple(report.to_frame("fits")) == FIT_COLUMNS
    assert tuple(curve.to_frame()) == POINT_COLUMNS
    assert tuple(curve.to_frame("laws")) == LAW_COLUMNS
    assert tuple(price.to_frame()) == PART_COLUMNS
    assert tuple(differences.to_frame()) == differences.columns
    for one in (report, curve, price, differences):
        assert DERIVED in one._repr_html_()
        assert json.loads(json.dumps(one.to_dict()))["disclosure"] == DERIVED
    for one in (report, curve):
        with pytest.raises(InputError, match="no table"):
            one.to_frame("other")  # type: ignore[arg-type]


def test_refusals_say_what_is_possible(store: Store) -> None:
    with pytest.raises(InputError, match=r"one benchmark at a time.*bert.*--benchmark bert"):
        scale_report(store, Filters(rounds=("5.0",)))
    with pytest.raises(NotFoundError, match="no benchmark 'bertt' in the database; did you mean bert"):
        scale_price(store, Filters(benchmarks=("bertt",)))
    with pytest.raises(NotFoundError, match="no result fits"):
        scale_curve(store, Filters(rounds=("0.5",), benchmarks=("bert",)))
    with pytest.raises(InputError, match=r"price -1 per accelerator-hour"):
        scale_report(store, LORA, price_per_hour=-1)
    with pytest.raises(InputError, match="no measure 'watts'; there are accelerator-minutes, minutes"):
        scale_differences(store, LORA, by="watts")
    with pytest.raises(InputError, match="factor 1 is not above 1"):
        scale_differences(store, LORA, factor=1.0)
    for refused in (scale_report, scale_price, scale_curve, scale_differences):
        with pytest.raises(StatisticsError, match="level"):
            refused(store, LORA, level=95)
