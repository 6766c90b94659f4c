"""``mlperf-stats results``: one line per result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Annotated, Any

import typer

from mlperf_stats.cli.completion import complete_column
from mlperf_stats.cli.layout import Column
from mlperf_stats.cli.options import DatabaseOptions, FilterOptions, LevelOption, OutputOptions, text_option
from mlperf_stats.cli.output import emit_rows
from mlperf_stats.cli.progress import steps_bar
from mlperf_stats.rules.wording import EXPECTED_NOT_DRAWN
from mlperf_stats.text import numbers
from mlperf_stats.text.numbers import minutes, percent
from mlperf_stats.text.warnings import warning_cell, warning_notes

EXAMPLES = (
    ("mlperf-stats results --round 5.0 --benchmark bert", "one benchmark of one round"),
    ("mlperf-stats results --submitter nvidia --submitter google --division closed", "either submitter"),
    ("mlperf-stats results --accelerator '*H100*' --max-accelerators 64 --level 90%", "90 % intervals"),
    ("mlperf-stats results --round 5.0 --benchmark rgat --interval controlled", "borrowing convergence"),
    ("mlperf-stats results --round 5.0 --benchmark bert --sort score", "the fastest first"),
    ("mlperf-stats results --format csv -o results.csv", "every column of everything"),
)

SCORE_NOTE = "Minutes. Score: by the MLPerf rules, scaling applied; empty where the rules give none."
OWN_NOTES = ("Median and interval: of the raw times to train, not official MLPerf figures.",)
CONTROLLED_NOTES = (
    "Expected and interval: expected time of a run (geometric mean, raw times) with the luck of convergence "
    "controlled for; not the score, not official. Own: share of its information from the result's own runs.",
    EXPECTED_NOT_DRAWN,
)
NOTHING_AT_HAND = "There are no results; 'mlperf-stats ingest FOLDER' reads some."
NO_CONTROLLED_NOTE = "None of these results has a controlled interval; '--interval own' shows their own."


class Shown(StrEnum):
    """Which interval the table shows."""

    OWN = "own"
    CONTROLLED = "controlled"


def command(
    filters: FilterOptions,
    database: DatabaseOptions,
    output: OutputOptions,
    level: LevelOption = 0.95,
    interval: Annotated[
        Shown,
        typer.Option(
            "--interval",
            help="Of the result's own runs, or of its time with convergence controlled for.",
        ),
    ] = Shown.OWN,
    sort: Annotated[
        str,
        text_option("--sort", "By a column of the CSV; -COLUMN from the largest.", complete_column, "COLUMN"),
    ] = "",
) -> None:
    """One line per result: score, median, interval, runs, warnings.

    Filters may be repeated (any of the values fits), ignore case and take * and ? as wildcards.
    CSV and JSON have all columns; table and Markdown show the ones that fit, and one kind of interval.
    """
    from mlperf_stats.analysis.results import results_table

    with database.open(filters) as store, steps_bar("computing intervals") as on_progress:
        table = results_table(store, filters, level=level, on_progress=on_progress)
    view: Sequence[Column] = VIEWS[interval]
    if sort:
        table, view = table.sorted_by(sort), _with(table.sort_column(sort), view)
    notes = _notes(table.rows, interval) if table.rows else [NOTHING_AT_HAND]
    emit_rows(output, table.rows, columns=table.columns, view=view, notes=notes)


def _runs(row: Mapping[str, Any]) -> str:
    """``10``, or ``9/10`` where only nine of ten runs converged."""
    runs, converged = row["runs"], row["runs_converged"]
    return str(runs) if runs == converged else f"{converged}/{runs}"


def _interval_column(name: str) -> Column:
    return Column(
        "Interval", lambda row: numbers.interval(row[f"{name}_low"], row[f"{name}_high"]), justify="right"
    )


_FIRST = (
    Column("Result", lambda row: str(row["result_id"]), is_id=True),
    Column("Score", lambda row: minutes(row["score_minutes"]), justify="right"),
)
_LAST = (
    Column("Runs", _runs, justify="right", leaves=2),
    Column("Warnings", warning_cell, wraps=True),
)
VIEWS = {
    Shown.OWN: (
        *_FIRST,
        Column("Median", lambda row: minutes(row["median_minutes"]), justify="right", leaves=3),
        _interval_column("median"),
        Column("Level", lambda row: percent(row["median_level"]), justify="right", leaves=1),
        *_LAST,
    ),
    Shown.CONTROLLED: (
        *_FIRST,
        Column("Expected", lambda row: minutes(row["controlled_minutes"]), justify="right"),
        _interval_column("controlled"),
        Column("Own", lambda row: percent(row["controlled_own_share"], 0), justify="right", leaves=1),
        *_LAST,
    ),
}


_IN_THE_ID = ("result_id", "round", "submitter", "system", "benchmark")
_TEXTS = ("division", "availability", "accelerator", "framework")
_SHOWN_AS = {
    "score_minutes": "Score",
    "median_minutes": "Median",
    "median_level": "Level",
    "controlled_minutes": "Expected",
    "controlled_own_share": "Own",
    "runs": "Runs",
    "warnings": "Warnings",
}
"""Headers of the columns that are shown anyway."""


def _with(name: str, view: Sequence[Column]) -> tuple[Column, ...]:
    """``view`` with the column ``name``, which is read off the id, stays where it is, or comes second."""
    if name in _IN_THE_ID:
        return tuple(view)
    header = _SHOWN_AS.get(name)
    if any(column.header == header for column in view):
        return tuple(replace(column, leaves=0) if column.header == header else column for column in view)
    first, *others = view
    texts = name in _TEXTS
    sorted_by = Column(
        header or name, lambda row: _plain(row[name]), justify="left" if texts else "right", wraps=texts
    )
    return (first, sorted_by, *others)


def _plain(value: object) -> str:
    return minutes(value) if isinstance(value, float) else "" if value is None else str(value)


def _notes(rows: Sequence[Mapping[str, Any]], shown: Shown) -> list[str]:
    own = shown is Shown.OWN
    if not own and all(row["controlled_minutes"] is None for row in rows):
        return [SCORE_NOTE, NO_CONTROLLED_NOTE, *warning_notes(rows)]
    return [SCORE_NOTE, *(OWN_NOTES if own else CONTROLLED_NOTES), *warning_notes(rows)]
