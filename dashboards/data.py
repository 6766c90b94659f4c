"""What the pages read, read once per change of the database and shared by all sessions.

Everything here is cached by :class:`Source`, which holds the sizes and times of the files behind it: an
ingest by another process makes another source, so that the next rerun reads what is new.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from mlperf_dashboards.settings import settings
from mlperf_stats.analysis.check import CheckReport, check
from mlperf_stats.analysis.results import ResultsTable, results_table
from mlperf_stats.analysis.show import ResultDetail, show_result
from mlperf_stats.analysis.variance import VarianceReport, variance_report
from mlperf_stats.store.database import Store, open_store, published_path

if TYPE_CHECKING:
    import pandas as pd

_KEPT = 12
"""Versions of the database whose tables are kept for sessions that have not yet moved on."""


@dataclass(frozen=True, slots=True)
class Source:
    """A database in one state."""

    db: str | None
    published: bool
    version: tuple[tuple[int, int], ...]
    """Size and time of change of every file."""

    def open(self) -> Store:
        """The store, to be used as a context manager."""
        return open_store(self.db, published=self.published)


def current_source() -> Source:
    """The database that the command line named, as it is now."""
    chosen = settings()
    return source_of(chosen.database, named=chosen.db is not None, published=chosen.published)


def source_of(database: Path, *, named: bool = True, published: bool = True) -> Source:
    """A database file as it is now; ``named`` says that its absence is an error."""
    beside = (database, database.with_name(database.name + "-wal"))
    files = (*beside, published_path()) if published else beside
    return Source(str(database) if named or database.exists() else None, published, tuple(map(_state, files)))


def _state(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:
        return 0, 0
    return status.st_size, status.st_mtime_ns


@st.cache_data(show_spinner="Reading results …", max_entries=_KEPT)
def results(source: Source) -> ResultsTable:
    """All results with their figures."""
    with source.open() as store:
        return results_table(store)


@st.cache_data(show_spinner=False, max_entries=_KEPT)
def results_frame(source: Source) -> pd.DataFrame:
    """The same as a table, newest rounds first."""
    frame = results(source).to_frame()
    counts = frame["accelerators"].astype("Int64").astype(str).replace("<NA>", "?")
    hardware = counts + " × " + frame["accelerator"].fillna("unknown")
    frame.insert(list(frame.columns).index("nodes"), "hardware", hardware)
    frame["round_order"] = frame["round"].map(_round_order)
    frame = frame.sort_values("round_order", ascending=False, kind="stable")
    return frame.drop(columns="round_order").reset_index(drop=True)


def _round_order(name: str) -> float:
    """Rounds by number; campaigns of one's own, which have none, come first."""
    return float(name) if name.replace(".", "", 1).isdecimal() else float("inf")


@st.cache_data(show_spinner="Reading the result …", max_entries=64)
def detail(source: Source, result_id: str) -> ResultDetail:
    """One result in full.

    Raises:
        NotFoundError: no result or several have this id.
    """
    with source.open() as store:
        return show_result(store, result_id, lenders=False)


@st.cache_data(show_spinner="Taking the variance apart, once for all readers …", max_entries=_KEPT)
def variance(source: Source) -> VarianceReport:
    """Where the variance comes from, for every benchmark, round and result."""
    with source.open() as store:
        return variance_report(store)


@st.cache_data(show_spinner="Checking …", max_entries=16)
def check_of(source: Source) -> CheckReport:
    """What a review would find in a database alone, without published results."""
    with open_store(source.db, published=False) as store:
        return check(store)
