"""Logs that are looked at and not kept: a folder or archive read into a store in memory."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from mlperf_stats.errors import InputError
from mlperf_stats.store.database import Store, open_memory
from mlperf_stats.store.ingest import IngestReport, ingest


@contextmanager
def logs_at_hand(
    path: str | os.PathLike[str], round_name: str | None = None
) -> Iterator[tuple[Store, IngestReport]]:
    """A store with the logs of ``path`` alone, and what reading them found.

    Raises:
        InputError: the path cannot be used or holds no runs.
        RoundUnknownError: neither ``round_name`` nor the path tells the round.
    """
    with open_memory() as store:
        report = ingest(store, [path], round=round_name)
        if not report.runs:
            raise InputError(
                f"{path}: no run files; they are <submitter>/results/<system>/<benchmark>/result_*.txt"
            )
        yield store, report
