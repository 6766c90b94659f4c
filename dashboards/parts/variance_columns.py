"""Columns of the tables of variance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlperf_dashboards.parts.columns import ColumnText
from mlperf_dashboards.parts.result_columns import RESULT_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Mapping

_SPREAD: Mapping[str, ColumnText] = {
    "convergence_share": ColumnText("Convergence", "Share of the variance between runs.", "percent"),
    "throughput_share": ColumnText("Throughput", "The rest, at a fixed convergence point.", "percent"),
    "score_sd": ColumnText("1 sd of a score", "Relative, of the official number of runs.", "percent"),
    "half_width": ColumnText("±", "Half-width of the interval for the expected score.", "percent"),
    "rule": ColumnText("Rule of thumb", "As published.", "percent"),
    "holds": ColumnText("Holds", "Whether the half-width is within the rule."),
}
POOL_COLUMNS: Mapping[str, ColumnText] = {
    "benchmark": ColumnText("Benchmark", "Renamed benchmarks are one row."),
    "rounds": ColumnText("Rounds", "With results."),
    "results": ColumnText("Results", "Number of results.", "whole"),
    "results_outlying": ColumnText("outlying", "Results that do not fit the others.", "whole"),
    "runs": ColumnText("Runs", "Copies counted once.", "whole"),
    "nonconverged_share": ColumnText("Missed", "Runs that missed the target.", "percent"),
    "cv_median": ColumnText("Spread", "Standard deviation over mean of the median result.", "percent"),
    "convergence_points_median": ColumnText("Points", "Convergence points of the median result.", "number"),
    **_SPREAD,
    "between_share": ColumnText("Between", "Of the variance of convergence, between results.", "percent"),
    "own_within_rule": ColumnText("Within", "Results whose own interval keeps the rule.", "percent"),
    "warnings": ColumnText("Warnings", "Why results are outlying.", "codes"),
}
VARIANCE_RESULT_COLUMNS: Mapping[str, ColumnText] = {
    name: RESULT_COLUMNS[name]
    for name in ("result_id", "round", "submitter", "system", "benchmark", "gbs", "runs", "runs_converged")
} | {
    "nonconverged_share": POOL_COLUMNS["nonconverged_share"],
    "cv": RESULT_COLUMNS["cv"],
    "convergence_points": RESULT_COLUMNS["convergence_points"],
    **_SPREAD,
    "convergence_ratio": ColumnText("To its peers", "Mean convergence point over the median's.", "number"),
    "warnings": RESULT_COLUMNS["warnings"],
}
