"""A page as it is being written: title, tables and pictures, each with its downloads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import streamlit as st

from mlperf_dashboards.parts.columns import ColumnText, configured, shown
from mlperf_dashboards.parts.downloads import chart_buttons, table_buttons
from mlperf_dashboards.words import plain
from mlperf_stats.charts.theme import named
from mlperf_stats.text.warnings import warning_notes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    import pandas as pd

_TALLEST_ROWS = 12
_ROW_PIXELS = 35
_PADDING = dict.fromkeys(("left", "right", "top", "bottom"), 8)


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
        name: str,
        frame: pd.DataFrame,
        texts: Mapping[str, ColumnText],
        *,
        order: Sequence[str] | None = None,
        selects: Literal["multi-row", "single-row", "single-cell"] | None = None,
    ) -> Any:
        """A table with its downloads, which have every column of ``frame``.

        Returns:
            What is selected, as Streamlit tells it; None where nothing can be.
        """
        cells = shown(frame, texts)
        looks: dict[str, Any] = {
            "key": f"table-{name}",
            "hide_index": True,
            "column_config": configured(texts),
            "column_order": list(order) if order else None,
            "placeholder": "",
            "height": "auto" if len(cells) <= _TALLEST_ROWS else _ROW_PIXELS * (_TALLEST_ROWS + 1),
        }
        event: Any = None
        if selects:
            event = st.dataframe(cells, on_select="rerun", selection_mode=selects, **looks)
        else:
            st.dataframe(cells, **looks)
        with _footer():
            st.caption(f"{len(frame)} {'row' if len(frame) == 1 else 'rows'}", width="content")
            table_buttons(name, frame)
        return event["selection"] if event else None

    def picture(self, name: str, draw: Callable[..., Any], alt: str, *, selects: str | None = None) -> Any:
        """A picture with its downloads.

        Args:
            name: Of its files.
            draw: Makes the chart; takes ``theme`` and ``width``.
            alt: What it shows, for those who do not see it.
            selects: Name of the chart's selection that a click makes.

        Returns:
            What is selected, as Streamlit tells it; None where nothing can be.
        """
        kind = st.context.theme.type or "light"
        # Streamlit writes into the padding, which therefore may not be one number for all sides.
        chart = draw(theme=named(kind), width="container").properties(padding=_PADDING)
        event: Any = None
        looks: dict[str, Any] = {"theme": None, "key": f"picture-{name}", "alt": alt, "width": "stretch"}
        if selects:
            event = st.altair_chart(chart, on_select="rerun", selection_mode=selects, **looks)
        else:
            st.altair_chart(chart, **looks)
        with _footer():
            chart_buttons(name, draw)
        return event["selection"][selects] if event and selects else None

    def warnings(self, rows: Iterable[Mapping[Any, Any]]) -> None:
        """What the warning codes of these rows mean."""
        notes = warning_notes(rows)
        if notes:
            with st.expander("What the warnings mean"):
                for note in notes:
                    st.text(note)


def _footer() -> Any:
    return st.container(horizontal=True, vertical_alignment="center", gap="small")
