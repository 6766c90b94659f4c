"""Which results a page speaks of: the database's, or the session's own over the published ones."""

from __future__ import annotations

import streamlit as st

from mlperf_dashboards.data import Source, current_source
from mlperf_dashboards.readings import Reading

READING = "reading"
"""Key of the session's own logs in the session's state."""


def remember(reading: Reading | None) -> None:
    """Keep what *Your runs* shows for other pages."""
    st.session_state[READING] = reading


def session_reading() -> Reading | None:
    """The session's own logs."""
    found = st.session_state.get(READING)
    return found if isinstance(found, Reading) else None


def choose_source() -> Source:
    """The database, or where the reader says so the session's runs over the published results."""
    own = session_reading()
    if own is not None and st.toggle("With your runs of this session", key="own", bind="query-params"):
        return own.source
    return current_source()
