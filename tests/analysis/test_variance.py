"""The variance report: on logs whose figures are known, and on the published rounds."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest
from madeup_logs import run_log, system_json, write_tree

from mlperf_stats.analysis.results import results_table
from mlperf_stats.analysis.variance import POOL_COLUMNS, RESULT_COLUMNS, VarianceReport, variance_report
from mlperf_stats.errors import InputError, StatisticsError
from mlperf_stats.rules.rule_of_thumb import rule_of_thumb
from mlperf_stats.rules.suite import benchmark, campaign_rules
from mlperf_stats.store.database import Store, open_memory, open_snapshot
from mlperf_stats.store.ingest import ingest
from mlperf_stats.store.queries import Filters

EPOCHS = (4, 5, 5, 5, 6)
"""Where the five runs of every made-up result converge."""


def retinanet_files(submitter: str, minutes: list[float], points: list[float]) -> dict[str, bytes]:
    files = {f"{submitter}/systems/box.json": system_json(submitter=submitter)}
    for number, (time_, point) in enumerate(zip(minutes, points, strict=True)):
        files[f"{submitter}/results/box/retinanet/result_{number}.txt"] = run_log(
            time_, benchmark="retinanet", seed=10 * len(submitter) + number, evaluations=((point, 0.35),)
        )
    return files


@pytest.fixture(scope="module")
def made_up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Seven submitters with one batch size: times on a line in epochs but for one, and one other unit.

    ``copy`` files the runs of ``s0`` again. One run of ``s1`` misses the target.
    """
    files: dict[str, bytes] = {}
    for number in range(5):
        minutes = [1 + 2.0 * epoch + 0.1 * number for epoch in EPOCHS]
        files |= retinanet_files(f"s{number}", minutes, list(EPOCHS))
    files |= retinanet_files("contended", [9.0, 16.0, 11.0, 12.0, 13.0], list(EPOCHS))
    files |= retinanet_files("unit", [1 + 2.0 * e for e in EPOCHS], [1000.0 * e for e in EPOCHS])
    for number in range(5):
        own, other = (f"{name}/results/box/retinanet/result_{number}.txt" for name in ("s0", "copy"))
        files[other] = files[own]
    files["copy/systems/box.json"] = system_json(submitter="copy")
    files["s1/results/box/retinanet/result_4.txt"] = run_log(13.0, status="aborted", benchmark="retinanet")
    root: Path = tmp_path_factory.mktemp("variance") / "training_results_v5.0"
    write_tree(root, files)
    with open_memory() as store:
        ingest(store, [root])
        yield store


@pytest.fixture(scope="module")
def report(made_up: Store) -> VarianceReport:
    return variance_report(made_up)


@pytest.fixture(scope="module")
def published() -> Iterator[Store]:
    with open_snapshot() as store:
        yield store


@pytest.fixture(scope="module")
def published_report(published: Store) -> VarianceReport:
    return variance_report(published)


def test_outlying_results_are_named_and_left_out_beside(report: VarianceReport) -> None:
    warnings = {row["submitter"]: row["warnings"].split(";") for row in report.results}
    assert warnings["contended"] == ["outlying-throughput"]
    assert warnings["unit"] == ["convergence-unit-doubtful"]
    assert warnings["s0"] == warnings["copy"] == ["duplicate-runs"]
    assert warnings["s2"] == [""]
    (row,) = report.benchmarks
    assert (row["results"], row["results_outlying"]) == (8, 2)
    assert row["throughput_share"] == pytest.approx(0.0, abs=1e-9)
    assert row["throughput_share_all"] > 0.05
    assert row["between_share"] == 0.0
    assert row["between_share_all"] > 0.9
    assert row["warnings"] == "outlying-throughput;convergence-unit-doubtful"


