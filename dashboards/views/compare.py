"""Is A faster than B? — ratios of times, ties, equality and ranks."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from mlperf_dashboards import analyses, data
from mlperf_dashboards.navigation import link
from mlperf_dashboards.parts.compare_columns import PAIR_COLUMNS, RANK_COLUMNS
from mlperf_dashboards.parts.inputs import percent
from mlperf_dashboards.parts.sheet import Sheet
from mlperf_dashboards.parts.sources import choose_source
from mlperf_dashboards.words import plain
from mlperf_stats.analysis.compare_words import notes
from mlperf_stats.analysis.footings import SENTENCES, Footing
from mlperf_stats.analysis.like_with_like import KINDS
from mlperf_stats.charts.compare import forest_chart
from mlperf_stats.charts.results import SELECTION
from mlperf_stats.charts.runs import run_strips
from mlperf_stats.errors import NotComparableError

if TYPE_CHECKING:
    from mlperf_dashboards.data import Source

MOST_RESULTS = 12
"""All pairs of more would be no picture any more, and a wide family."""

FEWEST_RESULTS = 2
ALL_PAIRS = "all pairs"


def main() -> None:
    """The page."""
    with Sheet("Compare", "Is one faster than the other? Intervals of all pairs hold together.") as sheet:
        source = choose_source()
        ids = list(data.results_frame(source)["result_id"])
        chosen = st.multiselect(
            "Results",
            ids,
            key="result",
            bind="query-params",
            max_selections=MOST_RESULTS,
            placeholder="Type parts of their names",
        )
        if len(chosen) < FEWEST_RESULTS:
            st.info("Choose two results or more above, or select them on the page *Results*.")
            return
        show(sheet, source, tuple(chosen))


def show(sheet: Sheet, source: Source, ids: tuple[str, ...]) -> None:
    """The comparison of these results."""
    places = st.columns([3, 3, 2, 2], vertical_alignment="bottom")
    footing = places[0].selectbox(
        "Footing", [str(one) for one in Footing], key="footing", bind="query-params"
    )
    baseline = places[1].selectbox("Against", [ALL_PAIRS, *ids], key="baseline", bind="query-params")
    margin = percent(places[2], "Equal within, %", "margin", 2.0)
    level = percent(places[3], "Level, %", "level", 95.0)
    allow = st.multiselect(
        "Compare in spite of a difference in",
        KINDS,
        key="allow",
        bind="query-params",
        placeholder="nothing: only what is alike is compared",
    )
    sheet.note(SENTENCES[Footing(footing)])
    against = "" if baseline == ALL_PAIRS else baseline
    try:
        found = analyses.compare(source, ids, footing, against, tuple(allow), margin, level)
    except NotComparableError as error:
        st.warning(plain(error), title="Not alike")
        return
    sheet.picture("ratios", partial(forest_chart, found), "Ratio of times for each pair, with its interval")
    pairs = found.to_frame()
    pairs["equivalent"] = pairs["equivalent"].map({True: "yes", False: "not shown"})
    sheet.table("pairs", pairs, PAIR_COLUMNS)
    for sentence in notes(found)[1:]:
        sheet.note(sentence)
    if found.ranks:
        sheet.heading("Ranks")
        sheet.table("ranks", found.ranks_frame(), RANK_COLUMNS)
    sheet.heading("Their runs")
    details = [data.detail(source, name) for name in ids]
    clicked = sheet.picture(
        "compared-runs",
        partial(run_strips, details, clickable=True),
        "Every run of every result as a dot",
        selects=SELECTION,
    )
    for name in dict.fromkeys(str(mark["result_id"]) for mark in clicked or ()):
        st.text(name)
        link("result", "Look at it", {"id": name})
    sheet.warnings(found.pairs)


main()
