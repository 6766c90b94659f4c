"""What does a larger system buy, who is close to the best, and how did the best change over the rounds?"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st

from mlperf_dashboards import analyses, data
from mlperf_dashboards.navigation import link
from mlperf_dashboards.parts.inputs import number
from mlperf_dashboards.parts.pages import choose_page
from mlperf_dashboards.parts.scale_columns import (
    FIT_COLUMNS,
    HISTORY_COLUMNS,
    PROFILE_COLUMNS,
    SCALE_COLUMNS,
)
from mlperf_dashboards.parts.sheet import Sheet
from mlperf_dashboards.parts.sources import choose_source
from mlperf_dashboards.words import plain
from mlperf_stats.charts.history import MEASURES, history_chart
from mlperf_stats.charts.profile import profile_chart
from mlperf_stats.charts.results import SELECTION
from mlperf_stats.charts.scale import scaling_chart
from mlperf_stats.errors import InputError
from mlperf_stats.rules.wording import DERIVED, SELECTED

if TYPE_CHECKING:
    import pandas as pd

    from mlperf_dashboards.data import Source

SCALE, PROFILE, HISTORY = "By size", "Close to the best", "Over the rounds"
MOST_PROFILES = 30
"""Systems in one picture; more lines would not be read."""

NAMES = {True: "yes", False: "noise"}


def main() -> None:
    """The page."""
    with Sheet(
        "Scale and history",
        "What a larger system buys, how often a system is close to the best, and how the best changed.",
    ) as sheet:
        source = choose_source()
        frame = data.results_frame(source)
        if frame.empty:
            st.info("The database holds no results yet; `mlperf-stats ingest PATH` reads some into it.")
            return
        view = st.segmented_control(
            "Question", list(VIEWS), default=SCALE, key="view", bind="query-params", required=True
        )
        VIEWS[view](sheet, source, frame)
        sheet.note(DERIVED)
        sheet.note(SELECTED)


def by_size(sheet: Sheet, source: Source, frame: pd.DataFrame) -> None:
    """Time and accelerator-minutes against accelerators."""
    places = st.columns([2, 3, 2])
    benchmark = benchmark_of(places[0], frame)
    known = list(dict.fromkeys(frame[frame["benchmark"] == benchmark]["round"]))
    rounds = places[1].multiselect(
        "Round", known, default=known[:1], key="scale-round", bind="query-params", placeholder="all"
    )
    price = number(places[2], "Price of an accelerator hour", "price")
    found = analyses.scale(source, benchmark, tuple(rounds), price)
    clicked = sheet.picture(
        "scaling",
        partial(scaling_chart, found, clickable=True),
        "Expected time against accelerators, a line for each family, with ideal lines",
        selects=SELECTION,
    )
    look_at(clicked)
    results = found.to_frame()
    results["differs"] = results["differs"].map(NAMES)
    sheet.table("scale", results, SCALE_COLUMNS)
    if found.fits:
        sheet.heading("Laws of scaling")
        fits = found.to_frame("fits")
        fits["differs"] = fits["differs"].map(NAMES)
        sheet.table("scale-fits", fits, FIT_COLUMNS)
    sheet.warnings([*found.results, *found.fits])


def close_to_best(sheet: Sheet, source: Source, frame: pd.DataFrame) -> None:
    """Performance profiles of one round."""
    places = st.columns([2, 2, 3], vertical_alignment="bottom")
    rounds = list(dict.fromkeys(frame["round"]))
    round_name = places[0].selectbox("Round", rounds, key="profile-round", bind="query-params")
    per_accelerator = places[1].toggle("Accelerator-minutes", key="per-accelerator", bind="query-params")
    complete = places[2].toggle("Only systems with every benchmark", key="complete", bind="query-params")
    try:
        found = analyses.profile(source, round_name, per_accelerator, complete)
    except InputError as error:
        told = "Allow systems without some benchmark." if complete else "Choose another round."
        st.warning(plain(f"{str(error).partition(';')[0]}. {told}"), title="Nothing to compare")
        return
    page = choose_page(sheet, len(found.systems), MOST_PROFILES, "systems", "the most complete first")
    systems = found.systems[page]
    drawn = {row["submission"] for row in systems}
    pictured = replace(
        found, systems=systems, curve=tuple(row for row in found.curve if row["submission"] in drawn)
    )
    sheet.picture(
        "profile", partial(profile_chart, pictured), "Share of benchmarks within a factor of the best"
    )
    sheet.table("profiles", found.to_frame(), PROFILE_COLUMNS)
    sheet.text(f"Benchmarks: {', '.join(found.benchmarks)}")


def over_rounds(sheet: Sheet, source: Source, frame: pd.DataFrame) -> None:
    """The best of every round."""
    places = st.columns(2)
    benchmark = benchmark_of(places[0], frame)
    measures = {label.capitalize(): name for name, label in MEASURES.items()}
    measure = measures[places[1].selectbox("Of", list(measures), key="measure", bind="query-params")]
    found = analyses.history(source, benchmark)
    clicked = sheet.picture(
        "history",
        partial(history_chart, found, measure, clickable=True),
        "The best of each round with its interval",
        selects=SELECTION,
    )
    look_at(clicked)
    rows = found.to_frame()
    rows["minutes_differs"] = rows["minutes_differs"].map(NAMES)
    sheet.table("history", rows, HISTORY_COLUMNS)
    if found.absent:
        sheet.note(f"No results at hand of the rounds {', '.join(found.absent)}, which had the benchmark.")


def benchmark_of(place: Any, frame: pd.DataFrame) -> str:
    """One benchmark, of the newest round first."""
    names = list(dict.fromkeys(frame["benchmark"]))
    return str(place.selectbox("Benchmark", names, key="scale-benchmark", bind="query-params"))


def look_at(marks: Any) -> None:
    """Links to the results that were clicked."""
    for name in dict.fromkeys(str(mark["result_id"]) for mark in marks or ()):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.text(name)
            link("result", "Look at it", {"id": name})


VIEWS = {SCALE: by_size, PROFILE: close_to_best, HISTORY: over_rounds}

main()
