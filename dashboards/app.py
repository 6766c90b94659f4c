"""The app itself: Streamlit runs this file once per interaction."""

from __future__ import annotations

import logging

import streamlit as st

from mlperf_dashboards.look import WAY_BACK, corrections, page_icon
from mlperf_dashboards.navigation import PAGES, link
from mlperf_dashboards.words import plain
from mlperf_stats.errors import MlperfStatsError

st.set_page_config(page_title="mlperf-stats", page_icon=page_icon(), layout="wide")
if st.context.theme.type == "dark":
    st.html(corrections())
page = st.navigation([entry.page() for entry in PAGES])
try:
    page.run()
except MlperfStatsError as error:
    st.title("This cannot be shown", anchor=False)
    st.error(plain(error))
    link("results", "Back to all results")
except Exception:
    logging.getLogger(__name__).exception("page %s", page.url_path)
    st.title("This page failed", anchor=False)
    st.error(
        "Something went wrong that should not have; the terminal that runs the dashboard says what. "
        "Other pages are not touched by it."
    )
    link("results", "Back to all results")
# Below the page, where its element takes no room.
st.html(WAY_BACK, unsafe_allow_javascript=True)
