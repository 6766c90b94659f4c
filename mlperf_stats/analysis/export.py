"""Runs, evaluations and results as flat tables for other programs."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any

from mlperf_stats.analysis.results import COLUMNS, results_table
from mlperf_stats.errors import InputError
from mlperf_stats.store.database import Store
from mlperf_stats.store.queries import Filters, StoredResult, evaluations_of, list_results, runs_of
from mlperf_stats.store.schema import SUMMARY_COLUMNS
from mlperf_stats.store.tables import Kind, write_table

_RESULT: dict[str, Kind] = dict.fromkeys(
    ("result_id", "round", "division", "submitter", "system", "benchmark"), "text"
)
RUN_COLUMNS: dict[str, Kind] = {
    **_RESULT,
    "path": "text",
    "status": "text",
    "start_ms": "real",
    "stop_ms": "real",
    "minutes": "real",
    "gbs": "integer",
    "seed": "text",
    "train_samples": "integer",
    "convergence_point": "real",
    "convergence_unit": "text",
    "progress_unit": "text",
    "energy_joules": "real",
    "grammar": "text",
    "content_hash": "text",
    "size_bytes": "integer",
    "problems": "text",
}
EVALUATION_COLUMNS: dict[str, Kind] = {
    **_RESULT,
    "path": "text",
    "number": "integer",
    "elapsed_ms": "real",
    "point": "real",
    "progress_unit": "text",
    "value": "real",
    "metric": "text",
    "after_stop": "integer",
}
_SQL_KINDS = {"INTEGER": "integer", "REAL": "real", "TEXT": "text"}
_KINDS = {name: _SQL_KINDS[kind] for name, kind in SUMMARY_COLUMNS.items()}
_KINDS |= {"accelerators": "integer", "nodes": "integer", "scaling_factor": "real"}
RESULT_COLUMNS: dict[str, Kind] = {name: _KINDS.get(name, "text") for name in COLUMNS}


def export_table(store: Store, what: str, filters: Filters | None, path: str | os.PathLike[str]) -> int:
    """Write ``runs``, ``evaluations`` or ``results`` that fit the filters; returns the number of rows.

    The order is that of ``results``, runs by file name: equal data give equal files.

    Raises:
        InputError: ``what`` is none of these, or ``path`` cannot be written (see ``write_table``).
    """
    if what == "results":
        rows = ([row[name] for name in COLUMNS] for row in results_table(store, filters))
        return write_table(RESULT_COLUMNS, rows, path)
    if what == "runs":
        return write_table(RUN_COLUMNS, _run_rows(store, filters), path)
    if what == "evaluations":
        return write_table(EVALUATION_COLUMNS, _evaluation_rows(store, filters), path)
    raise InputError(f"there is no table {what!r}; there are runs, evaluations and results")


def _run_rows(store: Store, filters: Filters | None) -> Iterator[Sequence[Any]]:
    for result in list_results(store, filters):
        for run in runs_of(store, [result]).get(result.key, []):
            values = {name: getattr(run, name, None) for name in RUN_COLUMNS}
            values["problems"] = ";".join(problem.code for problem in run.problems)
            yield [*_identity(result), *list(values.values())[len(_RESULT) :]]


def _evaluation_rows(store: Store, filters: Filters | None) -> Iterator[Sequence[Any]]:
    for result in list_results(store, filters):
        evaluations = evaluations_of(store, result)
        for run in runs_of(store, [result]).get(result.key, []):
            for item in evaluations.get(run.run_key, []):
                values = {**item, "path": run.path, "progress_unit": run.progress_unit}
                yield [
                    *_identity(result),
                    *(values[name] for name in list(EVALUATION_COLUMNS)[len(_RESULT) :]),
                ]


def _identity(result: StoredResult) -> list[str]:
    return [str(getattr(result, name)) for name in _RESULT]
