"""Files that a reader takes along; they are made when the button is pressed."""

from __future__ import annotations

import math
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from mlperf_stats.store.tables import write_table

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

_MIME = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "png": "image/png",
    "svg": "image/svg+xml",
    "html": "text/html",
}


def table_buttons(name: str, frame: pd.DataFrame) -> None:
    """Buttons that give ``frame``, every column at full precision, as CSV and XLSX."""
    for suffix in ("csv", "xlsx"):
        file_button(f"{name}.{suffix}", partial(table_file, frame, suffix))


def chart_buttons(name: str, draw: Callable[..., Any]) -> None:
    """Buttons that give a picture, in light colours and of the usual width, as PNG and SVG."""
    from mlperf_stats.charts.export import chart_png, chart_svg

    file_button(f"{name}.png", lambda: chart_png(draw()))
    file_button(f"{name}.svg", lambda: chart_svg(draw()))


def file_button(file_name: str, make: Callable[[], bytes | str], label: str = "") -> None:
    """A button for a file that is made when it is pressed."""
    suffix = file_name.rpartition(".")[2]
    st.download_button(
        label or suffix.upper(),
        make,
        file_name,
        _MIME[suffix],
        key=f"save-{file_name}",
        icon=":material/download:",
        type="tertiary",
        on_click="ignore",
    )


def table_file(frame: pd.DataFrame, suffix: str) -> bytes:
    """The bytes of a table as a file; text that a spreadsheet would run is made harmless.

    Spreadsheets know no infinity: an open end of an interval is an empty cell.
    """
    cells = frame.replace([math.inf, -math.inf], math.nan)
    cells = cells.astype(object).where(cells.notna(), None)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"table.{suffix}")
        columns = dict.fromkeys(map(str, frame.columns), "text")
        write_table(columns, cells.itertuples(index=False, name=None), path)
        return path.read_bytes()
