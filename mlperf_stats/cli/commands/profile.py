"""``mlperf-stats profile``: performance profiles over benchmarks."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlperf_stats.cli.layout import CellText, Column
from mlperf_stats.cli.options import DatabaseOptions, FilterOptions, LevelOption, OutputOptions
from mlperf_stats.cli.output import emit_rows
from mlperf_stats.cli.progress import steps_bar
from mlperf_stats.rules.wording import DERIVED, SELECTED
from mlperf_stats.text.numbers import count, minutes, percent

if TYPE_CHECKING:
    from mlperf_stats.analysis.profile import Profile

EXAMPLES = (
    (
        "mlperf-stats profile --round 5.0 --min-accelerators 8 --max-accelerators 8",
        "systems of one size on all benchmarks that any of them has",
    ),
    (
        "mlperf-stats profile --round 5.0 --benchmark bert --benchmark llama2_70b_lora --complete",
        "systems that have both",
    ),
    ("mlperf-stats profile --round 4.0 --per-accelerator", "accelerator-minutes, whatever the size"),
    ("mlperf-stats profile --round 5.0 --submitter nvidia --show curve --format csv", "curves to draw"),
)

NOTES = (
    "Best: share of the benchmarks on which the system is the fastest, in brackets its {level} interval. "
    "≤F×: share on which it takes at most F times as {much} as the best.",
    "A missing benchmark counts as never close to the best. In order of Has, then Best, then ≤1.1× and so "
    "on. Times: expected times of a run (geometric mean, raw times) with the luck of convergence controlled "
    "for.",
)


JOINED_NOTE = (
    "+: folders of one machine are joined, one per framework; a result set of the rules has one framework."
)


class Shown(StrEnum):
    """Which table."""

    SYSTEMS = "systems"
    CURVE = "curve"


def command(
    filters: FilterOptions,
    database: DatabaseOptions,
    output: OutputOptions,
    shown: Annotated[
        Shown, typer.Option("--show", help="A line per system, or its curve over all factors.")
    ] = Shown.SYSTEMS,
    per_accelerator: Annotated[
        bool, typer.Option("--per-accelerator", help="Compare accelerator-minutes, not minutes.")
    ] = False,
    complete: Annotated[
        bool, typer.Option("--complete", help="Leave out systems that lack a benchmark.")
    ] = False,
    join_frameworks: Annotated[
        bool,
        typer.Option("--join-frameworks", help="One machine under several folders is one system."),
    ] = False,
    level: LevelOption = 0.95,
) -> None:
    """On what share of the benchmarks is a system within a factor of the best?

    Performance profiles (Dolan and Moré) of the systems of one round, with bands from the uncertainty of
    all times. Without --division the closed one is taken; all figures are derived.
    """
    from mlperf_stats.analysis.profile import CURVE_COLUMNS, SYSTEM_COLUMNS, profile

    with database.open(filters) as store, steps_bar("computing intervals") as on_progress:
        found = profile(
            store,
            filters,
            per_accelerator=per_accelerator,
            complete_only=complete,
            join_frameworks=join_frameworks,
            level=level,
            on_progress=on_progress,
        )
    if shown is Shown.CURVE:
        emit_rows(output, found.curve, columns=CURVE_COLUMNS, view=CURVE_VIEW, notes=_notes(found))
    else:
        emit_rows(output, found.systems, columns=SYSTEM_COLUMNS, view=_view(found), notes=_notes(found))


def _notes(found: Profile) -> list[str]:
    much = "many accelerator-minutes" if found.per_accelerator else "long"
    notes = [note.format(level=percent(found.level), much=much) for note in NOTES]
    notes.append(f"Benchmarks: {', '.join(found.benchmarks)}.")
    if any(len(row["folders"]) > 1 for row in found.systems):
        notes.append(JOINED_NOTE)
    if found.alone:
        notes.append(f"Only one system has {', '.join(found.alone)}: it is the best of one there.")
    return [*notes, DERIVED, SELECTED]


def _folder(row: Mapping[str, Any]) -> str:
    return str(row["submission"])


def _share(factor: float) -> CellText:
    return lambda row: percent(row[f"within_{factor:g}"], 0)


def _best(row: Mapping[str, Any]) -> str:
    low, high = percent(row["within_1_low"], 0), percent(row["within_1_high"], 0)
    share = percent(row["within_1"], 0)
    return share if low == high else f"{share} ({low} – {high})"


def _more(row: Mapping[str, Any]) -> str:
    """``+2`` where two more folders were joined."""
    more = len(row["folders"]) - 1
    return f"+{more}" if more else ""


def _view(found: Profile) -> list[Column]:
    from mlperf_stats.analysis.profile import SHOWN_FACTORS

    whole = len(found.benchmarks)
    joined = any(len(row["folders"]) > 1 for row in found.systems)
    return [
        Column("System", _folder, is_id=True, names_system=True),
        *([Column("", _more, justify="right")] if joined else []),
        Column("Acc", lambda row: count(row["accelerators"]), justify="right", leaves=4),
        Column("Has", lambda row: f"{row['benchmarks']}/{whole}", justify="right"),
        Column("Best", _best, justify="right"),
        *(
            Column(f"≤{factor:g}×", _share(factor), justify="right", leaves=2 if factor in (1.25, 4) else 0)
            for factor in SHOWN_FACTORS[1:]
        ),
        Column("Missing", lambda row: row["missing"].replace(";", " "), wraps=True, leaves=1),
    ]


CURVE_VIEW = (
    Column("System", _folder, is_id=True, names_system=True),
    Column("Factor", lambda row: minutes(row["factor"]), justify="right"),
    Column("Share", lambda row: percent(row["share"], 0), justify="right"),
    Column("From", lambda row: percent(row["share_low"], 0), justify="right"),
    Column("To", lambda row: percent(row["share_high"], 0), justify="right"),
    Column("Expected", lambda row: percent(row["expected"]), justify="right"),
)
