"""Every run file of every round is a row; the shipped snapshot is what our reader makes of them."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from mlperf_stats.analysis.export import export_table
from mlperf_stats.store import Store, open_snapshot

ROUNDS = ("0.5", "0.6", "1.0", "2.0", "3.0", "4.0", "5.0")


@pytest.mark.parametrize("round_name", ROUNDS)
def test_files_and_absent_files_are_rows(
    round_name: str, packs: Callable[[str], Path], shared_dir: Path, store: Store
) -> None:
    """Counted here by a file-name pattern alone, independently of the reader's idea of the layout."""
    root = packs(round_name)
    found = [path for path in root.glob("**/results/*/*/result_*.txt") if path.is_file()]
    with (shared_dir / "data" / "absent_files.csv").open(encoding="utf-8", newline="") as rows:
        absent = [
            row["path"]
            for row in csv.DictReader(rows)
            if row["round"] == round_name and Path(row["path"]).match("results/*/*/result_*.txt")
        ]
    stored = Counter(
        row[0]
        for row in store.connection.execute(
            "SELECT status FROM runs JOIN results USING (result_key) JOIN submissions USING (submission_key) "
            "WHERE round = ?",
            (round_name,),
        )
    )
    print(f"round {round_name}: {len(found)} run files + {len(absent)} absent = {stored.total()} rows")
    assert stored.total() == len(found) + len(absent)
    assert stored["absent"] == len(absent)


@pytest.mark.parametrize("what", ["runs", "evaluations", "results"])
def test_snapshot_is_what_the_reader_makes(what: str, store: Store, tmp_path: Path) -> None:
    ours, shipped = tmp_path / "ours.csv", tmp_path / "shipped.csv"
    export_table(store, what, None, ours)
    with open_snapshot() as snapshot:
        export_table(snapshot, what, None, shipped)
    assert ours.read_bytes() == shipped.read_bytes(), "the snapshot is stale: run make snapshot"


def test_energy_where_power_logs_are_sound(store: Store) -> None:
    """1 020 of v4.0's node logs stop when they start: a problem is noted, no energy, no crash."""
    unsound: Counter[int] = Counter()
    for run_key, text in store.connection.execute(
        "SELECT run_key, problems FROM runs WHERE problems LIKE '%power-log-unsound%'"
    ):
        unsound[run_key] += sum(count for code, _, count in json.loads(text) if code == "power-log-unsound")
    runs, results = (
        store.connection.execute(f"SELECT count(*) FROM {table} WHERE energy_joules IS NOT NULL").fetchone()[
            0
        ]
        for table in ("runs", "summaries")
    )
    print(
        f"power logs: {unsound.total()} unsound in {len(unsound)} runs; "
        f"energy of {runs} runs, {results} results"
    )
    assert (unsound.total(), len(unsound)) == (1020, 240)
    assert (runs, results) == (101, 14)
