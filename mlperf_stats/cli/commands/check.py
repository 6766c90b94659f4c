"""``mlperf-stats check``: statistical pre-flight of a submission; the reviewer's list of a round."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlperf_stats.analysis.check_findings import Severity
from mlperf_stats.cli.layout import Column
from mlperf_stats.cli.options import OutputOptions, round_option
from mlperf_stats.cli.output import Format, emit_json, emit_rows

if TYPE_CHECKING:
    from mlperf_stats.analysis.check import CheckReport

EXAMPLES = (
    ("mlperf-stats check my-submission --round 5.0", "before you file it"),
    ("mlperf-stats check training_results_v5.0", "a whole round: what deserves a look, most serious first"),
    (
        "mlperf-stats check results.zip --round 5.1 --format json -o check.json",
        "every finding with its evidence",
    ),
)
ANSWER_IS_NO = 1
COUNTED = (  # severity, of one finding, of several
    (Severity.REJECTED, "that a review would send back", "that a review would send back"),
    (Severity.SIGNIFICANT, "significant", "significant"),
    (Severity.LOOK, "that deserves a look", "that deserve a look"),
    (Severity.NOTE, "good to know", "good to know"),
)


def command(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Folder, .zip or .tar.* with <submitter>/results inside.")
    ],
    output: OutputOptions,
    round_name: Annotated[str | None, round_option("If the path does not tell it.")] = None,
    notes: Annotated[bool, typer.Option("--notes", help="Also what is fine or only good to know.")] = False,
) -> None:
    """Check logs before filing them, or a whole round for what deserves a look.

    Exits with 1 if a review would send a result back. Logs are read and not kept. CSV and JSON have all
    findings; the table leaves out notes on rounds of several submitters, unless asked for.
    """
    from mlperf_stats.analysis.at_hand import logs_at_hand
    from mlperf_stats.analysis.check import check

    with logs_at_hand(folder, round_name) as (store, _):
        report = check(store)
    if output.format is Format.JSON:
        emit_json(output, report.to_dict())
    else:
        everything = notes or report.submitters == 1 or output.format is Format.CSV
        shown = _shown(report, everything=everything)
        said = _notes(report, everything=everything)
        emit_rows(output, shown, columns=report.columns, view=VIEW, notes=said)
    if not report.passed:
        raise typer.Exit(ANSWER_IS_NO)


def _shown(report: CheckReport, *, everything: bool) -> Sequence[Mapping[str, Any]]:
    return [row for row in report.rows if everything or row["severity"] not in ("note", "fine")]


def _what(row: Mapping[str, Any]) -> str:
    sentence = str(row["sentence"])
    return f"{sentence}. {row['advice']}" if row["advice"] else f"{sentence}."


VIEW = (
    Column("Rank", lambda row: str(row["rank"]), justify="right"),
    Column("Result", lambda row: str(row["result_id"]), is_id=True),
    Column("Severity", lambda row: str(row["severity"])),
    Column("Code", lambda row: str(row["code"])),
    Column("Finding", _what, wraps=True),
)


def _notes(report: CheckReport, *, everything: bool) -> list[str]:
    hidden = "" if everything or not report.counts[Severity.NOTE] else " (--notes shows these)"
    counted = ", ".join(
        f"{number} {one if number == 1 else several}"
        for name, one, several in COUNTED
        if (number := report.counts[name])
    )
    verdict = "A review would send nothing back" if report.passed else "A review would send results back"
    if report.passed and not report.rcp_tested:
        verdict += ", as far as was tested"
    return [
        f"{_results(report)}; findings: {counted or 'none'}{hidden}. {verdict}.",
        *_untested(report),
        report.error_statement,
    ]


def _results(report: CheckReport) -> str:
    return "1 result" if report.results == 1 else f"{report.results} results"


def _untested(report: CheckReport) -> list[str]:
    from mlperf_stats.analysis.rcp import NEEDS_REFERENCES

    return [] if report.rcp_tested else [f"NOT TESTED: convergence against the reference; {NEEDS_REFERENCES}"]
