"""Opening results databases: the user's, the published snapshot, or both, one lying over the other."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import sys
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from types import TracebackType

from mlperf_stats.errors import DatabaseError, InputError, ReadOnlyDatabaseError
from mlperf_stats.store.connections import (
    connect_for_reading,
    connect_for_writing,
    connect_memory,
    connect_snapshot,
    snapshot_uri,
    translated,
    verify_snapshot,
)


def default_db_path() -> Path:
    """The user's own database in the platform's data directory (it may not exist yet)."""
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return base / "mlperf-stats" / "results.db"


def published_path() -> Path:
    """The snapshot of published results that comes with the package."""
    return Path(str(files("mlperf_stats.published") / "snapshot.db"))


class Store:
    """An open results database.

    ``layers`` names the attached schemas in order of precedence: a result that two layers hold is
    read from the first. The user's database comes before the published snapshot.
    """

    def __init__(
        self,
        connect: Callable[[], sqlite3.Connection],
        layers: tuple[str, ...],
        path: Path | None,
        writable: bool,
    ) -> None:
        self._connect = connect
        self._connection: sqlite3.Connection | None = None
        self.layers = layers
        self.path = path
        """The user's database; None when only the snapshot is open."""
        self.writable = writable

    @property
    def connection(self) -> sqlite3.Connection:
        """The connection, made when first wanted: a command that fails before leaves no new file behind."""
        if self._connection is None:
            self._connection = self._connect()
        return self._connection

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        if isinstance(error, sqlite3.Error):
            # Readers query the connection as they like; what it refuses is told in words here.
            raise translated(error, self.path) from error

    def close(self) -> None:
        """Close the connection; harmless when repeated."""
        if self._connection is not None:
            self._connection.close()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """One write transaction: all of the block, or nothing.

        Raises:
            ReadOnlyDatabaseError: the store was opened for reading.
            DatabaseError: the disk is full, or another writer held the database for too long.
        """
        if not self.writable:
            raise ReadOnlyDatabaseError(f"{self.path or 'the published snapshot'}: opened for reading only")
        try:
            self.connection.execute("BEGIN IMMEDIATE")
            yield self.connection
            self.connection.execute("COMMIT")
        except BaseException as error:
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
            if isinstance(error, sqlite3.Error):
                raise translated(error, self.path) from error
            raise

    def data_version(self) -> int:
        """A number that differs once another connection has written to the user's database."""
        return int(self.connection.execute("PRAGMA main.data_version").fetchone()[0])

    def check(self) -> None:
        """Verify the whole file.

        Raises:
            DatabaseError: SQLite finds the file damaged.
        """
        try:
            findings = [row[0] for row in self.connection.execute("PRAGMA integrity_check")]
        except sqlite3.DatabaseError as error:
            findings = [str(error)]
        if findings != ["ok"]:
            raise DatabaseError(f"{self.path}: the database is damaged ({findings[0]}); ingest the logs anew")


def open_store(
    db: str | os.PathLike[str] | None = None, *, published: bool = True, write: bool = False
) -> Store:
    """Open the user's database over the published snapshot.

    Args:
        db: The user's database; None means the default one, which need not exist when only reading.
        published: Whether the published snapshot lies under it.
        write: Whether to write to the user's database; a missing one is made with the first write.

    Raises:
        InputError: ``db`` was named and does not exist, or is no results database.
        SchemaVersionError: it was written by a newer version of this package.
        ReadOnlyDatabaseError: it cannot be written to.
        DatabaseError: it cannot be opened.
    """
    path = Path(db) if db is not None else default_db_path()
    if not write and not path.exists():
        if db is not None:
            raise InputError(f"{path}: no such database; 'mlperf-stats ingest PATH --db {path}' makes one")
        if not published:
            raise InputError("there is no database of your own yet; 'mlperf-stats ingest PATH' makes one")
        return open_snapshot()
    layers = ("main", "published") if published and published_path().exists() else ("main",)
    store = Store(lambda: _open_layers(path, layers, write), layers, path, writable=write)
    if path.exists():
        store.connection  # noqa: B018 - what cannot be used is refused at once
    return store


def open_snapshot(path: Path | None = None) -> Store:
    """Open the published snapshot alone, in place: it is never written to, so it needs no lock."""
    path = path or published_path()
    if not path.exists():
        raise DatabaseError(f"{path}: this installation has no published snapshot; 'make snapshot' builds it")
    connection = connect_snapshot(path)
    return Store(lambda: connection, ("main",), None, writable=False)


def open_memory() -> Store:
    """An empty store in memory, for logs that are looked at and not kept."""
    connection = connect_memory()
    return Store(lambda: connection, ("main",), None, writable=True)


def _open_layers(path: Path, layers: tuple[str, ...], write: bool) -> sqlite3.Connection:
    connection = connect_for_writing(path) if write else connect_for_reading(path)
    if "published" in layers:
        verify_snapshot(published_path())
        connection.execute("ATTACH ? AS published", (snapshot_uri(published_path()),))
    return connection
