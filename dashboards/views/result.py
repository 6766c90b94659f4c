"""One result: its figures, every run, its curves, its problems and where it comes from."""

from __future__ import annotations

import streamlit as st

from mlperf_dashboards import data
from mlperf_dashboards.navigation import link
from mlperf_dashboards.parts.result_view import show_detail
from mlperf_dashboards.parts.sheet import Sheet


def main() -> None:
    """The page."""
    source = data.current_source()
    asked = st.query_params.get("id")
    ids = list(data.results_frame(source)["result_id"])
    if asked and asked not in ids:
        # The words of the error say what was probably meant.
        data.detail(source, asked)
    with Sheet("Result", "One result in full: figures, runs, curves, problems, sources.") as sheet:
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
        with st.container(horizontal=True):
            link("compare", "Compare it", {"result": chosen})
            link("planning", "Plan from it", {"pilot": chosen})
        show_detail(sheet, data.detail(source, chosen))


main()
