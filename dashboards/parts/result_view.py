"""One result in full, as two pages show it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from mlperf_dashboards.parts.result_columns import (
    FACT_COLUMNS,
    FIGURE_COLUMNS,
    PROBLEM_COLUMNS,
    RUN_COLUMNS,
)
from mlperf_stats.charts.curves import metrics_of, quality_curves
from mlperf_stats.charts.runs import runs_chart
from mlperf_stats.explanations import catalogue
from mlperf_stats.rules.suite import LOCAL_ROUND
from mlperf_stats.rules.wording import EXPECTED_NOT_DRAWN, UNVERIFIED, WITHIN_SUBMISSION
from mlperf_stats.text.numbers import minutes

if TYPE_CHECKING:
    from mlperf_dashboards.parts.sheet import Sheet
    from mlperf_stats.analysis.show import ResultDetail

FIGURES = (
    ("median", "Median", "Exact for any distribution."),
    ("gmean", "Geometric mean", "Of single runs."),
    ("expected", "Expected score", "Expectation of the unscaled score of the official number of runs."),
    ("controlled", "Controlled mean", "With the luck of convergence controlled for."),
)


def show_detail(sheet: Sheet, detail: ResultDetail) -> None:
    """Figures, runs, curves, problems and sources of one result."""
    sheet.text(detail.result.result_id)
    official, converged, _ = st.columns([1, 1, 2])
    official.metric("Score, minutes", minutes(detail.row["score_minutes"]) or "none")
    converged.metric("Converged runs", f"{detail.row['runs_converged']} of {detail.row['runs']}")
    if detail.result.round == LOCAL_ROUND:
        sheet.disclose(UNVERIFIED)
    sheet.table("figures", _figures(detail), FIGURE_COLUMNS)
    sheet.note(f"{WITHIN_SUBMISSION} {EXPECTED_NOT_DRAWN}")
    sheet.warnings([detail.row])
    sheet.picture("runs-picture", partial(runs_chart, detail), "A dot for each run, by convergence point")
    _curves(sheet, detail)
    sheet.heading("Runs")
    sheet.table("runs", _runs(detail), RUN_COLUMNS)
    found = _problems(detail)
    if not found.empty:
        sheet.heading("Problems")
        sheet.table("problems", found, PROBLEM_COLUMNS)
    sheet.heading("System and sources")
    sheet.table("facts", _facts(detail), FACT_COLUMNS)


def _curves(sheet: Sheet, detail: ResultDetail) -> None:
    """Quality against time, of one metric at a time."""
    metrics = metrics_of(detail)
    if not metrics:
        st.caption("The logs hold no evaluations to draw.")
        return
    metric = metrics[0]
    if len(metrics) > 1:
        metric = st.selectbox("Quality", metrics, key="metric", bind="query-params")
    draw = partial(quality_curves, detail, metric)
    sheet.picture("curves", draw, "Quality against time, a line for each run, and the target")


def _figures(detail: ResultDetail) -> pd.DataFrame:
    """Score and intervals, a row each."""
    row = detail.row
    lines = [
        {
            "figure": "Score",
            "minutes": row["score_minutes"],
            "runs": row["runs_converged"],
            "about": f"By the MLPerf rules; {detail.score.state}",
        }
    ]
    for name, label, about in FIGURES:
        if row[f"{name}_minutes"] is not None:
            attained = row["median_level"] if name == "median" else detail.level
            lines.append(
                {
                    "figure": label,
                    "minutes": row[f"{name}_minutes"],
                    "low": row[f"{name}_low"],
                    "high": row[f"{name}_high"],
                    "level": attained,
                    "runs": row["runs_converged"],
                    "about": about,
                }
            )
    return pd.DataFrame(lines, columns=list(FIGURE_COLUMNS))


def _runs(detail: ResultDetail) -> pd.DataFrame:
    """A row per run."""
    lines = [
        {
            **{name: getattr(item.run, name, None) for name in RUN_COLUMNS},
            "run": item.run.path.rpartition("/")[2],
            "role": item.role,
            "evaluations": len(item.evaluations),
            "problems": ";".join(problem.code for problem in item.run.problems),
            "identical_to": "; ".join(item.identical_to),
        }
        for item in detail.runs
    ]
    return pd.DataFrame(lines, columns=list(RUN_COLUMNS))


def _problems(detail: ResultDetail) -> pd.DataFrame:
    """What was wrong with the files, a row per kind and place."""
    result = detail.result
    found = [(result.description_path or "description", item) for item in result.system_problems]
    found += [(result.path, item) for item in result.problems]
    found += [(run.run.path, item) for run in detail.runs for item in run.run.problems]
    known = catalogue()
    lines = [
        {
            "path": path,
            "code": item.code,
            "count": item.count,
            "detail": item.detail,
            "meaning": known[item.code].brief if item.code in known else "",
        }
        for path, item in found
    ]
    return pd.DataFrame(lines, columns=list(PROBLEM_COLUMNS))


def _facts(detail: ResultDetail) -> pd.DataFrame:
    """What was filed about the system, and where the files lie."""
    result, rules = detail.result, detail.benchmark
    told: list[tuple[str, Any]] = [
        ("Submitter", result.submitter),
        ("System", result.system_name or result.system),
        ("Division", result.division_as_filed or result.division),
        ("Availability", result.availability_as_filed or result.availability),
        ("Accelerators", f"{result.accelerators or '?'} × {result.accelerator or 'unknown'}"),
        ("Nodes", result.nodes),
        ("Host processors", f"{result.host_processors or '?'} × {result.host_processor or 'unknown'}"),
        ("Framework", result.framework),
        ("Target, by the rules", rules.quality_target),
        ("Runs, by the rules", f"{rules.runs}, {rules.dropped_each_side} dropped on each side"),
        ("Scaling factor", minutes(result.scaling_factor)),
        ("Logs", result.path),
        ("Description", result.description_path),
    ]
    lines = [{"fact": name, "value": "" if value is None else str(value)} for name, value in told]
    return pd.DataFrame(lines, columns=list(FACT_COLUMNS))
