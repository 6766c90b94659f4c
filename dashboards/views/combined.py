"""One number for several benchmarks, combined the only way that the rules endorse, with its interval."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from mlperf_dashboards import analyses, data
from mlperf_dashboards.parts.compare_columns import SUMMARY_COLUMNS
from mlperf_dashboards.parts.inputs import percent
from mlperf_dashboards.parts.sheet import Sheet
from mlperf_dashboards.parts.sources import choose_source
from mlperf_dashboards.words import plain
from mlperf_stats.analysis.like_with_like import KINDS
from mlperf_stats.analysis.summary_score import INTERVALS
from mlperf_stats.analysis.summary_words import ratio_sentence, summary_sentence
from mlperf_stats.charts.summary import MOST_SUBMISSIONS, contributions_chart
from mlperf_stats.errors import CannotCombineError, InputError, NotComparableError

if TYPE_CHECKING:
    import pandas as pd

    from mlperf_dashboards.analyses import ReferenceFile
    from mlperf_dashboards.data import Source

USUAL = "published where the round has it"
OWN_FILE = "a file that you upload"
MOST_REFERENCE_MB = 1


def main() -> None:
    """The page."""
    with Sheet(
        "Combined score",
        "The weighted geometric mean over benchmarks of one submission. It is no official result of MLPerf.",
    ) as sheet:
        source = choose_source()
        frame = data.results_frame(source)
        submissions = list(dict.fromkeys(frame["result_id"].str.rpartition("/")[0]))
        chosen = st.multiselect(
            "Submissions",
            submissions,
            key="submission",
            bind="query-params",
            max_selections=MOST_SUBMISSIONS,
            placeholder="Type parts of their names",
        )
        if not chosen:
            st.info("Choose a submission above; with two or more their ratios are given as well.")
            return
        show(sheet, source, frame, tuple(chosen))


def show(sheet: Sheet, source: Source, frame: pd.DataFrame, submissions: tuple[str, ...]) -> None:
    """The combined scores of these submissions."""
    own = frame[frame["result_id"].str.rpartition("/")[0].isin(submissions)]
    names = sorted(own["benchmark"].unique())
    places = st.columns([3, 4, 2, 2], vertical_alignment="bottom")
    benchmarks = places[0].multiselect(
        "Benchmarks", names, key="benchmarks", bind="query-params", placeholder="all of the first"
    )
    others = list(dict.fromkeys(frame["result_id"].str.rpartition("/")[0]))
    chosen = places[1].selectbox(
        "Reference", [USUAL, *analyses.REFERENCES, OWN_FILE, *others], key="reference", bind="query-params"
    )
    interval = places[2].selectbox("Interval", INTERVALS, key="interval", bind="query-params")
    level = percent(places[3], "Level, %", "level", 95.0)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        weights = choose_weights(benchmarks or names)
        allow = st.multiselect(
            "In spite of a difference in",
            KINDS,
            key="allow",
            bind="query-params",
            placeholder="nothing: only what is alike is combined",
        )
    reference = reference_file() if chosen == OWN_FILE else "" if chosen == USUAL else chosen
    if reference is None:
        return
    try:
        found = analyses.combine(
            source, submissions, tuple(benchmarks), weights, reference, interval, level, tuple(allow)
        )
    except CannotCombineError as error:
        reason = str(error).rpartition(";")[0]
        remedy = (
            f"Choose under Benchmarks: {', '.join(error.usable)}" if error.usable else "No benchmark would do"
        )
        st.warning(plain(f"{reason}. {remedy}."), title="These benchmarks cannot be combined")
        return
    except NotComparableError as error:
        st.warning(plain(error), title="Not alike")
        return
    except InputError as error:
        if chosen != OWN_FILE:
            raise
        # The path in the message is a temporary one of ours; the reader knows the file's own name.
        st.error(plain(str(error).partition(": ")[2] or error), title="This reference cannot be used")
        return
    sheet.disclose(found.disclosure)
    for one in found.summaries:
        sheet.text(summary_sentence(found, one))
    for ratio in found.ratios:
        sheet.text(ratio_sentence(found, ratio))
    sheet.picture("contributions", partial(contributions_chart, found), "The factor of each benchmark")
    sheet.table("summary", found.to_frame(), SUMMARY_COLUMNS)
    sheet.text(found.citation)
    sheet.warnings(found.rows)


def reference_file() -> ReferenceFile | None:
    """Reference results that the reader uploads, for this session; None where there are none yet."""
    file = st.file_uploader(
        "Reference results in minutes: CSV with the columns benchmark,minutes, or JSON",
        type=["csv", "json"],
        key="reference-file",
        max_upload_size=MOST_REFERENCE_MB,
        help='One line for each benchmark, or {"bert": 30.5}. The file stays on this machine.',
    )
    if file is None:
        st.info("Upload the reference results above. A link to this page does not carry them.")
        return None
    if file.size > MOST_REFERENCE_MB << 20:
        st.error(f"Reference results may have {MOST_REFERENCE_MB} MB.", title="This reference cannot be used")
        return None
    return file.name, file.getvalue()


def choose_weights(names: list[str]) -> tuple[tuple[str, float], ...]:
    """The weights that are not 1."""
    with st.popover("Weights", icon=":material/balance:"):
        typed = {
            name: st.number_input(
                plain(name), 0.0, value=1.0, step=0.5, key=f"weight-{name}", bind="query-params"
            )
            for name in names
        }
    return tuple((name, weight) for name, weight in typed.items() if weight != 1)


main()
