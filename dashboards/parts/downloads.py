"""Files that a reader takes along; they are made when the button is pressed."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from mlperf_stats.store.tables import write_table

if TYPE_CHECKING:
    import pandas as pd

TABLE_TYPES = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def table_buttons(key: str, frame: pd.DataFrame) -> None:
    """Buttons that give ``frame``, every column at full precision, as CSV and XLSX."""
    for suffix, mime in TABLE_TYPES.items():
        st.download_button(
            suffix.upper(),
            lambda suffix=suffix: table_file(frame, suffix),
            f"{key}.{suffix}",
            mime,
            key=f"{key}-{suffix}",
            icon=":material/download:",
            on_click="ignore",
        )


def table_file(frame: pd.DataFrame, suffix: str) -> bytes:
    """The bytes of a table as a file; text that a spreadsheet would run is made harmless."""
    cells = frame.astype(object).where(frame.notna(), None)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"table.{suffix}")
        columns = dict.fromkeys(map(str, frame.columns), "text")
        write_table(columns, cells.itertuples(index=False, name=None), path)
        return path.read_bytes()
