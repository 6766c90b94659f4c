"""``mlperf-stats history``: the best of a benchmark, round by round."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mlperf_stats.cli.layout import CellText, Column
from mlperf_stats.cli.options import DatabaseOptions, FilterOptions, LevelOption, OutputOptions
from mlperf_stats.cli.output import emit_rows
from mlperf_stats.cli.progress import steps_bar
from mlperf_stats.rules.wording import DERIVED, SELECTED
from mlperf_stats.text.numbers import count, interval, minutes

if TYPE_CHECKING:
    from mlperf_stats.analysis.history import History

EXAMPLES = (
    ("mlperf-stats history --benchmark resnet", "all rounds; a line breaks where the benchmark changed"),
    ("mlperf-stats history --benchmark bert --submitter nvidia", "one submitter's best"),
    ("mlperf-stats history --benchmark retinanet", "with the rounds in which it was called ssd"),
    ("mlperf-stats history --benchmark bert --max-accelerators 8 --format md", "small systems alone"),
)

NOISE = "~"
NOTES = (
    "Minutes and acc-min: of the result with the least of each (accelerators in brackets), expected times of "
    "a run (geometric mean, raw times) with the luck of convergence controlled for.",
    "Change: over the round before; ~ where the interval holds 1. The best of many is a little flattered.",
)


def command(
    filters: FilterOptions, database: DatabaseOptions, output: OutputOptions, level: LevelOption = 0.95
) -> None:
    """The best of a benchmark round by round, as long as it stays the same.

    The filters must leave one benchmark; other names of the same workload are found. Without --division the
    closed one is taken; all figures are derived.
    """
    from mlperf_stats.analysis.history import history

    with database.open(filters) as store, steps_bar("computing intervals") as on_progress:
        found = history(store, filters, level=level, on_progress=on_progress)
    emit_rows(output, found.rows, columns=found.columns, view=VIEW, notes=_notes(found))


def _notes(found: History) -> list[str]:
    notes = [*NOTES]
    if found.filtered:
        notes.append(f"Left out by the filters: the rounds {', '.join(found.filtered)}.")
    if found.absent:
        notes.append(f"No results at hand of the rounds {', '.join(found.absent)}, which had the benchmark.")
    return [*notes, DERIVED, SELECTED]


def _best(measure: str) -> CellText:
    def cell(row: Mapping[str, Any], /) -> str:
        accelerators = count(row[f"{measure}_accelerators"])
        return f"{minutes(row[measure])} ({accelerators})" if accelerators else minutes(row[measure])

    return cell


def _change(measure: str) -> CellText:
    def cell(row: Mapping[str, Any], /) -> str:
        change = row[f"{measure}_change"]
        return "" if change is None else f"×{minutes(change)}" if row[f"{measure}_differs"] else NOISE

    return cell


def _interval(measure: str) -> CellText:
    return lambda row: interval(row[f"{measure}_low"], row[f"{measure}_high"])


VIEW = (
    Column("Round", lambda row: str(row["round"])),
    Column("Benchmark", lambda row: str(row["benchmark"]), leaves=3),
    Column("Results", lambda row: count(row["results"]), justify="right", leaves=4),
    Column("Minutes", _best("minutes"), justify="right"),
    Column("Interval", _interval("minutes"), justify="right", under="Minutes"),
    Column("Change", _change("minutes"), justify="right"),
    Column("Acc-min", _best("accelerator_minutes"), justify="right"),
    Column("Interval", _interval("accelerator_minutes"), justify="right", under="Acc-min"),
    Column("Change", _change("accelerator_minutes"), justify="right"),
    Column("New because", lambda row: str(row["changed"]), wraps=True, leaves=2),
)
