"""Where does the run-to-run variance come from, and how far can scores be trusted?"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st

from mlperf_dashboards import data
from mlperf_dashboards.navigation import link
from mlperf_dashboards.parts.sheet import Sheet
from mlperf_dashboards.parts.variance_columns import POOL_COLUMNS, VARIANCE_RESULT_COLUMNS
from mlperf_stats.charts.variance import decomposition_chart, score_spread_chart
from mlperf_stats.rules.wording import SELECTED
from mlperf_stats.store.queries import natural_key

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mlperf_stats.analysis.variance import Table, VarianceReport

TABLES: dict[str, Table] = {
    "By benchmark": "benchmarks",
    "By benchmark and round": "rounds",
    "By result": "results",
}
LEAD = (
    "Runs of one result differ in how far they had to train (convergence) and in how fast they trained "
    "(throughput). Convergence is most of it."
)
MOST_DRAWN = 60
"""Rows in one picture; more would not be read."""


def main() -> None:
    """The page."""
    source = data.current_source()
    with Sheet("Variance", LEAD) as sheet:
        report = data.variance(source)
        if not report.results:
            st.info("The database holds no results yet; `mlperf-stats ingest PATH` reads some into it.")
            return
        chosen = st.segmented_control(
            "Table", list(TABLES), default="By benchmark", key="rows", bind="query-params", required=True
        )
        table = TABLES[chosen]
        report = narrowed(report, table)
        if getattr(report, table):
            show(sheet, report, table)
        else:
            st.info("No row fits these filters. Take one of them away.")


def show(sheet: Sheet, report: VarianceReport, table: Table) -> None:
    """Pictures and rows of one table."""
    rows = getattr(report, table)
    if len(rows) <= MOST_DRAWN:
        for name, chart, alt in PICTURES:
            sheet.picture(f"variance-{name}", partial(chart, report, table), alt)
    else:
        st.caption(f"A picture of {len(rows)} rows would not be read; filter them to {MOST_DRAWN} or fewer.")
    texts = VARIANCE_RESULT_COLUMNS if table == "results" else POOL_COLUMNS
    selected = sheet.table(
        f"variance-{table}", frame(report, table), texts, selects="single-row" if table == "results" else None
    )
    if selected and selected["rows"]:
        link("result", "Look at the selected result", {"id": rows[selected["rows"][0]]["result_id"]})
    sheet.note(SELECTED)
    sheet.warnings(rows)


PICTURES: tuple[tuple[str, Callable[..., Any], str], ...] = (
    ("shares", decomposition_chart, "Share of the variance that is convergence, and what is throughput"),
    ("scores", score_spread_chart, "Half-width of one score beside the published rule of thumb"),
)


def narrowed(report: VarianceReport, table: Table) -> VarianceReport:
    """The rows of the benchmarks, and where rows are of one round, of the rounds that are chosen."""
    names = list(dict.fromkeys(row["benchmark"] for row in getattr(report, table)))
    first, second = st.columns(2)
    wanted = first.multiselect(
        "Benchmark", sorted(names), key="workload", bind="query-params", placeholder="all"
    )
    rounds: list[str] = []
    if table != "benchmarks":
        known = sorted({name for row in report.rounds for name in row["rounds"]}, key=natural_key)
        rounds = second.multiselect(
            "Round",
            [*known][::-1],
            default=[*known][-1:],
            key="rounds",
            bind="query-params",
            placeholder="all",
        )

    def fits(row: Mapping[str, Any]) -> bool:
        own = row["rounds"] if "rounds" in row else [row["round"]]
        return (not wanted or row["benchmark"] in wanted) and (not rounds or bool({*own} & {*rounds}))

    def kept(rows: tuple[dict[str, Any], ...]) -> tuple[dict[str, Any], ...]:
        return tuple(row for row in rows if fits(row))

    return replace(
        report,
        benchmarks=kept(report.benchmarks) if table == "benchmarks" else report.benchmarks,
        rounds=kept(report.rounds) if table == "rounds" else report.rounds,
        results=kept(report.results) if table == "results" else report.results,
    )


def frame(report: VarianceReport, table: Table) -> Any:
    """The table, with the rounds of a row as one text."""
    found = report.to_frame(table)
    if "rounds" in found:
        found["rounds"] = found["rounds"].map(" ".join)
    found["holds"] = found["holds"].map({True: "yes", False: "no"})
    return found


main()
