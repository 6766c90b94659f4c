"""Charts as specifications, drawn once for equal contents and shared by all sessions."""

from __future__ import annotations

import contextlib
import io
import pickle
import textwrap
from collections.abc import Callable, Iterator
from typing import Any

import streamlit as st

from mlperf_stats.charts.theme import named

_KEPT = 128
TITLE_CHARACTERS = 56
SUBTITLE_CHARACTERS = 74
_PAGE_FONT = '"Source Sans", sans-serif'
_PADDING = dict.fromkeys(("left", "right", "top", "bottom"), 8)


def specification(draw: Callable[..., Any], theme: str) -> dict[str, Any]:
    """The Vega-Lite specification of a chart as wide as the page.

    Args:
        draw: Makes the chart; a partial function, whose arguments say what is drawn.
        theme: ``light`` or ``dark``.
    """
    return _drawn(content_of(draw), theme, draw)


def content_of(draw: Callable[..., Any]) -> bytes:
    """The same bytes for equal contents, whether just computed or read back from where answers are kept.

    With a memo pickle would tell whether two equal texts are one object, and every picture be drawn twice.
    """
    written = io.BytesIO()
    pickler = pickle.Pickler(written)
    pickler.fast = True
    pickler.dump(draw)
    return written.getvalue()


@st.cache_data(show_spinner="Drawing …", max_entries=_KEPT)
def _drawn(content: bytes, theme: str, _draw: Callable[..., Any]) -> dict[str, Any]:
    """``content`` is what the answer is kept by; hashing it costs less than drawing."""
    del content
    with _unchecked():
        spec = _draw(theme=named(theme), width="container").to_dict(validate=False)
    # Streamlit writes into the padding, which therefore may not be one number for all sides.
    return _in_the_page_font(_folded({**spec, "padding": dict(_PADDING)}))


def _in_the_page_font(spec: dict[str, Any]) -> dict[str, Any]:
    """``spec`` in the letters of the text around it; files keep fonts that any machine has."""
    looks = spec["config"]
    looks["font"] = looks["text"]["font"] = _PAGE_FONT
    return spec


def _folded(spec: dict[str, Any]) -> dict[str, Any]:
    """``spec`` with its heading in lines that a screen of 600 pixels holds; longer ones would be cut."""
    heading = spec.get("title")
    if isinstance(heading, dict):
        for part, width in (("text", TITLE_CHARACTERS), ("subtitle", SUBTITLE_CHARACTERS)):
            lines = heading.get(part) or []
            text = lines if isinstance(lines, str) else " ".join(lines)
            heading[part] = textwrap.wrap(text, width, break_long_words=True)
    return spec


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
