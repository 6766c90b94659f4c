"""Columns of comparisons and of custom summary results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlperf_dashboards.parts.columns import ColumnText

if TYPE_CHECKING:
    from collections.abc import Mapping

PAIR_COLUMNS: Mapping[str, ColumnText] = {
    "benchmark": ColumnText("Benchmark", "That both ran."),
    "a": ColumnText("First", "Result."),
    "b": ColumnText("Second", "Result."),
    "verdict": ColumnText("First is", "~: no difference is shown."),
    "ratio": ColumnText("Ratio", "Time of the first over time of the second.", "minutes"),
    "ratio_low": ColumnText("Low", "Lower end; all intervals hold together.", "minutes"),
    "ratio_high": ColumnText("High", "Upper end; all intervals hold together.", "minutes"),
    "faster": ColumnText("P(faster)", "Chance that a single run of the first is faster.", "percent"),
    "equivalent": ColumnText("Equal", "Whether equality within the margin is shown."),
    "p_adjusted": ColumnText("p, adjusted", "Of no difference, for the family.", "number"),
    "a_minutes": ColumnText("First, min", "On the footing chosen.", "minutes"),
    "b_minutes": ColumnText("Second, min", "On the footing chosen.", "minutes"),
    "a_runs": ColumnText("Runs, first", "Converged.", "whole"),
    "b_runs": ColumnText("Runs, second", "Converged.", "whole"),
    "warnings": ColumnText("Warnings", "Codes; they are explained below.", "codes"),
}
RANK_COLUMNS: Mapping[str, ColumnText] = {
    "result_id": ColumnText("Result", "All of one benchmark are ranked together."),
    "benchmark": ColumnText("Benchmark", "That they ran."),
    "rank": ColumnText("Rank", "A range where results tie."),
    "rank_low": ColumnText("Best", "Best rank that is not excluded.", "whole"),
    "rank_high": ColumnText("Worst", "Worst rank that is not excluded.", "whole"),
    "minutes": ColumnText("Minutes", "On the footing chosen.", "minutes"),
    "runs": ColumnText("Runs", "Converged.", "whole"),
    "warnings": ColumnText("Warnings", "Codes; they are explained below.", "codes"),
}
SUMMARY_COLUMNS: Mapping[str, ColumnText] = {
    "kind": ColumnText("Kind", "Component, summary of a submission, or ratio of two."),
    "submission": ColumnText("Submission", "Round, submitter and system."),
    "against": ColumnText("Over", "The other submission of a ratio."),
    "benchmark": ColumnText("Benchmark", "Of a component."),
    "weight": ColumnText("Weight", "Share.", "percent"),
    "score": ColumnText("Score", "From official benchmark results.", "minutes"),
    "estimate": ColumnText("Estimate", "From raw times.", "minutes"),
    "low": ColumnText("Low", "Lower end of its interval.", "minutes"),
    "high": ColumnText("High", "Upper end of its interval.", "minutes"),
    "contribution": ColumnText("Factor", "That the benchmark puts in.", "minutes"),
    "variance_share": ColumnText("Variance", "Share of the summary's variance.", "percent"),
    "without": ColumnText("Without", "The summary without this benchmark.", "minutes"),
    "weights_low": ColumnText("Weights low", "Least, if any weight were halved or doubled.", "minutes"),
    "weights_high": ColumnText("Weights high", "Largest, if any weight were halved or doubled.", "minutes"),
    "better": ColumnText("P(better)", "Confidence that the first is faster.", "percent"),
    "runs": ColumnText("Runs", "Converged.", "whole"),
    "result_id": ColumnText("Result", "Of a component."),
    "warnings": ColumnText("Warnings", "Codes; they are explained below.", "codes"),
}