def test_runs_filed_twice_count_once(report: VarianceReport) -> None:
    (row,) = report.benchmarks
    assert row["runs"] == 7 * 5
    assert row["runs_converged"] == 7 * 5 - 1
    assert sum(result["runs"] for result in report.results) == 8 * 5


def test_missed_targets_have_an_exact_interval(report: VarianceReport) -> None:
    rows = {row["submitter"]: row for row in report.results}
    # Clopper-Pearson 1934 for 1 of 5: .0051 to .7164; for 0 of 5 the upper end is 1 − .025^(1/5).
    assert rows["s1"]["nonconverged_share"] == 0.2
    assert rows["s1"]["nonconverged_low"] == pytest.approx(0.0051, abs=5e-5)
    assert rows["s1"]["nonconverged_high"] == pytest.approx(0.7164, abs=5e-5)
    assert rows["s2"]["nonconverged_low"] == pytest.approx(0.0, abs=1e-12)
    assert rows["s2"]["nonconverged_high"] == pytest.approx(1 - 0.025**0.2)


def test_figures_of_one_result_by_hand(report: VarianceReport) -> None:
    row = next(row for row in report.results if row["submitter"] == "s2")
    minutes = [1.2 + 2.0 * epoch for epoch in EPOCHS]
    assert row["cv"] == pytest.approx(statistics.stdev(minutes) / statistics.fmean(minutes))
    assert row["convergence_points"] == 3
    assert row["convergence_share"] == pytest.approx(1.0)
    assert row["convergence_ratio"] == pytest.approx(1.0)
    # Winsorised: 5, 5, 5, 5, 5 epochs take the same time, so that a score would not vary.
    assert row["score_sd"] == pytest.approx(0.0, abs=1e-9)
    assert (row["rule"], row["holds"]) == (0.025, False)


def test_pool_half_width_is_students_t_on_the_pooled_deviation(published_report: VarianceReport) -> None:
    row = next(row for row in published_report.rounds if row["benchmark"] == "llama31_405b")
    # 14 results of three runs, of which nothing can be dropped: t(.975; 28) = 2.0484, and the median
    # of three has .4487 of the variance of one.
    assert (row["runs"], row["results_outlying"]) == (42, 0)
    assert row["half_width"] == pytest.approx(2.0484 * row["score_sd"], rel=1e-4)
    assert row["score_sd"] == pytest.approx(row["run_sd"] * 0.4487**0.5, rel=1e-3)


def test_what_is_outlying_does_not_depend_on_the_filters(made_up: Store, report: VarianceReport) -> None:
    filtered = variance_report(made_up, Filters(submitters=("contended", "copy")))
    whole = {row["result_id"]: row for row in report.results}
    assert [row["submitter"] for row in filtered.results] == ["contended", "copy"]
    assert all(row == whole[row["result_id"]] for row in filtered.results)
    assert filtered.benchmarks[0]["runs"] == 10
    assert filtered.benchmarks[0]["results_outlying"] == 1


def test_nothing_fits(made_up: Store) -> None:
    empty = variance_report(made_up, Filters(rounds=("0.6",)))
    assert (empty.benchmarks, empty.rounds, empty.results) == ((), (), ())
    assert len(empty.to_frame()) == 0


def test_tables_frames_and_plain_values(report: VarianceReport) -> None:
    assert tuple(report.to_frame().columns) == POOL_COLUMNS
    assert tuple(report.to_frame("rounds").columns) == POOL_COLUMNS
    assert tuple(report.to_frame("results").columns) == RESULT_COLUMNS
    assert all(set(row) == set(POOL_COLUMNS) for row in (*report.benchmarks, *report.rounds))
    assert all(set(row) == set(RESULT_COLUMNS) for row in report.results)
    again = json.loads(json.dumps(report.to_dict()))
    assert again["level"] == 0.95
    assert len(again["results"]) == 8
    assert "retinanet" in report._repr_html_()
    with pytest.raises(InputError, match="no table 'cells'"):
        report.to_frame("cells")  # type: ignore[arg-type]


