"""``mlperf-stats scale``: time, accelerator-minutes, energy and cost against accelerator count."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlperf_stats.cli.console import CellText, Column
from mlperf_stats.cli.options import DatabaseOptions, FilterOptions, LevelOption, OutputOptions
from mlperf_stats.cli.output import emit_rows
from mlperf_stats.cli.progress import steps_bar
from mlperf_stats.rules.wording import DERIVED, SELECTED
from mlperf_stats.text.numbers import count, interval, minutes
from mlperf_stats.text.warnings import warning_cell, warning_notes

if TYPE_CHECKING:
    from mlperf_stats.analysis.scale import ScaleReport

EXAMPLES = (
    ("mlperf-stats scale --round 5.0 --benchmark llama2_70b_lora", "every result by accelerator count"),
    (
        "mlperf-stats scale --round 5.0 --benchmark llama2_70b_lora --submitter dell --price-per-hour 2.5",
        "with what a run costs at 2.50 per accelerator-hour",
    ),
    ("mlperf-stats scale --round 3.0 --benchmark bert --show fits", "scaling efficiency by submitter"),
)

NOISE = "~"
NOISE_NOTE = "~: the interval holds 1, so the difference may be noise."
TIME_NOTE = (
    "Minutes: expected time of a run (geometric mean, raw times) with the luck of convergence controlled "
    "for. Acc-min: minutes × accelerators."
)
EFFICIENCY_NOTE = (
    "Efficiency: accelerator-minutes of the submitter's smallest system of this accelerator over this one's; "
    "1 is ideal."
)
FIT_NOTES = (
    "Time ∝ accelerators^-exponent over the results of one submitter and accelerator; 1 is ideal. Doubling "
    "and whole span: share of the ideal speed-up that is left.",
    "Scatter: standard deviation of results about the line, moderated by the other lines of the round. The "
    "intervals include it.",
)


class Shown(StrEnum):
    """Which table."""

    RESULTS = "results"
    FITS = "fits"


def command(
    filters: FilterOptions,
    database: DatabaseOptions,
    output: OutputOptions,
    shown: Annotated[Shown, typer.Option("--show", help="Which table.")] = Shown.RESULTS,
    price_per_hour: Annotated[
        float | None,
        typer.Option("--price-per-hour", metavar="PRICE", help="Money per accelerator-hour, for the cost."),
    ] = None,
    level: LevelOption = 0.95,
) -> None:
    """What a larger system buys: time, accelerator-minutes, energy and cost by accelerator count.

    The filters must leave one benchmark. All figures are derived, none is an official MLPerf metric.
    """
    from mlperf_stats.analysis.scale import FIT_COLUMNS, RESULT_COLUMNS, scale_report

    with database.open(filters) as store, steps_bar("computing intervals") as on_progress:
        report = scale_report(
            store, filters, price_per_hour=price_per_hour, level=level, on_progress=on_progress
        )
    if shown is Shown.FITS:
        notes = [*FIT_NOTES, NOISE_NOTE, DERIVED, SELECTED, *warning_notes(report.fits)]
        emit_rows(output, report.fits, columns=FIT_COLUMNS, view=FIT_VIEW, notes=notes)
        return
    notes = [TIME_NOTE, EFFICIENCY_NOTE, NOISE_NOTE, DERIVED, SELECTED]
    emit_rows(output, report.results, columns=RESULT_COLUMNS, view=_result_view(report), notes=notes)


def unless_noise(name: str, text: Callable[[float | None], str] | None = None) -> CellText:
    """The figure ``name`` of a row, or ``~`` where ``differs`` says that it may be 1."""
    shown = text or _ratio

    def cell(row: Mapping[str, Any], /) -> str:
        if row[name] is None:
            return ""
        return shown(row[name]) if row["differs"] else NOISE

    return cell


def _ratio(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _ratios(name: str) -> CellText:
    def cell(row: Mapping[str, Any], /) -> str:
        low, high = row[f"{name}_low"], row[f"{name}_high"]
        return "" if low is None else f"{low:.3f} – {high:.3f}"

    return cell


def _minutes(name: str) -> CellText:
    return lambda row: minutes(row[name])


def _energy(row: Mapping[str, Any]) -> str:
    """Megajoules."""
    joules = row["energy_joules"]
    return "" if joules is None else minutes(joules / 1e6)


def _result_view(report: ScaleReport) -> list[Column]:
    columns = [
        Column("Result", lambda row: str(row["result_id"]), is_id=True),
        Column("Acc", lambda row: count(row["accelerators"]), justify="right"),
        Column("Minutes", _minutes("minutes"), justify="right"),
        Column("Acc-min", _minutes("accelerator_minutes"), justify="right"),
        Column(
            "Interval",
            lambda row: interval(row["accelerator_minutes_low"], row["accelerator_minutes_high"]),
            justify="right",
            leaves=2,
        ),
    ]
    if report.price_per_hour is not None:
        columns.append(Column("Cost", _minutes("cost"), justify="right"))
    if any(row["energy_joules"] is not None for row in report.results):
        columns.append(Column("MJ", _energy, justify="right"))
    return [
        *columns,
        Column("Efficiency", unless_noise("efficiency"), justify="right"),
        Column("Interval", _ratios("efficiency"), justify="right", leaves=1),
    ]


FIT_VIEW = (
    Column("Round", lambda row: str(row["round"]), leaves=4),
    Column("Submitter", lambda row: str(row["submitter"])),
    Column("Accelerator", lambda row: str(row["accelerator_kind"])),
    Column("From", lambda row: count(row["from_accelerators"]), justify="right"),
    Column("To", lambda row: count(row["to_accelerators"]), justify="right"),
    Column("Results", lambda row: count(row["results"]), justify="right", leaves=3),
    Column("Exponent", unless_noise("exponent"), justify="right"),
    Column("Interval", _ratios("exponent"), justify="right"),
    Column("Doubling", unless_noise("doubling"), justify="right"),
    Column("Whole span", unless_noise("efficiency"), justify="right"),
    Column("Scatter", lambda row: _ratio(row["scatter"]), justify="right", leaves=1),
    Column("Warnings", warning_cell, wraps=True, leaves=2),
)
