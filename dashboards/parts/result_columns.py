"""Columns of tables of results and of runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlperf_dashboards.parts.columns import ColumnText

if TYPE_CHECKING:
    from collections.abc import Mapping

RESULT_COLUMNS: Mapping[str, ColumnText] = {
    "result_id": ColumnText("Result", "Round, submitter, system and benchmark."),
    "round": ColumnText("Round", "Round of MLPerf Training."),
    "division": ColumnText("Division", "Closed: the reference's model and quality; open: anything else."),
    "availability": ColumnText("Availability", "Available, preview, or research and other internal."),
    "submitter": ColumnText("Submitter", "Folder of the submitter."),
    "system": ColumnText("System", "Folder of the system."),
    "benchmark": ColumnText("Benchmark", "Benchmark of the suite."),
    "accelerator": ColumnText("Accelerator", "Model, as the system's description names it."),
    "accelerators": ColumnText("Accelerators", "Number in the whole system.", "whole"),
    "hardware": ColumnText("Hardware", "Accelerators of the whole system and their model."),
    "nodes": ColumnText("Nodes", "Number of nodes.", "whole"),
    "framework": ColumnText("Framework", "As the system's description names it."),
    "gbs": ColumnText("Batch size", "Global batch size; empty where runs differ.", "whole"),
    "runs": ColumnText("Runs", "Run files that are there.", "whole"),
    "runs_converged": ColumnText("Converged", "Runs that reached the target.", "whole"),
    "score_minutes": ColumnText(
        "Score", "Minutes, by the MLPerf rules; empty where they give none.", "minutes"
    ),
    "olympic_minutes": ColumnText("Unscaled score", "The score without the scaling factor.", "minutes"),
    "scaling_factor": ColumnText("Scaling", "Factor of the convergence rule; 1 where there is none."),
    "median_minutes": ColumnText("Median", "Minutes, of the raw times; not official.", "minutes"),
    "median_low": ColumnText("Median low", "Lower end of the interval of the median.", "minutes"),
    "median_high": ColumnText("Median high", "Upper end of the interval of the median.", "minutes"),
    "median_level": ColumnText("Level", "Level that the median's interval attains.", "percent"),
    "gmean_minutes": ColumnText("Geometric mean", "Minutes, of the raw times; not official.", "minutes"),
    "gmean_low": ColumnText("Geometric low", "Lower end of its 95 % interval.", "minutes"),
    "gmean_high": ColumnText("Geometric high", "Upper end of its 95 % interval.", "minutes"),
    "expected_minutes": ColumnText("Expected score", "Expectation of the unscaled score.", "minutes"),
    "expected_low": ColumnText("Expected low", "Lower end of its 95 % interval.", "minutes"),
    "expected_high": ColumnText("Expected high", "Upper end of its 95 % interval.", "minutes"),
    "controlled_minutes": ColumnText(
        "Controlled", "Expected time of a run with the luck of convergence controlled for.", "minutes"
    ),
    "controlled_low": ColumnText("Controlled low", "Lower end of its 95 % interval.", "minutes"),
    "controlled_high": ColumnText("Controlled high", "Upper end of its 95 % interval.", "minutes"),
    "controlled_own_share": ColumnText(
        "Own share", "Share of the controlled estimate's information from its own runs.", "percent"
    ),
    "cv": ColumnText("Spread", "Standard deviation over mean of the converged runs.", "percent"),
    "convergence_points": ColumnText("Points", "Different convergence points of its runs.", "whole"),
    "energy_joules": ColumnText("Energy", "Joules, where power was measured.", "number"),
    "warnings": ColumnText("Warnings", "Codes; they are explained below the table.", "codes"),
}

SCORE_COLUMNS = (
    "score_minutes",
    "median_minutes",
    "median_low",
    "median_high",
    "median_level",
    "runs_converged",
    "runs",
    "warnings",
)
"""What tables of results show at first, besides what says whose they are."""

RUN_COLUMNS: Mapping[str, ColumnText] = {
    "run": ColumnText("Run", "File of the run."),
    "status": ColumnText("Status", "Whether it reached the target, and if not, why."),
    "role": ColumnText("In the score", "Whether it counts, or was dropped as fast or slow."),
    "minutes": ColumnText("Minutes", "From run_start to run_stop.", "minutes"),
    "convergence_point": ColumnText("Converged at", "Training progress at the target.", "number"),
    "convergence_unit": ColumnText("Unit", "What the progress counts."),
    "gbs": ColumnText("Batch size", "Global batch size.", "whole"),
    "seed": ColumnText("Seed", "As logged."),
    "evaluations": ColumnText("Evaluations", "Number that the log holds.", "whole"),
    "problems": ColumnText("Problems", "Codes; they are explained below.", "codes"),
    "identical_to": ColumnText("Same bytes as", "Other run files with the same content."),
    "path": ColumnText("Source", "Path in the repository of results."),
    "content_hash": ColumnText("SHA-256", "Of the file."),
}
FIGURE_COLUMNS: Mapping[str, ColumnText] = {
    "figure": ColumnText("Figure", "What is estimated, on raw times; the score is by the rules."),
    "minutes": ColumnText("Minutes", "Estimate.", "minutes"),
    "low": ColumnText("Low", "Lower end of the interval.", "minutes"),
    "high": ColumnText("High", "Upper end of the interval.", "minutes"),
    "level": ColumnText("Level", "Confidence level that the interval attains.", "percent"),
    "runs": ColumnText("Runs", "Runs that it rests on.", "whole"),
    "about": ColumnText("About", "How it is made."),
}
FACT_COLUMNS: Mapping[str, ColumnText] = {
    "fact": ColumnText("Fact", "As filed, unless it says otherwise."),
    "value": ColumnText("Value", "Names are shown as they were filed."),
}
PROBLEM_COLUMNS: Mapping[str, ColumnText] = {
    "path": ColumnText("Where", "File or folder."),
    "code": ColumnText("Code", "Kind of problem."),
    "count": ColumnText("Times", "How often.", "whole"),
    "detail": ColumnText("Detail", "What was seen."),
    "meaning": ColumnText("Meaning", "What it does to the figures."),
}
