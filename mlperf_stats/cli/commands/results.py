"""``mlperf-stats results``: one line per result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mlperf_stats.cli.console import Column
from mlperf_stats.cli.footnotes import warning_cell, warning_notes
from mlperf_stats.cli.numbers import interval, minutes, percent
from mlperf_stats.cli.options import DatabaseOptions, FilterOptions, LevelOption, OutputOptions
from mlperf_stats.cli.output import emit_rows

EXAMPLES = (
    ("mlperf-stats results --round 5.0 --benchmark bert", "one benchmark of one round"),
    ("mlperf-stats results --submitter nvidia --submitter google --division closed", "either submitter"),
    ("mlperf-stats results --accelerator '*H100*' --max-accelerators 64 --level 90%", "90 % intervals"),
    ("mlperf-stats results --format csv -o results.csv", "every column of everything"),
)

FIGURE_NOTES = (
    "Minutes. Score: by the MLPerf rules, scaling applied; empty where the rules give none.",
    "Median and interval: of the raw times to train, not official MLPerf figures.",
)


def command(
    filters: FilterOptions, database: DatabaseOptions, output: OutputOptions, level: LevelOption = 0.95
) -> None:
    """One line per result: score, median, interval, runs, warnings.

    Filters may be repeated (any of the values fits), ignore case and take * and ? as wildcards.
    CSV and JSON have all columns; the table shows the ones that fit.
    """
    from mlperf_stats.analysis.results import results_table

    with database.open() as store:
        table = results_table(store, filters, level=level)
    emit_rows(output, table.rows, columns=table.columns, view=VIEW, notes=_notes(table.rows))


def _runs(row: Mapping[str, Any]) -> str:
    """``10``, or ``9/10`` where only nine of ten runs converged."""
    runs, converged = row["runs"], row["runs_converged"]
    return str(runs) if runs == converged else f"{converged}/{runs}"


VIEW = (
    Column("Result", lambda row: str(row["result_id"]), is_id=True),
    Column("Score", lambda row: minutes(row["score_minutes"]), justify="right"),
    Column("Median", lambda row: minutes(row["median_minutes"]), justify="right"),
    Column("Interval", lambda row: interval(row["median_low"], row["median_high"]), justify="right"),
    Column("Level", lambda row: percent(row["median_level"]), justify="right"),
    Column("Runs", _runs, justify="right"),
    Column("Warnings", warning_cell, wraps=True),
)


def _notes(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    if not rows:
        return ["No result fits these filters; 'mlperf-stats results' without filters lists what there is."]
    return [*FIGURE_NOTES, *warning_notes(rows)]
