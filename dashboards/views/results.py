"""Which results are there? — the table, like the published one, with intervals and warnings."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st

from mlperf_dashboards import data
from mlperf_dashboards.navigation import link
from mlperf_dashboards.parts.columns import ColumnText
from mlperf_dashboards.parts.filters import choose
from mlperf_dashboards.parts.pages import choose_page
from mlperf_dashboards.parts.result_columns import RESULT_COLUMNS, SCORE_COLUMNS
from mlperf_dashboards.parts.sheet import Sheet
from mlperf_stats.charts.results import SELECTION, overlapping, results_chart

if TYPE_CHECKING:
    import pandas as pd

LEAD = "Scores of MLPerf Training by its rules, and intervals of ours on raw times, which are not official."
BY_SYSTEM, BY_RESULT = "By system", "By result"
MOST_DRAWN = 40
"""Results in one picture; more would not be read."""

SYSTEM_COLUMNS = (
    "round",
    "submitter",
    "system",
    "hardware",
    "division",
    "availability",
    "framework",
)
USUAL = ("result_id", "hardware", *SCORE_COLUMNS)


def main() -> None:
    """The page."""
    source = data.current_source()
    with Sheet("Results", LEAD) as sheet:
        frame = data.results_frame(source)
        if frame.empty:
            st.info("The database holds no results yet; `mlperf-stats ingest PATH` reads some into it.")
            return
        rows = choose(frame).of(frame)
        view = st.segmented_control(
            "Table",
            [BY_SYSTEM, BY_RESULT],
            default=BY_SYSTEM,
            key="table",
            bind="query-params",
            required=True,
        )
        if rows.empty:
            st.info("No result fits these filters. Take one of them away, or choose more rounds.")
            return
        chosen = by_system(sheet, rows) if view == BY_SYSTEM else by_result(sheet, rows)
        offered = st.container()
        clicked = picture(sheet, rows)
        with offered:
            offer([*chosen, *(name for name in clicked if name not in chosen)])
        sheet.warnings(rows[["warnings"]].to_dict("records"))


def by_system(sheet: Sheet, rows: pd.DataFrame) -> list[str]:
    """A row per system, its minutes per benchmark beside each other; a cell names a result."""
    complete = st.toggle("Only systems with every benchmark shown", key="complete", bind="query-params")
    wide, ids = systems(rows)
    benchmarks = [name for name in wide.columns if name not in SYSTEM_COLUMNS]
    if complete:
        kept = wide[benchmarks].notna().all(axis=1)
        wide, ids = wide[kept].reset_index(drop=True), ids[kept].reset_index(drop=True)
        if wide.empty:
            st.info("No system has all of these benchmarks; choose fewer of them, or one round.")
            return []
    texts = {name: RESULT_COLUMNS[name] for name in SYSTEM_COLUMNS}
    texts |= {name: ColumnText(name, "Score in minutes.", "minutes") for name in benchmarks}
    order = [*SYSTEM_COLUMNS[:4], *benchmarks, *SYSTEM_COLUMNS[4:]]
    selected = sheet.table("systems", wide, texts, order=order, selects="single-cell")
    return [
        str(ids.at[row, column])
        for row, column in selected["cells"]
        if column in benchmarks and isinstance(ids.at[row, column], str)
    ]


def systems(rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Scores by system and benchmark, and the result ids in the same places."""
    keyed = rows.assign(submission=rows["result_id"].str.rpartition("/")[0])
    keys = ["submission", *SYSTEM_COLUMNS]
    keyed[list(SYSTEM_COLUMNS)] = keyed[list(SYSTEM_COLUMNS)].fillna("")
    tables = (
        keyed.pivot(index=keys, columns="benchmark", values=value) for value in ("score_minutes", "result_id")
    )
    order = keyed[keys].drop_duplicates()
    scores, ids = (
        table.reindex(list(order.itertuples(index=False, name=None))).reset_index().drop(columns="submission")
        for table in tables
    )
    return scores, ids


def by_result(sheet: Sheet, rows: pd.DataFrame) -> list[str]:
    """A row per result with its interval and warnings."""
    with st.popover("Columns", icon=":material/view_column:"):
        columns = st.multiselect(
            "Columns",
            list(RESULT_COLUMNS),
            default=list(USUAL),
            format_func=lambda name: RESULT_COLUMNS[name].label,
            key="columns",
            bind="query-params",
        )
    selected = sheet.table("results", rows, RESULT_COLUMNS, order=columns or USUAL, selects="multi-row")
    return [str(rows["result_id"].iloc[place]) for place in selected["rows"]]


def picture(sheet: Sheet, rows: pd.DataFrame) -> list[str]:
    """The results of one benchmark with their intervals; a click on a dot chooses a result."""
    counts = rows["benchmark"].value_counts()
    benchmark = st.selectbox("Picture of", sorted(counts.index), key="picture", bind="query-params")
    those = rows[rows["benchmark"] == benchmark].sort_values("median_minutes")
    ties = overlapping(those[those["median_minutes"].notna()].to_dict("records"), "median")
    shown = those.iloc[choose_page(sheet, len(those), MOST_DRAWN, "results", "the fastest first")]
    drawn: list[dict[str, Any]] = shown.astype(object).where(shown.notna(), None).to_dict("records")
    tied = [row["result_id"] for row in drawn if row["result_id"] in ties]
    selected = sheet.picture(
        "results-picture",
        partial(results_chart, drawn, tied=tied, clickable=True),
        f"Median times of {len(drawn)} results with their intervals, the fastest on top",
        selects=SELECTION,
    )
    return [str(mark["result_id"]) for mark in selected]


def offer(ids: list[str]) -> None:
    """Where to go with what is selected."""
    if not ids:
        st.caption("Select a cell, rows or a dot of the picture to look at results or compare them.")
        return
    for name in ids:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.text(name)
            link("result", "Look at it", {"id": name})
    if len(ids) > 1:
        link("compare", "Compare them", {"result": ids})


main()
