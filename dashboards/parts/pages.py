"""One page of what is too much for one picture; the others are a choice away."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

if TYPE_CHECKING:
    from mlperf_dashboards.parts.sheet import Sheet


def choose_page(sheet: Sheet, number: int, most: int, noun: str, order: str) -> slice:
    """Which of ``number`` things the picture has; where all of them fit nothing is asked.

    Args:
        sheet: Says which they are.
        number: Of things.
        most: In one picture.
        noun: Of several things.
        order: How they are ordered, such as ``the fastest first``.
    """
    pages = {_label(start, min(start + most, number), number): start for start in range(0, number, most)}
    if len(pages) < 2:
        return slice(0, number)
    chosen = st.selectbox(f"In the picture, {order}", list(pages), key=f"{noun}-shown", bind="query-params")
    sheet.note(f"The picture has {noun} {chosen}, {order}. The table has all.")
    return slice(pages[chosen], pages[chosen] + most)


def _label(start: int, end: int, number: int) -> str:
    return f"{start + 1} to {end} of {number}"
