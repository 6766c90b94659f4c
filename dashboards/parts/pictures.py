"""Charts as specifications, drawn once for equal contents and shared by all sessions."""

from __future__ import annotations

import contextlib
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import streamlit as st

from mlperf_stats.charts.theme import named

_KEPT = 128
_PADDING = dict.fromkeys(("left", "right", "top", "bottom"), 8)


def specification(draw: Callable[..., Any], theme: str) -> dict[str, Any]:
    """The Vega-Lite specification of a chart as wide as the page.

    Args:
        draw: Makes the chart; a partial function, whose arguments say what is drawn.
        theme: ``light`` or ``dark``.
    """
    return _drawn(pickle.dumps(draw), theme, draw)


@st.cache_data(show_spinner="Drawing …", max_entries=_KEPT)
def _drawn(content: bytes, theme: str, _draw: Callable[..., Any]) -> dict[str, Any]:
    """``content`` is what the answer is kept by; hashing it costs less than drawing."""
    del content
    with _unchecked():
        # Streamlit writes into the padding, which therefore may not be one number for all sides.
        chart = _draw(theme=named(theme), width="container").properties(padding=_PADDING)
        return dict(chart.to_dict(validate=False))


@contextlib.contextmanager
def _unchecked() -> Iterator[None]:
    """Without Altair's checks against its schema, half of the time: our charts are checked by their tests."""
    from altair.utils import schemapi

    before = schemapi.DEBUG_MODE
    schemapi.disable_debug_mode()
    try:
        yield
    finally:
        schemapi.DEBUG_MODE = before
