"""Killed writers, busy databases, full and read-only disks: what was committed stays, the rest is told."""

from __future__ import annotations

import os
import resource
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from durability import (
    RUNS,
    Killer,
    exported,
    ingested,
    many_submissions,
    resize,
    small_disk,
    traffic,
)

from mlperf_stats.errors import DatabaseError, MlperfStatsError, ReadOnlyDatabaseError
from mlperf_stats.store import open_store
from mlperf_stats.store.queries import list_results, runs_of


@pytest.mark.parametrize(("jobs", "kills"), [(1, 9), (2, 3)])
def test_a_killed_ingest_leaves_what_it_committed_and_can_be_completed(
    jobs: int, kills: int, tmp_path: Path
) -> None:
    killer = Killer(many_submissions(tmp_path, 20), tmp_path, seed=jobs, jobs=jobs)
    for _ in range(kills):
        killer.kill_once()
    assert min(killer.committed) < 20


def test_writers_wait_for_each_other_and_readers_for_nobody(tmp_path: Path) -> None:
    seen = traffic(tmp_path, seconds=4.0)
    assert seen.writes >= 2
    assert seen.reads >= 3
    assert seen.slowest_read_s < 4.0


def test_a_database_whose_first_writer_died_is_finished_by_the_next(tmp_path: Path) -> None:
    database = tmp_path / "results.db"
    with sqlite3.connect(database) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    connection.close()
    assert database.stat().st_size > 0
    assert ingested(database, many_submissions(tmp_path, 2)).added == 2 * RUNS


def assert_whole(database: Path) -> int:
    """Every submission that is there is there whole; returns how many there are."""
    with open_store(database, published=False) as store:
        store.check()
        found = list_results(store)
        runs = runs_of(store, found)
        assert all(len(runs[result.key]) == RUNS for result in found)
        return len(found)


def test_a_full_disk_is_a_clear_error_and_costs_nothing_that_was_committed(tmp_path: Path) -> None:
    tree = many_submissions(tmp_path, 16, evaluations=500)
    ingested(tmp_path / "elsewhere.db", tree)
    with small_disk(tmp_path / "disk", "900k") as disk:
        if disk is None:
            pytest.skip("mounting a small disk is not allowed here")
        database = disk / "results.db"
        with pytest.raises(DatabaseError, match="no space left") as error:
            ingested(database, tree)
        assert "\n" not in str(error.value)
        assert 0 < assert_whole(database) < 16
        resize(disk, "100m")
        ingested(database, tree)
        assert exported(database) == exported(tmp_path / "elsewhere.db")


def in_child(work: Callable[[], None]) -> int:
    """Exit code of ``work`` in a forked child: 0 fine, 1 an error of ours, 2 any other."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except MlperfStatsError as error:
            os.write(2, f"{error}\n".encode())
            os._exit(1)
        except BaseException as error:
            os.write(2, f"{error!r}\n".encode())
            os._exit(2)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_quota_is_a_clear_error_and_costs_nothing_that_was_committed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    tree = many_submissions(tmp_path, 16, evaluations=500)
    database = tmp_path / "results.db"

    def ingest_with_little_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, resource.RLIM_INFINITY))
        ingested(database, tree)

    assert in_child(ingest_with_little_room) == 1
    assert "no space left or a disk error" in capfd.readouterr().err
    assert 0 < assert_whole(database) < 16
    ingested(database, tree)
    ingested(tmp_path / "elsewhere.db", tree)
    assert exported(database) == exported(tmp_path / "elsewhere.db")


@pytest.fixture
def read_only(tmp_path: Path) -> Path:
    """A database in a folder that nobody but the superuser may write to."""
    folder = tmp_path / "shared"
    folder.mkdir()
    ingested(folder / "results.db", many_submissions(tmp_path, 3))
    return folder / "results.db"


def forbid_writing(database: Path) -> None:
    """Become an ordinary user for whom the folder is read-only."""
    for path in [*database.parent.iterdir(), *database.parents][:-1]:
        if path.stat().st_uid == os.getuid():
            path.chmod(0o555)
    if os.geteuid() == 0:
        os.setgid(65534)
        os.setuid(65534)


def test_a_database_in_a_read_only_folder_can_be_read(read_only: Path) -> None:
    def read() -> None:
        forbid_writing(read_only)
        assert not os.access(read_only.parent, os.W_OK)
        assert assert_whole(read_only) == 3

    assert in_child(read) == 0


def test_a_database_in_a_read_only_folder_is_not_written_to(
    read_only: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def write() -> None:
        forbid_writing(read_only)
        ingested(read_only, tmp_path / "training_results_v5.0")

    assert in_child(write) == 1
    assert "is read-only; name another database with --db" in capfd.readouterr().err


def test_changes_beside_a_read_only_database_are_not_passed_over(read_only: Path, tmp_path: Path) -> None:
    """The log of a writer that died holds submissions that the file itself lacks."""
    log = read_only.with_name("results.db-wal")

    def die_without_merging() -> None:
        store = open_store(read_only, published=False, write=True)
        store.connection.execute("DELETE FROM evaluations")
        os._exit(0)

    assert in_child(die_without_merging) == 0
    assert log.stat().st_size > 0
    read_only.with_name("results.db-shm").unlink()

    def read() -> None:
        forbid_writing(read_only)
        with pytest.raises(ReadOnlyDatabaseError, match="copy both files"):
            open_store(read_only, published=False)

    assert in_child(read) == 0
