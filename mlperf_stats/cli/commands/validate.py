"""``mlperf-stats validate``: do the intervals cover what they claim to, on real runs?"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any

import typer

from mlperf_stats.cli.examples import examples_text
from mlperf_stats.cli.help import PlainCommand
from mlperf_stats.cli.layout import CellText, Column
from mlperf_stats.cli.options import DatabaseOptions, FilterOptions, OutputOptions
from mlperf_stats.cli.output import emit_rows
from mlperf_stats.cli.parameters import expand_parameters
from mlperf_stats.cli.progress import steps_bar
from mlperf_stats.text.numbers import count, percent

EXAMPLES = (
    ("mlperf-stats validate splits --benchmark rgat", "intervals from three runs, one benchmark"),
    ("mlperf-stats validate splits --runs 5 --by submitter --benchmark unet3d", "whole submitters left out"),
    (
        "mlperf-stats validate splits --db mine.db --no-published -o splits.csv",
        "on data of your own",
    ),
)

NOTES = (
    "Coverage: share of splits in which the 95% interval from a few runs of a result, for its geometric mean "
    "as a prediction, holds the mean log time of its other runs; in brackets its range over results.",
    "Width: median half-width. To t_log: the same over that of t_log, in splits whose runs drawn show two "
    "convergence points or more; where they tie, t_log is too narrow to be compared with.",
    "'controlled' sees the runs drawn and the runs of {others}{references}, nothing else.",
)
_OTHERS = {
    "submission": "results that share no log with them",
    "submitter": "other submitters",
}


class LeftOut(StrEnum):
    """What may not lend its runs to the result that is predicted."""

    SUBMISSION = "submission"
    SUBMITTER = "submitter"


command = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Do the intervals cover what they claim to, on real runs?",
    epilog=examples_text(EXAMPLES),
)
command.__doc__ = command.info.help


@command.callback()
def _root() -> None:
    """Keeps ``splits`` a subcommand: Typer would make the only one the command itself."""


def splits(
    filters: FilterOptions,
    database: DatabaseOptions,
    output: OutputOptions,
    runs: Annotated[int, typer.Option("--runs", metavar="N", min=1, help="Runs drawn of each result.")] = 3,
    by: Annotated[
        LeftOut, typer.Option("--by", help="Leave out results that share a log, or the whole submitter.")
    ] = LeftOut.SUBMISSION,
    references: Annotated[
        bool,
        typer.Option(
            "--references/--no-references", help="Let the reference's convergence points lend as well."
        ),
    ] = True,
    repeats: Annotated[
        int, typer.Option("--repeats", metavar="N", min=1, help="Random splits of each result.")
    ] = 20,
    seed: Annotated[int, typer.Option("--seed", metavar="N", min=0, help="Seed of the splits.")] = 1,
) -> None:
    """Predict the other runs of every result from a few of its runs, and count how often that holds.

    By benchmark and method: t on log times, moderated variance, and convergence-controlled.
    """
    from mlperf_stats.analysis.splits import validate_splits

    with database.open(filters) as store, steps_bar("splits") as on_progress:
        table = validate_splits(
            store,
            filters,
            runs=runs,
            by=by.value,
            references=references,
            repeats=repeats,
            seed=seed,
            on_progress=on_progress,
        )
    named = ", and the reference's convergence points" if references else ""
    notes = [note.format(others=_OTHERS[by.value], references=named) for note in NOTES]
    if not table.rows:
        notes = [f"No result that fits these filters has more than {runs} runs and others to compare with."]
    emit_rows(output, table.rows, columns=table.columns, view=VIEW, notes=notes)


command.command("splits", cls=PlainCommand, epilog=examples_text(EXAMPLES))(expand_parameters(splits))


def _coverage(row: Mapping[str, Any]) -> str:
    """``95.7% (95.0%–96.4%)``."""
    if row["coverage"] is None:
        return ""
    between = ""
    if row["coverage_low"] is not None and row["coverage_high"] is not None:
        between = f" ({percent(row['coverage_low'])}–{percent(row['coverage_high'])})"
    return percent(row["coverage"]) + between


def _percent(name: str) -> CellText:
    return lambda row: percent(row[name], 2)


def _ratio(row: Mapping[str, Any]) -> str:
    ratio = row["untied_width_ratio"]
    return "" if ratio is None else f"{ratio:.2f}"


VIEW = (
    Column("Benchmark", lambda row: str(row["benchmark"])),
    Column("Method", lambda row: str(row["method"])),
    Column("Results", lambda row: count(row["submissions"]), justify="right"),
    Column("Splits", lambda row: count(row["splits"]), justify="right"),
    Column("Coverage", _coverage, justify="right"),
    Column("Width ±", _percent("median_half_width"), justify="right"),
    Column("To t_log", _ratio, justify="right"),
)