def test_level_is_checked_and_widens(made_up: Store, report: VarianceReport) -> None:
    for wide, row in zip(variance_report(made_up, level=0.99).results, report.results, strict=True):
        assert wide["half_width"] > row["half_width"]
    with pytest.raises(StatisticsError, match="confidence level"):
        variance_report(made_up, level=95)


def test_rule_of_thumb_is_by_area() -> None:
    assert rule_of_thumb(benchmark("5.0", "retinanet")) == 0.025
    assert rule_of_thumb(benchmark("5.0", "bert")) == 0.05
    assert rule_of_thumb(benchmark("5.0", "dlrm_dcnv2")) == 0.05
    assert rule_of_thumb(campaign_rules(5)) is None


def test_published_runs_are_all_counted_once(published: Store, published_report: VarianceReport) -> None:
    # The same bytes, or edited copies: the same seed, start and stop.
    (distinct,) = published.connection.execute(
        "SELECT count(DISTINCT CASE WHEN seed <> '' AND start_ms IS NOT NULL AND stop_ms IS NOT NULL "
        "THEN seed || ' ' || start_ms || ' ' || stop_ms ELSE content_hash END) "
        "FROM runs WHERE status <> 'absent'"
    ).fetchone()
    # Copies are filed under one benchmark and stay in it.
    assert sum(row["runs"] for row in published_report.benchmarks) == distinct


def test_published_figures_of_results_agree_with_the_results_table(
    published: Store, published_report: VarianceReport
) -> None:
    rows = {row["result_id"]: row for row in results_table(published)}
    compared = [row for row in published_report.results if "duplicate-runs" not in row["warnings"]]
    assert len(compared) > 800
    for row in compared:
        assert row["cv"] == pytest.approx(rows[row["result_id"]]["cv"])
        assert row["convergence_points"] == rows[row["result_id"]]["convergence_points"]


def test_published_variance_is_convergence_first_of_all(published_report: VarianceReport) -> None:
    rows = {(row["benchmark"], row["rounds"][-1]): row for row in published_report.benchmarks}
    unet3d, bert = rows["unet3d", "4.0"], rows["bert", "5.0"]
    # Submissions with one batch size share convergence almost entirely: 0–4 % of the variance lies between.
    for name in (("unet3d", "4.0"), ("dlrm_dcnv2", "5.0"), ("gnn/rgat", "5.0"), ("maskrcnn", "3.0")):
        assert rows[name]["between_share"] < 0.04
    assert bert["between_share"] > 0.2
    # A straight line leaves between 1/65 (bert) and 1/2600 (unet3d) of the variance in the median set.
    assert unet3d["throughput_share"] < 1 / 1000
    assert 1 / 100 < bert["throughput_share"] < 1 / 20
    assert unet3d["cv_median"] == pytest.approx(0.30, abs=0.01)
    assert bert["cv_median"] == pytest.approx(0.062, abs=0.002)
    assert rows["resnet", "4.0"]["one_point_share"] > 0.9
    assert (unet3d["holds"], rows["resnet", "4.0"]["holds"]) == (False, True)


def test_unknown_convergence_points_are_no_points(tmp_path: Path) -> None:
    """Of two results one logs no evaluation: the other alone says how many points there are."""
    files = retinanet_files("known", [10.0, 10.1, 10.2], [4, 4, 4])
    files["unknown/systems/box.json"] = system_json(submitter="unknown")
    for number in range(3):
        log = run_log(11.0 + number, benchmark="retinanet", seed=number, evaluations=())
        files[f"unknown/results/box/retinanet/result_{number}.txt"] = log
    write_tree(tmp_path, files)
    with open_memory() as store:
        ingest(store, [tmp_path], round="5.0")
        (row,) = variance_report(store).benchmarks
    assert (row["results"], row["convergence_points_median"], row["one_point_share"]) == (2, 1, 1.0)
