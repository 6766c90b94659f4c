"""Connections to SQLite files: made safely, refused with words, whatever state the file is in."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import sqlite3
from pathlib import Path
from urllib.parse import quote

from mlperf_stats.errors import DatabaseError, InputError, ReadOnlyDatabaseError, SchemaVersionError
from mlperf_stats.store.schema import APPLICATION_ID, SCHEMA_VERSION, STATEMENTS

BUSY_TIMEOUT_S = 60.0
"""How long a writer waits for another one."""


def connect_memory() -> sqlite3.Connection:
    """A new database in memory."""
    connection = _connect(":memory:", None)
    _create(connection)
    return connection


def connect_snapshot(path: Path) -> sqlite3.Connection:
    """The published snapshot, in place: it is never written to, so it needs no lock and no free space.

    Raises:
        DatabaseError: the file is not the one that was built.
    """
    verify_snapshot(path)
    connection = _connect(snapshot_uri(path), path)
    _require_ours(connection, path)
    return connection


def snapshot_uri(path: Path) -> str:
    """The URI under which SQLite opens the snapshot without locks."""
    return f"{_uri(path)}?mode=ro&immutable=1"


def verify_snapshot(path: Path) -> None:
    """Check the snapshot against the hash that its builder left in ``provenance.json`` beside it.

    A process reads the 15 MB once; a snapshot without that file is one that is being tried out.

    Raises:
        DatabaseError: the hash differs.
    """
    provenance = path.with_name("provenance.json")
    if not provenance.exists():
        return
    status = path.stat()
    if _hash(path, status.st_size, status.st_mtime_ns) != json.loads(provenance.read_text())["sha256"]:
        raise DatabaseError(f"{path}: the published snapshot is damaged; install mlperf-stats anew")


@functools.cache
def _hash(path: Path, size_bytes: int, changed_ns: int) -> str:
    """Hash of a file; size and time of change are what make it another file."""
    del size_bytes, changed_ns
    return hashlib.sha256(path.read_bytes()).hexdigest()


def connect_for_reading(path: Path) -> sqlite3.Connection:
    """A database that exists.

    Where nothing can be written beside it, SQLite cannot coordinate with writers, and there are none
    to coordinate with: the file is then read as it is, unless a log beside it holds changes.
    """
    try:
        connection = _connect(f"{_uri(path)}?mode=ro", path)
        _require_ours(connection, path)
    except DatabaseError as error:
        cause = getattr(error.__cause__, "sqlite_errorname", "")
        if not cause.startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY")) or not path.is_file():
            raise
        log = path.with_name(path.name + "-wal")
        if log.exists() and log.stat().st_size:
            raise ReadOnlyDatabaseError(
                f"{path}: {log.name} beside it holds changes, and the folder is read-only; copy both files "
                "to a folder of your own"
            ) from error
        connection = _connect(snapshot_uri(path), path)
        _require_ours(connection, path)
    return connection


def connect_for_writing(path: Path) -> sqlite3.Connection:
    """A database that is made if it is missing, and finished if making it was interrupted."""
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
        if _is_blank(connection):
            _create(connection)
        _require_ours(connection, path)
        connection.execute("PRAGMA journal_mode = WAL")
        # FULL: what was reported as ingested survives a power cut, not only a killed process.
        connection.execute("PRAGMA synchronous = FULL")
    except sqlite3.Error as error:
        connection.close()
        raise translated(error, path) from error
    return connection


def translated(error: sqlite3.Error, path: Path | None) -> DatabaseError:
    """What SQLite's error means for the user."""
    where = str(path) if path else "the database"
    code = getattr(error, "sqlite_errorname", "") or ""
    if code.startswith("SQLITE_READONLY"):
        return ReadOnlyDatabaseError(f"{where}: is read-only; name another database with --db")
    if code.startswith(("SQLITE_FULL", "SQLITE_IOERR")) or "disk I/O error" in str(error):
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


def _is_blank(connection: sqlite3.Connection) -> bool:
    """True of an empty file, and of one whose first writer died or has not yet finished."""
    has_tables = connection.execute("SELECT 1 FROM sqlite_master").fetchone()
    return not has_tables and connection.execute("PRAGMA application_id").fetchone() == (0,)


def _create(connection: sqlite3.Connection) -> None:
    """Write the schema in one transaction; a second process that wins the race is fine."""
    connection.execute("BEGIN IMMEDIATE")
    if _is_blank(connection):
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
        raise translated(error, path) from error
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
        raise translated(error, path) from error
    return connection


def _uri(path: Path) -> str:
    return "file:" + quote(os.path.abspath(path).replace(os.sep, "/"))
