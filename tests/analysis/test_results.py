"""Summaries, the results table and single results, on small made-up submissions."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest
from madeup_logs import run_log, submission_files, write_tree

from mlperf_stats.analysis.export import export_table
from mlperf_stats.analysis.results import COLUMNS, results_table
from mlperf_stats.analysis.run_sets import run_sets
from mlperf_stats.analysis.show import show_result
from mlperf_stats.analysis.summaries import STATISTICS_VERSION, refresh
from mlperf_stats.errors import InputError, NotFoundError
from mlperf_stats.store import Store, open_snapshot, open_store
from mlperf_stats.store.ingest import ingest
from mlperf_stats.store.queries import Filters, list_results

MINUTES = (10.0, 12.0, 11.0, 15.0, 9.0)


def tree(root: Path, minutes: tuple[float, ...] = MINUTES, **last: object) -> Path:
    """One resnet submission of round 4.0 (five runs by the rules); ``last`` changes its last run."""
    files = submission_files(minutes=minutes)
    path = f"ACME/results/acme_x8/resnet/result_{len(minutes) - 1}.txt"
    files[path] = run_log(minutes[-1], seed=99, **last)
    return write_tree(root / "training_results_v4.0", files)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "own.db", published=False, write=True) as opened:
        ingest(opened, [tree(tmp_path)])
        yield opened


def test_a_row_has_the_score_and_the_intervals(store: Store) -> None:
    (row,) = results_table(store)
    assert tuple(row) == COLUMNS
    # Olympic mean: 9 and 15 dropped.
    assert row["score_minutes"] == row["olympic_minutes"] == pytest.approx((10 + 11 + 12) / 3)
    # Five runs attain 1 - 2/2^5 = 93.75 % with the widest interval there is.
    assert (row["median_minutes"], row["median_low"], row["median_high"]) == (11.0, 9.0, 15.0)
    assert row["median_level"] == pytest.approx(0.9375)
    assert "level-not-attained" in row["warnings"].split(";")
    assert row["gmean_minutes"] == pytest.approx(statistics.geometric_mean(MINUTES))
    assert row["cv"] == pytest.approx(statistics.stdev(MINUTES) / statistics.mean(MINUTES))
    assert (row["runs"], row["runs_converged"]) == (5, 5)


def test_a_run_without_success_is_slowest_for_the_median(tmp_path: Path) -> None:
    with open_store(tmp_path / "own.db", published=False, write=True) as store:
        ingest(store, [tree(tmp_path, (*MINUTES[:4], 3.0), status="aborted")])
        (row,) = results_table(store)
    # The aborted run was let run 3 minutes; it counts as the slowest all the same.
    assert (row["median_minutes"], row["median_low"]) == (12.0, 10.0)
    assert row["median_high"] == math.inf
    assert row["gmean_minutes"] == pytest.approx(statistics.geometric_mean(MINUTES[:4]))
    # It is dropped as the slowest, 10 as the fastest.
    assert row["score_minutes"] == pytest.approx((11 + 12 + 15) / 3)
    assert {"nonconverged-left-out", "nonconverged-dropped"} <= set(row["warnings"].split(";"))


def test_stored_summaries_equal_computed_ones_and_follow_the_data(store: Store, tmp_path: Path) -> None:
    assert refresh(store) == 1
    assert refresh(store) == 0
    computed = results_table(store, level=0.95 - 1e-12).rows
    for kept, new in zip(results_table(store).rows, computed, strict=True):
        assert kept["warnings"] == new["warnings"]
        assert kept["expected_high"] == pytest.approx(new["expected_high"], rel=1e-6)
    stored = list_results(store, level=0.95, computed_by=STATISTICS_VERSION)
    assert stored[0].summary is not None
    ingest(store, [tree(tmp_path, (*MINUTES[:4], 30.0))])
    assert list_results(store, level=0.95, computed_by=STATISTICS_VERSION)[0].summary is None
    (row,) = results_table(store)
    assert row["median_high"] == 30.0


def kept(path: Path) -> list[bool]:
    with open_store(path, published=False) as store:
        return [
            one.summary is not None for one in list_results(store, level=0.95, computed_by=STATISTICS_VERSION)
        ]


def test_readers_keep_what_they_computed(tmp_path: Path) -> None:
    path = tmp_path / "own.db"
    with open_store(path, published=False, write=True) as store:
        ingest(store, [tree(tmp_path)])
    assert kept(path) == [False]
    with open_store(path, published=False) as reader:
        results_table(reader, level=0.9)
        assert kept(path) == [False]
        rows = results_table(reader).rows
    assert kept(path) == [True]
    with open_store(path, published=False) as reader:
        assert results_table(reader).rows == rows


def test_figures_of_data_that_changed_meanwhile_are_not_kept(tmp_path: Path) -> None:
    path = tmp_path / "own.db"
    with open_store(path, published=False, write=True) as writer:
        ingest(writer, [tree(tmp_path)])
        with open_store(path, published=False) as reader:
            changed = (*MINUTES[:4], 30.0)

            def meanwhile(done: int, every: int) -> None:
                ingest(writer, [tree(tmp_path, changed)])

            (before,) = results_table(reader, on_progress=meanwhile)
            assert before["median_high"] == max(MINUTES)
            assert kept(path) == [False]
            (after,) = results_table(reader)
        assert after["median_high"] == 30.0
        assert kept(path) == [True]


def test_readers_do_not_wait_for_writers(tmp_path: Path) -> None:
    path = tmp_path / "own.db"
    with open_store(path, published=False, write=True) as writer:
        ingest(writer, [tree(tmp_path)])
        with writer.transaction(), open_store(path, published=False) as reader:
            assert len(results_table(reader)) == 1
    assert kept(path) == [False]


def test_another_level_is_computed(store: Store) -> None:
    refresh(store)
    (row,) = results_table(store, level=0.5)
    assert row["median_low"] == 10.0
    assert row["median_high"] == 12.0


def test_identical_files_are_noticed(tmp_path: Path) -> None:
    with open_store(tmp_path / "own.db", published=False, write=True) as store:
        root = tree(tmp_path)
        copied = next(root.rglob("result_0.txt"))
        (copied.parent / "result_9.txt").write_bytes(copied.read_bytes())
        ingest(store, [root])
        (row,) = results_table(store)
        assert {"duplicate-runs", "extra-runs"} <= set(row["warnings"].split(";"))
        detail = show_result(store, row["result_id"])
    twins = {item.run.path.rpartition("/")[2]: item.identical_to for item in detail.runs}
    assert "result_9.txt" in twins["result_0.txt"][0]
    assert "result_0.txt" in twins["result_9.txt"][0]
    assert twins["result_1.txt"] == ()


def test_show_tells_what_the_score_does_with_each_run(store: Store) -> None:
    detail = show_result(store, "resnet")
    roles = {item.run.minutes: item.role for item in detail.runs}
    assert roles == {
        9.0: "dropped fast",
        15.0: "dropped slow",
        10.0: "counts",
        11.0: "counts",
        12.0: "counts",
    }
    assert all(item.evaluations for item in detail.runs)
    assert len(detail.to_frame()) == 5
    assert detail.to_dict()["result"]["score_minutes"] == pytest.approx(11.0)


def test_show_names_what_is_close(store: Store) -> None:
    with pytest.raises(NotFoundError, match=r"lists them all|did you mean"):
        show_result(store, "no such thing")


def test_filters_and_frames(store: Store) -> None:
    table = results_table(store)
    assert len(table.filter(benchmark="RES*", round=["4.0", "5.0"])) == 1
    assert len(table.filter(benchmark="bert")) == 0
    with pytest.raises(InputError, match="no column 'colour'"):
        table.filter(colour="red")
    assert list(table.to_frame().columns) == list(COLUMNS)
    assert len(results_table(store, Filters(rounds=("v4.0",), benchmarks=("ResNet",)))) == 1
    assert len(results_table(store, Filters(min_accelerators=10**6))) == 0


@pytest.mark.parametrize("suffix", [".csv", ".xlsx", ".parquet"])
def test_exports_hold_every_run(store: Store, tmp_path: Path, suffix: str) -> None:
    import pandas as pd

    path = tmp_path / f"runs{suffix}"
    assert export_table(store, "runs", None, path) == 5
    read = {".csv": pd.read_csv, ".xlsx": pd.read_excel, ".parquet": pd.read_parquet}[suffix]
    frame = read(path)
    assert sorted(frame["minutes"]) == sorted(MINUTES)
    with pytest.raises(InputError, match="no table"):
        export_table(store, "walks", None, path)


def test_a_run_that_was_filed_several_times_counts_once_in_own_intervals() -> None:
    """Five files of two runs: intervals are those of two runs; the files are counted as filed."""
    with open_snapshot() as store:
        row = show_result(store, "1.0/Dell/DSS8440x8A100-PCIE-40GB/dlrm").row
        (item,) = run_sets(
            store, list_results(store, Filters(systems=(row["system"],), benchmarks=("dlrm",)))
        )
        minutes = sorted({run.minutes for run in item.present if run.minutes})
    assert row["runs"] == 5
    assert item.result.result_id == row["result_id"]
    assert len(minutes) == 2
    assert row["median_level"] == 0.5
    assert row["gmean_minutes"] == pytest.approx(math.sqrt(math.prod(minutes)))
    # Two runs have one degree of freedom: an interval of several percent however close they lie.
    assert row["gmean_high"] / row["gmean_low"] > 1.2
