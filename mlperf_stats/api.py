"""The words of the Python interface: ``import mlperf_stats as ms; ms.published().filter(…)``."""

from __future__ import annotations

import os

from mlperf_stats.analysis.results import ResultsTable, results_table
from mlperf_stats.analysis.show import ResultDetail, show_result
from mlperf_stats.analysis.summaries import DEFAULT_LEVEL
from mlperf_stats.store.database import open_snapshot, open_store

__all__ = ["published", "results", "show"]


def published(*, level: float = DEFAULT_LEVEL) -> ResultsTable:
    """All published results that come with the package, with intervals at ``level``."""
    with open_snapshot() as store:
        return results_table(store, level=level)


def results(
    db: str | os.PathLike[str] | None = None, *, include_published: bool = True, level: float = DEFAULT_LEVEL
) -> ResultsTable:
    """The results of a database (None: the user's default one), over the published ones."""
    with open_store(db, published=include_published) as store:
        return results_table(store, level=level)


def show(
    result_id: str, db: str | os.PathLike[str] | None = None, *, level: float = DEFAULT_LEVEL
) -> ResultDetail:
    """Everything about one result: its runs, evaluations, problems and sources."""
    with open_store(db) as store:
        return show_result(store, result_id, level=level)
