"""Keeping computed summaries of results in the user's database, also from where it is only read."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Mapping
from typing import Any

from mlperf_stats.errors import DatabaseError, InputError
from mlperf_stats.store.connections import connect_for_writing
from mlperf_stats.store.database import Store
from mlperf_stats.store.schema import SUMMARY_COLUMNS

_PATIENCE_MS = 200
"""Who only reads does not wait for a writer: the figures can be computed again."""

_COLUMNS = ("result_key", "computed_by", "level", *SUMMARY_COLUMNS)
_KEEP = f"INSERT OR REPLACE INTO summaries ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"


def keep_summaries(
    store: Store,
    summaries: Mapping[int, Mapping[str, Any]],
    *,
    level: float,
    computed_by: str,
    data_version: int,
) -> bool:
    """Keep summaries (by result key of the user's layer), so that listing need not compute them again.

    A store that is open for reading keeps them through a connection of its own, if nobody is writing, the
    file can be written to, and nobody has changed it since ``data_version`` (:meth:`Store.data_version`).
    Returns whether they were kept.

    Raises:
        DatabaseError: a store that is open for writing cannot be written to.
    """
    rows = [
        (key, computed_by, level, *(summary[name] for name in SUMMARY_COLUMNS))
        for key, summary in summaries.items()
    ]
    if store.writable:
        with store.transaction() as connection:
            if store.data_version() == data_version:
                connection.executemany(_KEEP, rows)
                return True
        return False
    if store.path is None:
        return False
    try:
        with contextlib.closing(connect_for_writing(store.path)) as connection:
            connection.execute(f"PRAGMA busy_timeout = {_PATIENCE_MS}")
            connection.execute("BEGIN IMMEDIATE")
            # Writers wait from here on: what this store read is still so, or these figures are stale.
            unchanged = store.data_version() == data_version
            if unchanged:
                connection.executemany(_KEEP, rows)
            connection.execute("COMMIT" if unchanged else "ROLLBACK")
            return unchanged
    except (sqlite3.Error, DatabaseError, InputError):
        return False
