"""All seven packed rounds, read once per test session by the package itself."""

from __future__ import annotations

import csv
import fcntl
import gzip
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mlperf_stats.analysis.results import ResultsTable, results_table
from mlperf_stats.analysis.summaries import refresh
from mlperf_stats.store import Store, open_store
from mlperf_stats.store.ingest import ingest

ROUNDS = ("0.5", "0.6", "1.0", "2.0", "3.0", "4.0", "5.0")


@pytest.fixture(scope="session")
def database(
    packs: Callable[[str], Path], shared_dir: Path, tmp_path_factory: pytest.TempPathFactory, worker_id: str
) -> Path:
    """A database with every round, made by the first test process that wants it."""
    base = tmp_path_factory.getbasetemp()
    folder = base if worker_id == "master" else base.parent
    path = folder / "seven-rounds.db"
    with (folder / "seven-rounds.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            scratch = folder / "seven-rounds.part.db"
            with open_store(scratch, published=False, write=True) as store:
                manifest = shared_dir / "data" / "absent_files.csv"
                ingest(store, [packs(name) for name in ROUNDS], manifest=manifest)
                refresh(store)
                store.connection.execute("PRAGMA journal_mode = DELETE")
            scratch.rename(path)
    return path


@pytest.fixture(scope="session")
def store(database: Path) -> Iterator[Store]:
    with open_store(database, published=False) as opened:
        yield opened


@pytest.fixture(scope="session")
def table(store: Store) -> ResultsTable:
    return results_table(store)


@pytest.fixture(scope="session")
def oracle(shared_dir: Path) -> Callable[[str], list[dict[str, str]]]:
    """``oracle("name.csv")`` is the rows of that file."""

    def read(name: str) -> list[dict[str, str]]:
        path = shared_dir / "oracle" / name
        opener = gzip.open if name.endswith(".gz") else open
        with opener(path, "rt", encoding="utf-8", newline="") as rows:
            return list(csv.DictReader(rows))

    return read
