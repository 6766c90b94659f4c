"""A summary report as one table: components, summaries, ratios and wrong means, a row each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlperf_stats.analysis.summary_score import SummaryReport

COMPONENT, SUMMARY, RATIO, WRONG = "component", "summary", "ratio", "wrong-mean"

COLUMNS = (
    "kind",
    "submission",
    "against",
    "benchmark",
    "result_id",
    "weight",
    "score_minutes",
    "olympic_minutes",
    "scaling_factor",
    "reference_minutes",
    "score",
    "raw_score",
    "estimate",
    "low",
    "high",
    "contribution",
    "variance_share",
    "without",
    "weights_low",
    "weights_high",
    "better",
    "runs",
    "reference",
    "interval",
    "level",
    "overrides",
    "warnings",
    "disclosure",
    "citation",
)
"""Columns of CSV; what a kind of row does not have is empty."""


def report_rows(report: SummaryReport) -> Iterator[dict[str, Any]]:
    """The rows, each with what all of them carry."""
    common = {
        "reference": report.reference,
        "interval": report.interval,
        "level": report.level,
        "overrides": [str(one) for one in report.overrides],
        "disclosure": report.disclosure,
        "citation": report.citation,
    }
    for row in _rows(report):
        yield {**dict.fromkeys(COLUMNS), **{name: row[name] for name in COLUMNS if name in row}, **common}


def _rows(report: SummaryReport) -> Iterator[dict[str, Any]]:
    for one in report.summaries:
        for part in one.components:
            yield {
                **asdict(part),
                "kind": COMPONENT,
                "submission": one.submission,
                "score": part.value,
                "warnings": ";".join(part.warnings),
            }
    for one in report.summaries:
        yield {**asdict(one), "kind": SUMMARY}
    for ratio in report.ratios:
        yield {**asdict(ratio), "kind": RATIO, "warnings": ";".join(ratio.warnings)}
    if report.wrong:
        for mean in report.wrong.means:
            for submission, value in zip(report.wrong.submissions, mean.values, strict=True):
                yield {
                    "kind": WRONG,
                    "submission": submission,
                    "against": mean.reference,
                    "benchmark": mean.mean,
                    "score": value,
                }
