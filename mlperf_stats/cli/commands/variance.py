"""``mlperf-stats variance``: where the variance comes from, and whether the rule of thumb holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlperf_stats.cli.layout import CellText, Column
from mlperf_stats.cli.options import DatabaseOptions, FilterOptions, LevelOption, OutputOptions
from mlperf_stats.cli.output import emit_rows
from mlperf_stats.errors import InputError
from mlperf_stats.rules.wording import SELECTED
from mlperf_stats.text.numbers import count, percent
from mlperf_stats.text.warnings import warning_cell, warning_notes

if TYPE_CHECKING:
    from mlperf_stats.analysis.variance import VarianceReport

EXAMPLES = (
    ("mlperf-stats variance", "every benchmark, over all rounds"),
    ("mlperf-stats variance --per-round --benchmark bert", "one benchmark, a line per round"),
    ("mlperf-stats variance --per-result --round 5.0 --benchmark rgat", "a line per result"),
    ("mlperf-stats variance --format csv -o variance.csv", "every figure, outlying results in and out"),
)

SHARE_NOTES = (
    "Convergence and throughput share the variance of log time between runs of one result: at which "
    "evaluation a run reached its target, and what is left at a fixed one.",
)
POOL_NOTES = (
    *SHARE_NOTES,
    "Between: how much of the variance of convergence within a round, division and batch size lies between "
    "results.",
    "Points: distinct convergence points of the median result. Missed: runs that did not converge.",
    "In brackets: with outlying results, where it differs. Runs filed several times count once.",
    "Within: share of results whose own interval, as results show it, is within the rule. Runs that all "
    "converged at one evaluation cannot show that they would not need one more.",
)
RULE_NOTE = (
    "1 sd and ± are of a score of the official number of runs, {how}. Rule: the published rule of thumb, "
    "taken as the {level} half-width of the expected score."
)


def command(
    filters: FilterOptions,
    database: DatabaseOptions,
    output: OutputOptions,
    per_round: Annotated[bool, typer.Option("--per-round", help="A line per benchmark and round.")] = False,
    per_result: Annotated[bool, typer.Option("--per-result", help="A line per result.")] = False,
    level: LevelOption = 0.95,
) -> None:
    """Where the run-to-run variance comes from, and how far scores can be trusted.

    By default a line per benchmark over all rounds that fit the filters; renamed benchmarks are one line.
    CSV and JSON have every figure with and without outlying results.
    """
    if per_round and per_result:
        raise InputError("--per-round and --per-result exclude each other; give one of them")
    from mlperf_stats.analysis.variance import POOL_COLUMNS, RESULT_COLUMNS, variance_report

    with database.open(filters) as store:
        report = variance_report(store, filters, level=level)
    rows = report.results if per_result else report.rounds if per_round else report.benchmarks
    emit_rows(
        output,
        rows,
        columns=RESULT_COLUMNS if per_result else POOL_COLUMNS,
        view=_result_view(level) if per_result else _pool_view(level),
        notes=_notes(report, rows, per_result),
    )


def _notes(report: VarianceReport, rows: Sequence[Mapping[str, Any]], per_result: bool) -> list[str]:
    if not rows:
        return ["No result has a run that converged; 'mlperf-stats results' lists what there is."]
    how = "from the result's own runs" if per_result else "from the variance pooled over results"
    return [
        *(SHARE_NOTES if per_result else POOL_NOTES),
        RULE_NOTE.format(how=how, level=percent(report.level)),
        SELECTED,
        *warning_notes(rows),
    ]


def _share(name: str) -> CellText:
    return lambda row: percent(row[name], 2)


def _both(name: str, text: Callable[[Any], str]) -> CellText:
    """The figure without outlying results, and in brackets the one with them where it reads differently."""

    def cell(row: Mapping[str, Any], /) -> str:
        without, everything = text(row[name]), text(row[f"{name}_all"])
        return without if without == everything else f"{without} ({everything})".strip()

    return cell


def _percent_2(value: float | None) -> str:
    return percent(value, 2)


def _yes_no(value: bool | None) -> str:
    return "" if value is None else "yes" if value else "no"


def _rounds(row: Mapping[str, Any]) -> str:
    first, last = row["rounds"][0], row["rounds"][-1]
    return first if first == last else f"{first}–{last}"


def _results(row: Mapping[str, Any]) -> str:
    """``190, 2 outlying``."""
    outlying = row["results_outlying"]
    return f"{row['results']}, {outlying} outlying" if outlying else count(row["results"])


def _points(row: Mapping[str, Any]) -> str:
    points = row["convergence_points_median"]
    return "" if points is None else f"{points:g}"


def _pool_view(level: float) -> list[Column]:
    return [
        Column("Benchmark", lambda row: str(row["benchmark"])),
        Column("Rounds", _rounds, under="Benchmark"),
        Column("Results", _results, wraps=True),
        Column("Runs", lambda row: count(row["runs"]), justify="right", leaves=5),
        Column("Missed", lambda row: percent(row["nonconverged_share"]), justify="right", leaves=3),
        Column("CV", _share("cv_median"), justify="right", leaves=6),
        Column("Points", _points, justify="right", leaves=1),
        Column("Convergence", _both("convergence_share", _percent_2), justify="right", wraps=True),
        Column("Throughput", _both("throughput_share", _percent_2), justify="right", wraps=True, leaves=7),
        Column("Between", _both("between_share", percent), justify="right", wraps=True, leaves=2),
        Column("1 sd", _both("score_sd", _percent_2), justify="right", wraps=True),
        Column(f"±, {percent(level)}", _both("half_width", _percent_2), justify="right", wraps=True),
        Column("Rule", lambda row: percent(row["rule"]), justify="right"),
        Column("Holds", _both("holds", _yes_no)),
        Column("Within", lambda row: percent(row["own_within_rule"], 0), justify="right", leaves=4),
    ]


def _result_view(level: float) -> list[Column]:
    return [
        Column("Result", lambda row: str(row["result_id"]), is_id=True),
        Column("Runs", lambda row: count(row["runs"]), justify="right"),
        Column("Missed", lambda row: percent(row["nonconverged_share"]), justify="right", leaves=2),
        Column("CV", _share("cv"), justify="right", leaves=4),
        Column("Points", lambda row: count(row["convergence_points"]), justify="right", leaves=1),
        Column("Convergence", _share("convergence_share"), justify="right"),
        Column("Throughput", _share("throughput_share"), justify="right", leaves=5),
        Column("1 sd", _share("score_sd"), justify="right"),
        Column(f"±, {percent(level)}", _share("half_width"), justify="right"),
        Column("Rule", lambda row: percent(row["rule"]), justify="right"),
        Column("Holds", lambda row: _yes_no(row["holds"])),
        Column("Warnings", warning_cell, wraps=True, leaves=3),
    ]
