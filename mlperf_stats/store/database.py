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
from urllib.parse import quote

from mlperf_stats.errors import DatabaseError, InputError, ReadOnlyDatabaseError, SchemaVersionError
from mlperf_stats.store.schema import APPLICATION_ID, SCHEMA_VERSION, STATEMENTS

BUSY_TIMEOUT_S = 60.0
"""How long a writer waits for another one."""


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
                raise _translated(error, self.path) from error
            raise

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
    connection = _connect(f"{_uri(path)}?mode=ro&immutable=1", path)
    _require_ours(connection, path)
    return Store(lambda: connection, ("main",), None, writable=False)


def open_memory() -> Store:
    """An empty store in memory, for logs that are looked at and not kept."""
    connection = _connect(":memory:", None)
    _create(connection)
    return Store(lambda: connection, ("main",), None, writable=True)


def _open_layers(path: Path, layers: tuple[str, ...], write: bool) -> sqlite3.Connection:
    connection = _open_for_writing(path) if write else _open_for_reading(path)
    if "published" in layers:
        connection.execute("ATTACH ? AS published", (f"{_uri(published_path())}?mode=ro&immutable=1",))
    return connection


def _open_for_reading(path: Path) -> sqlite3.Connection:
    connection = _connect(f"{_uri(path)}?mode=ro", path)
    _require_ours(connection, path)
    return connection


def _open_for_writing(path: Path) -> sqlite3.Connection:
    if path.is_dir():
        raise InputError(f"{path}: is a folder; name a database file")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ReadOnlyDatabaseError(f"{path.parent}: cannot be created ({error.strerror})") from error
    if path.exists() and not os.access(path, os.W_OK):
        raise ReadOnlyDatabaseError(f"{path}: is read-only; name another database with --db")
    connection = _connect(f"{_uri(path)}?mode=rwc", path)
    try:
        if path.stat().st_size == 0:
            connection.execute("PRAGMA journal_mode = WAL")
            _create(connection)
        _require_ours(connection, path)
        connection.execute("PRAGMA journal_mode = WAL")
        # FULL: what was reported as ingested survives a power cut, not only a killed process.
        connection.execute("PRAGMA synchronous = FULL")
    except sqlite3.Error as error:
        connection.close()
        raise _translated(error, path) from error
    return connection


def _create(connection: sqlite3.Connection) -> None:
    """Write the schema in one transaction; a second process that wins the race is fine."""
    connection.execute("BEGIN IMMEDIATE")
    if not connection.execute("SELECT 1 FROM sqlite_master").fetchone():
        for statement in STATEMENTS:
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    connection.execute("COMMIT")


def _require_ours(connection: sqlite3.Connection, path: Path) -> None:
    try:
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        version = connection.execute("PRAGMA user_version").fetchone()[0]
    except sqlite3.Error as error:
        connection.close()
        raise _translated(error, path) from error
    if application != APPLICATION_ID:
        connection.close()
        raise InputError(f"{path}: is not a results database of mlperf-stats; name another file with --db")
    if version > SCHEMA_VERSION:
        connection.close()
        raise SchemaVersionError(
            f"{path}: has schema version {version}, this mlperf-stats knows {SCHEMA_VERSION}; "
            "upgrade mlperf-stats or name another file with --db"
        )


def _connect(uri: str, path: Path | None) -> sqlite3.Connection:
    try:
        connection = sqlite3.connect(uri, uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None)
        connection.execute("PRAGMA temp_store = MEMORY")
    except sqlite3.Error as error:
        raise _translated(error, path) from error
    return connection


def _uri(path: Path) -> str:
    return "file:" + quote(os.path.abspath(path).replace(os.sep, "/"))


def _translated(error: sqlite3.Error, path: Path | None) -> DatabaseError:
    where = str(path) if path else "the database"
    code = getattr(error, "sqlite_errorname", "")
    if code.startswith("SQLITE_READONLY"):
        return ReadOnlyDatabaseError(f"{where}: is read-only; name another database with --db")
    if code.startswith("SQLITE_FULL") or "disk I/O error" in str(error):
        return DatabaseError(
            f"{where}: no space left or a disk error ({error}); what was committed before is intact"
        )
    if code.startswith("SQLITE_BUSY"):
        return DatabaseError(f"{where}: another process has been writing for {BUSY_TIMEOUT_S:g} s; try again")
    if code.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT")):
        return DatabaseError(
            f"{where}: is damaged or no results database ({error}); name another file with --db"
        )
    return DatabaseError(f"{where}: {error}")
