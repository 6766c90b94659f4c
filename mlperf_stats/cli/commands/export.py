"""``mlperf-stats export``: tables for other programs."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from mlperf_stats.cli.options import DatabaseOptions, FilterOptions, file_option

EXAMPLES = (
    ("mlperf-stats export --round 5.0 -o runs.csv", "every run of a round"),
    ("mlperf-stats export --what evaluations --benchmark bert -o bert.parquet", "every evaluation"),
    ("mlperf-stats export --what results --submitter dell -o dell.xlsx", "a workbook of results"),
)


class What(StrEnum):
    """The tables that can be exported."""

    RUNS = "runs"
    EVALUATIONS = "evaluations"
    RESULTS = "results"


def command(
    filters: FilterOptions,
    database: DatabaseOptions,
    path: Annotated[Path, file_option("What it ends in says the form: .csv, .xlsx, .parquet.")],
    what: Annotated[What, typer.Option("--what", help="Which table.")] = What.RUNS,
) -> None:
    """Write runs, evaluations or results as CSV, XLSX or Parquet.

    XLSX and Parquet need the extra 'export': pip install 'mlperf-stats[export]'.
    """
    from mlperf_stats.analysis.export import export_table

    with database.open(filters) as store:
        rows = export_table(store, what.value, filters, path)
    print(f"{path}: {rows} {what}", file=sys.stderr)
