"""``mlperf-stats rcp``: convergence against the reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlperf_stats.cli.completion import complete_result
from mlperf_stats.cli.layout import Column
from mlperf_stats.cli.options import (
    DatabaseOptions,
    OutputOptions,
    choice_option,
    round_option,
    text_argument,
)
from mlperf_stats.cli.output import emit_rows
from mlperf_stats.cli.shares import share_option
from mlperf_stats.errors import InputError
from mlperf_stats.text.numbers import percent

if TYPE_CHECKING:
    from mlperf_stats.analysis.rcp import RcpReport

EXAMPLES = (
    ("mlperf-stats rcp 5.0/NVIDIA/nyx_n1_ngc25.04_pytorch/bert", "a published result"),
    ("mlperf-stats rcp my-submission --round 5.0", "a folder of logs, without keeping them"),
    (
        "mlperf-stats rcp nyx_n1_ngc25.04_pytorch/bert --variant rules-text",
        "as the text of the rules computes it",
    ),
    ("mlperf-stats rcp nyx_n1_ngc25.04_pytorch/bert --power 80%", "what more runs would detect"),
)
ANSWER_IS_NO = 1
_COUNTS_FROM = 10_000
"""Training progress above this is a count of samples or tokens."""


def command(
    target: Annotated[
        str,
        text_argument("RESULT_ID|FOLDER", "A result's id, a part or glob of it, or logs.", complete_result),
    ],
    database: DatabaseOptions,
    output: OutputOptions,
    variant: Annotated[
        str, choice_option("--variant", "official-code or rules-text.", "official-code", "rules-text")
    ] = "official-code",
    round_name: Annotated[str | None, round_option("The round of FOLDER.")] = None,
    power: Annotated[
        float | None,
        share_option(
            "--power",
            0.8,
            "Instead: how much faster convergence must be to be found, by number of runs.",
            "POWER",
        ),
    ] = None,
) -> None:
    """Convergence against the reference: the RCP test, its limit, the score's normalisation.

    Exits with 1 if a submission would be sent back. The exact p value comes from a rank test whose error
    is what it says; it is no part of the rules. Reference points need the extra 'rcp'.
    """
    from mlperf_stats.analysis.rcp import rcp_of

    with database.open() as store:
        report = rcp_of(store, target.replace("…", "*"), _variant(variant), round_name=round_name)
    if power is not None:
        _emit_power(output, report, power)
        return
    emit_rows(output, report.rows, columns=report.columns, view=VIEW, notes=_notes(report))
    if not report.passed:
        raise typer.Exit(ANSWER_IS_NO)


def _variant(text: str) -> Any:
    from mlperf_stats.rules.rcp import Variant

    try:
        return Variant(text)
    except ValueError:
        raise InputError(f"--variant {text!r} is unknown; it is one of {', '.join(Variant)}") from None


def _emit_power(output: Any, report: RcpReport, power: float) -> None:
    from mlperf_stats.analysis.rcp import POWER_COLUMNS, power_table

    if len(report.rows) != 1 or not report.rows[0]["gbs"]:
        raise InputError("--power needs one result with one global batch size; name a single result")
    row = report.rows[0]
    rows = power_table(row["result_id"].partition("/")[0], row["benchmark"], row["gbs"], power)
    notes = [
        "Shares by which convergence must be faster than the reference to be rejected, with "
        f"{percent(power)} power."
    ]
    if all(entry["exact_ranks"] is None for entry in rows):
        notes.append(
            f"Exact ranks: not at batch size {row['gbs']:.0f}, where the reference is interpolated and has "
            "no runs of its own to rank."
        )
    emit_rows(output, rows, columns=POWER_COLUMNS, view=POWER_VIEW, notes=notes)


def _found(name: str) -> Any:
    return lambda row: "none" if row[name] is None else percent(row[name])


POWER_VIEW = (
    Column("Runs", lambda row: str(row["runs"]), justify="right"),
    Column("Rules' text", _found("rules_text"), justify="right"),
    Column("Official code", _found("official_code"), justify="right"),
    Column("Exact ranks", _found("exact_ranks"), justify="right"),
)


def _figure(name: str) -> Any:
    return lambda row: _progress(row[name])


def _progress(value: float | None) -> str:
    """Samples in full, epochs to four digits behind the point at most."""
    if value is None:
        return ""
    return f"{value:.0f}" if value >= _COUNTS_FROM else f"{value:.4f}".rstrip("0").rstrip(".")


def _p_value(row: Mapping[str, Any]) -> str:
    return "" if row["exact_p_value"] is None else f"{row['exact_p_value']:.2g}"


VIEW = (
    Column("Result", lambda row: str(row["result_id"]), is_id=True),
    Column("Verdict", lambda row: str(row["verdict"])),
    Column("Basis", lambda row: str(row["basis"] or ""), leaves=1),
    Column("GBS", _figure("gbs"), justify="right", leaves=3),
    Column("Mean", _figure("mean"), justify="right"),
    Column("Reference", _figure("reference_mean"), justify="right", leaves=4),
    Column("Limit", _figure("limit"), justify="right"),
    Column("Unit", lambda row: str(row["unit"] or ""), leaves=2),
    Column("Exact p", _p_value, justify="right"),
    Column("Note", lambda row: str(row["note"] or ""), wraps=True),
)


def _notes(report: RcpReport) -> Sequence[str]:
    return [
        f"Arithmetic: {report.variant}. Olympic means; the result's must not be below the limit.",
        "Exact p: chance of convergence this fast at the reference's law (rank test; empty where the "
        "reference has no runs at this batch size: interpolated, or below the smallest).",
    ]
