"""One result: its figures, every run, its curves, its problems and where it comes from."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from mlperf_dashboards import data
from mlperf_dashboards.navigation import link
from mlperf_dashboards.parts.result_columns import (
    FACT_COLUMNS,
    FIGURE_COLUMNS,
    PROBLEM_COLUMNS,
    RUN_COLUMNS,
)
from mlperf_dashboards.parts.sheet import Sheet
from mlperf_stats.charts.curves import metrics_of, quality_curves
from mlperf_stats.charts.runs import runs_chart
from mlperf_stats.explanations import catalogue
from mlperf_stats.rules.wording import EXPECTED_NOT_DRAWN, UNVERIFIED, WITHIN_SUBMISSION
from mlperf_stats.text.numbers import minutes

if TYPE_CHECKING:
    from mlperf_stats.analysis.show import ResultDetail

FIGURES = (
    ("median", "Median", "Exact for any distribution."),
    ("gmean", "Geometric mean", "Of single runs."),
    ("expected", "Expected score", "Expectation of the unscaled score of the official number of runs."),
    ("controlled", "Controlled mean", "With the luck of convergence controlled for."),
)


def main() -> None:
    """The page."""
    source = data.current_source()
    asked = st.query_params.get("id")
    ids = list(data.results_frame(source)["result_id"])
    if asked and asked not in ids:
        # The words of the error say what was probably meant.
        data.detail(source, asked)
    sheet = Sheet("Result", "One result in full: figures, runs, curves, problems, sources.")
    chosen = st.selectbox(
        "Result",
        ids,
        index=None,
        key="id",
        bind="query-params",
        placeholder="Type a part of its name",
    )
    if chosen is None:
        st.info("Choose a result above, or select one on the page *Results*.")
        return
    show(sheet, data.detail(source, chosen))


def show(sheet: Sheet, detail: ResultDetail) -> None:
    """Everything about one result."""
    score = detail.row["score_minutes"]
    official, converged, goes_on = st.columns([1, 1, 2], vertical_alignment="bottom")
    official.metric("Score, minutes", minutes(score) or "none")
    converged.metric("Converged runs", f"{detail.row['runs_converged']} of {detail.row['runs']}")
    with goes_on.container(horizontal=True):
        link("result", "Compare it", {"id": detail.result.result_id})
        link("planning", "Plan from it", {"pilot": detail.result.result_id})
    if detail.result.round == "local":
        st.warning(UNVERIFIED)
    sheet.table("figures", figures(detail), FIGURE_COLUMNS)
    st.caption(f"{WITHIN_SUBMISSION} {EXPECTED_NOT_DRAWN}")
    sheet.warnings([detail.row])
    sheet.picture("runs-picture", partial(runs_chart, detail), "A dot for each run, by convergence point")
    curves(sheet, detail)
    st.subheader("Runs", anchor=False)
    sheet.table("runs", runs(detail), RUN_COLUMNS)
    found = problems(detail)
    if not found.empty:
        st.subheader("Problems", anchor=False)
        sheet.table("problems", found, PROBLEM_COLUMNS)
    st.subheader("System and sources", anchor=False)
    sheet.table("facts", facts(detail), FACT_COLUMNS)


def curves(sheet: Sheet, detail: ResultDetail) -> None:
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


def figures(detail: ResultDetail) -> pd.DataFrame:
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


def runs(detail: ResultDetail) -> pd.DataFrame:
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


def problems(detail: ResultDetail) -> pd.DataFrame:
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


def facts(detail: ResultDetail) -> pd.DataFrame:
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
        ("Scaling factor", result.scaling_factor),
        ("Logs", result.path),
        ("Description", result.description_path),
    ]
    lines = [{"fact": name, "value": "" if value is None else str(value)} for name, value in told]
    return pd.DataFrame(lines, columns=list(FACT_COLUMNS))


main()
