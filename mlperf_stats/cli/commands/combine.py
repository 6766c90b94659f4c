"""``mlperf-stats combine``: the custom summary result of a submission."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlperf_stats.cli.completion import complete_system
from mlperf_stats.cli.layout import Column
from mlperf_stats.cli.options import (
    DatabaseOptions,
    LevelOption,
    OutputOptions,
    Texts,
    allow_option,
    benchmark_option,
    choice_option,
    text_argument,
    text_option,
)
from mlperf_stats.cli.output import Format, Output, emit_json, emit_rows, emit_text, markdown_table
from mlperf_stats.errors import InputError
from mlperf_stats.text.numbers import count, interval, minutes, percent
from mlperf_stats.text.warnings import warning_cell, warning_notes

if TYPE_CHECKING:
    from mlperf_stats.analysis.summary_score import SummaryReport

EXAMPLES = (
    (
        "mlperf-stats combine 5.0/QCT/D74H-7U --benchmark bert --benchmark retinanet",
        "two results of one submission",
    ),
    (
        "mlperf-stats combine 5.0/HPE/HPE-Cray-XD670-H200-SXM5-141GB_n1_24.09 5.0/QCT/D74H-7U",
        "two submissions, and their ratio",
    ),
    (
        "mlperf-stats combine '0.5/nvidia/submission/dgx1_ngc18.11_*' --benchmark resnet "
        "--benchmark transformer --allow framework",
        "one machine under several folders, normalised by the published references",
    ),
    (
        "mlperf-stats combine 5.0/QCT/D74H-7U --reference minutes.csv --weight bert=2 --interval controlled",
        "your own reference and weights",
    ),
)

REFERENCE_HELP = (
    "published, none, a submission, or a CSV or JSON file of minutes (default: published where the round has "
    "it, else none)."
)
ALLOW_HELP = (
    "Combine in spite of a difference in framework; compare in spite of one in round, division, target or "
    "benchmark."
)


def command(
    names: Annotated[
        list[str],
        text_argument(
            "SUBMISSION", "Results' ids without the benchmark; folders joined by +.", complete_system
        ),
    ],
    database: DatabaseOptions,
    output: OutputOptions,
    benchmarks: Annotated[
        Texts, benchmark_option("What to combine (default: all that the first has).")
    ] = None,
    weights: Annotated[Texts, text_option("--weight", "Weights, 1 unless given.", None, "NAME=VALUE")] = None,
    reference: Annotated[str, text_option("--reference", REFERENCE_HELP, None, "WHAT")] = "",
    reference_exact: Annotated[
        bool, typer.Option("--reference-exact", help="Take a reference submission as exact.")
    ] = False,
    interval_kind: Annotated[
        str, choice_option("--interval", "own or controlled.", "own", "controlled")
    ] = "own",
    allow: Annotated[Texts, allow_option(ALLOW_HELP)] = None,
    show_wrong: Annotated[
        bool, typer.Option("--show-wrong", help="What arithmetic and harmonic means would say.")
    ] = False,
    level: LevelOption = 0.95,
) -> None:
    """One number for many benchmarks: the custom summary result of a submission, with its interval.

    The weighted geometric mean, the only way to combine that the rules endorse. A missing or invalid
    benchmark is refused, never left out in silence.
    """
    from mlperf_stats.analysis.summary_score import combine

    with database.open() as store:
        report = combine(
            store,
            names,
            benchmarks=benchmarks or (),
            weights=_weights(weights or []),
            reference=reference,
            reference_exact=reference_exact,
            interval=interval_kind,
            level=level,
            allow=allow or (),
            show_wrong=show_wrong,
        )
    _emit(output, report)


def _weights(texts: Sequence[str]) -> dict[str, float]:
    weights = {}
    for text in texts:
        name, sign, value = text.partition("=")
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not sign or not math.isfinite(number) or number < 0:
            raise InputError(f"--weight {text!r}: write it as bert=2, with a number of 0 or more")
        weights[name.strip()] = number
    return weights


def _emit(output: Output, report: SummaryReport) -> None:
    from mlperf_stats.analysis.summary_rows import COLUMNS, WRONG
    from mlperf_stats.analysis.summary_words import notes, paragraph

    if output.format is Format.JSON:
        emit_json(output, report.to_dict())
        return
    rows = [row for row in report.rows if row["kind"] != WRONG] + _wrong_rows(report)
    if output.format is Format.MARKDOWN:
        explained = "".join(f"\n{line}\n" for line in warning_notes(rows))
        emit_text(output, f"{paragraph(report)}\n\n{markdown_table(_view(report), rows)}{explained}")
        return
    shown = report.rows if output.format is Format.CSV else rows
    wrong = report.wrong.sentences() if report.wrong else []
    said = [*KINDS, *wrong, *notes(report), *warning_notes(rows)]
    emit_rows(output, shown, columns=COLUMNS, view=_view(report), notes=said)


KINDS = (
    "Score: from scores by the MLPerf rules, official where the results are published. Estimate and "
    "interval: from raw times to train. Without: the score without this benchmark; for summaries and "
    "ratios, the range of scores if weights were halved or doubled. Ratios: how many times as fast the "
    "first is; the reference cancels.",
)


def _wrong_rows(report: SummaryReport) -> list[dict[str, Any]]:
    from mlperf_stats.analysis.summary_rows import WRONG

    return [row for row in report.rows if row["kind"] == WRONG]


def _what(row: Mapping[str, Any]) -> str:
    if row["kind"] == "component":
        return str(row["benchmark"])
    if row["kind"] == "wrong-mean":
        return f"{row['benchmark']} mean, by {row['against']}"
    return f"over {row['against']}" if row["against"] else "SUMMARY"


def _without(row: Mapping[str, Any]) -> str:
    if row["weights_low"] is not None:
        return interval(row["weights_low"], row["weights_high"])
    return minutes(row["without"])


def _better(row: Mapping[str, Any]) -> str:
    from mlperf_stats.analysis.summary_words import sure

    return sure(row["better"])


def _view(report: SummaryReport) -> list[Column]:
    several = len(report.summaries) > 1
    ratios = [Column("P(better)", _better, justify="right")] if several else []
    return [
        Column("Submission", lambda row: str(row["submission"]), is_id=True, names_system=True),
        Column("What", _what, is_id=True, names_system=True),
        Column("Weight", lambda row: _share(row["weight"]), justify="right", leaves=2),
        Column("Score", lambda row: minutes(row["score"]), justify="right"),
        Column("Estimate", lambda row: minutes(row["estimate"]), justify="right"),
        Column("Interval", lambda row: interval(row["low"], row["high"]), justify="right"),
        Column("Variance", lambda row: percent(row["variance_share"], 0), justify="right", leaves=3),
        Column("Without", _without, justify="right", leaves=1),
        *ratios,
        Column("Runs", lambda row: count(row["runs"]), justify="right", leaves=4),
        Column("Warnings", warning_cell, wraps=True, leaves=5),
    ]


def _share(weight: float | None) -> str:
    return "" if weight is None else f"{weight:.4g}"
