"""Opening databases: what is refused, what is created, and what lies over what."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest
from madeup_logs import round_files, write_tree

from mlperf_stats.errors import (
    DatabaseError,
    InputError,
    MlperfStatsError,
    ReadOnlyDatabaseError,
    SchemaVersionError,
)
from mlperf_stats.store import Store, default_db_path, open_memory, open_snapshot, open_store
from mlperf_stats.store import database as database_module
from mlperf_stats.store.ingest import ingest
from mlperf_stats.store.schema import APPLICATION_ID, SCHEMA_VERSION


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    path = tmp_path / "results.db"
    with open_store(path, published=False, write=True) as store:
        ingest(store, [write_tree(tmp_path / "v5.0", round_files())])
    return path


def assert_one_line(error: BaseException, path: Path) -> None:
    assert "\n" not in str(error)
    assert str(path) in str(error)


def test_writing_creates_the_database_and_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "results.db"
    with open_store(path, published=False, write=True) as store:
        assert store.connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
        assert store.connection.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
        assert store.connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        store.check()


def test_an_empty_file_becomes_a_database(tmp_path: Path) -> None:
    (tmp_path / "results.db").touch()
    with open_store(tmp_path / "results.db", published=False, write=True) as store:
        assert store.connection.execute("SELECT count(*) FROM runs").fetchone() == (0,)


def test_reading_does_not_create(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such database") as error:
        open_store(tmp_path / "results.db")
    assert_one_line(error.value, tmp_path / "results.db")
    assert list(tmp_path.iterdir()) == []


def test_the_default_database_follows_the_platform(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert default_db_path() == tmp_path / "mlperf-stats" / "results.db"
    with pytest.raises(InputError, match="no database of your own"):
        open_store(published=False)


def foreign_sqlite(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t (x)")
    connection.close()


@pytest.mark.parametrize("write", [False, True])
@pytest.mark.parametrize("make", [foreign_sqlite, lambda path: path.write_bytes(b"no database\n" * 99)])
def test_a_file_that_is_no_results_database_is_refused_and_left_alone(
    make: object, write: bool, tmp_path: Path
) -> None:
    path = tmp_path / "other.db"
    assert callable(make)
    make(path)
    before = path.read_bytes()
    with pytest.raises((InputError, DatabaseError)) as error:
        open_store(path, published=False, write=write)
    assert_one_line(error.value, path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("write", [False, True])
def test_a_newer_schema_is_refused_with_what_to_do(write: bool, filled: Path) -> None:
    with sqlite3.connect(filled) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    connection.close()
    with pytest.raises(SchemaVersionError, match="upgrade mlperf-stats") as error:
        open_store(filled, published=False, write=write)
    assert_one_line(error.value, filled)


@pytest.mark.parametrize("write", [False, True])
def test_a_folder_is_no_database(write: bool, tmp_path: Path) -> None:
    with pytest.raises(MlperfStatsError) as error:
        open_store(tmp_path, published=False, write=write)
    assert_one_line(error.value, tmp_path)


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(ReadOnlyDatabaseError) as error,
        open_store(tmp_path / "file" / "results.db", write=True) as store,
        store.transaction(),
    ):
        pass
    assert_one_line(error.value, tmp_path / "file")


def test_a_read_only_file_is_not_written_to(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filled.chmod(0o444)
    # The superuser may write to read-only files; the question is asked on behalf of everybody else.
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
    with pytest.raises(ReadOnlyDatabaseError, match="--db") as error:
        open_store(filled, published=False, write=True)
    assert_one_line(error.value, filled)


def test_transactions_are_all_or_nothing(filled: Path) -> None:
    with open_store(filled, published=False, write=True) as store:
        with pytest.raises(KeyboardInterrupt):
            _delete_and_be_interrupted(store)
        assert store.connection.execute("SELECT count(*) FROM evaluations").fetchone() == (33,)


def _delete_and_be_interrupted(store: Store) -> None:
    with store.transaction() as connection:
        connection.execute("DELETE FROM evaluations")
        raise KeyboardInterrupt


@pytest.fixture
def damaged(filled: Path) -> Path:
    """A database whose pages beyond the first three are overwritten in part."""
    with sqlite3.connect(filled) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        page_size = connection.execute("PRAGMA page_size").fetchone()[0]
    connection.close()
    data = bytearray(filled.read_bytes())
    for page in range(3, len(data) // page_size):
        data[page * page_size : page * page_size + 200] = b"\xa5" * 200
    filled.write_bytes(data)
    return filled


def test_a_damaged_database_is_found_by_the_check(damaged: Path) -> None:
    with open_store(damaged, published=False) as store, pytest.raises(DatabaseError, match="damaged"):
        store.check()


def read_everything(path: Path) -> None:
    with open_store(path, published=False) as store:
        store.connection.execute("SELECT count(problems) FROM runs").fetchall()


def test_damage_met_while_reading_is_told_in_words(damaged: Path) -> None:
    with pytest.raises(DatabaseError, match="name another file with --db") as error:
        read_everything(damaged)
    assert_one_line(error.value, damaged)


def test_the_users_results_lie_over_the_published_ones(
    filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "published_path", lambda: filled)
    own = tmp_path / "own.db"
    with open_store(own, write=True) as store:
        assert store.layers == ("main", "published")
        with pytest.raises(DatabaseError), store.transaction() as connection:
            connection.execute("DELETE FROM published.runs")
    with open_store(own, published=False) as store:
        assert store.layers == ("main",)


def test_without_a_database_of_ones_own_the_snapshot_is_open(
    filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "published_path", lambda: filled)
    monkeypatch.setattr(database_module, "default_db_path", lambda: tmp_path / "none.db")
    with open_store() as store:
        assert (store.path, store.writable) == (None, False)
        assert store.connection.execute("SELECT count(*) FROM runs").fetchone() == (11,)


def test_an_installation_without_snapshot_says_so(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="no published snapshot"):
        open_snapshot(tmp_path / "snapshot.db")


def test_a_store_may_be_closed_twice() -> None:
    store = open_memory()
    store.close()
    store.close()
