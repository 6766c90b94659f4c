"""A page as it is being written: what is shown, and kept so that the page can be saved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from mlperf_dashboards.parts.columns import ColumnText, configured, shown
from mlperf_dashboards.parts.downloads import table_buttons
from mlperf_dashboards.words import plain
from mlperf_stats.text.warnings import warning_notes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pandas as pd

_TALLEST_ROWS = 15


class Sheet:
    """One page. ``note`` is for our own words, in Markdown; text from logs goes into tables."""

    def __init__(self, title: str, lead: str) -> None:
        st.title(plain(title), anchor=False)
        st.caption(lead)

    def note(self, text: str) -> None:
        """A paragraph of our own words."""
        st.markdown(text)

    def table(
        self,
        key: str,
        frame: pd.DataFrame,
        texts: Mapping[str, ColumnText],
        *,
        order: Sequence[str] | None = None,
        selects: str | None = None,
    ) -> Any:
        """A table with its downloads; the answer is what is selected, for ``selects`` as Streamlit has it."""
        cells = shown(frame, texts)
        event = st.dataframe(
            cells,
            key=key,
            hide_index=True,
            column_config=configured(texts),
            column_order=list(order) if order else None,
            placeholder="",
            height="auto" if len(cells) <= _TALLEST_ROWS else 35 * (_TALLEST_ROWS + 1),
            on_select="rerun" if selects else "ignore",
            selection_mode=selects or "multi-row",
        )
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(f"{len(frame)} {'row' if len(frame) == 1 else 'rows'}", width="content")
            table_buttons(key, frame)
        return event["selection"] if selects else None

    def warnings(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """What the warning codes of these rows mean."""
        notes = warning_notes(rows)
        if notes:
            with st.expander("What the warnings mean"):
                for note in notes:
                    st.text(note)
