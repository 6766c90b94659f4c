"""The published snapshot is read in place by any number of processes, and checked by its hash."""

from __future__ import annotations

import hashlib
import json
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
from durability import PROCESSES, RUNS, many_submissions

from mlperf_stats.errors import DatabaseError
from mlperf_stats.store import database as database_module
from mlperf_stats.store import open_snapshot, open_store
from mlperf_stats.store.ingest import ingest


@pytest.fixture
def snapshot(tmp_path: Path) -> Path:
    """A snapshot of three submissions with its provenance, as the builder leaves them."""
    folder = tmp_path / "published"
    folder.mkdir()
    path = folder / "snapshot.db"
    with open_store(tmp_path / "work.db", published=False, write=True) as store:
        ingest(store, [many_submissions(tmp_path, 3)])
        store.connection.execute("VACUUM INTO ?", (str(path),))
    facts = {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    (folder / "provenance.json").write_text(json.dumps(facts))
    return path


def count_runs(path: Path, told: Connection) -> None:
    with open_snapshot(path) as store:
        told.send(store.connection.execute("SELECT count(*) FROM runs").fetchone()[0])


def test_several_processes_read_it_at_once_and_leave_nothing_beside_it(snapshot: Path) -> None:
    pipes = [PROCESSES.Pipe(duplex=False) for _ in range(6)]
    processes = [PROCESSES.Process(target=count_runs, args=(snapshot, end)) for _, end in pipes]
    for process in processes:
        process.start()
    assert [ours.recv() for ours, _ in pipes] == [3 * RUNS] * 6
    for process in processes:
        process.join()
    assert sorted(path.name for path in snapshot.parent.iterdir()) == ["provenance.json", "snapshot.db"]


@pytest.mark.parametrize("damage", ["changed", "cut"])
def test_a_snapshot_that_is_not_the_one_that_was_built_is_refused(
    damage: str, snapshot: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_snapshot(snapshot).close()
    data = bytearray(snapshot.read_bytes())
    if damage == "cut":
        del data[-4096:]
    else:
        data[5000] ^= 1
    snapshot.write_bytes(data)
    with pytest.raises(DatabaseError, match="damaged; install mlperf-stats anew"):
        open_snapshot(snapshot)
    monkeypatch.setattr(database_module, "published_path", lambda: snapshot)
    with pytest.raises(DatabaseError, match="damaged; install mlperf-stats anew"):
        open_store(tmp_path / "work.db")


def test_the_shipped_snapshot_is_the_one_that_was_built() -> None:
    with open_snapshot() as store:
        store.check()
