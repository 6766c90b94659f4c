"""How columns of results are headed, explained and shown."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import streamlit as st

from mlperf_stats.text.names import clean
from mlperf_stats.text.numbers import SIGNIFICANT_DIGITS, minutes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pandas as pd

Kind = Literal["text", "minutes", "number", "whole", "percent", "codes"]
Width = Literal["small", "medium", "large"]

_MOST_WRITTEN = 40_000
"""Cells of a grid."""


@dataclass(frozen=True, slots=True)
class ColumnText:
    """Heading, explanation and kind of a column."""

    label: str
    help: str
    kind: Kind = "text"
    width: Width | None = None
    """On the page; None: as wide as the first cells need."""

    @property
    def is_figure(self) -> bool:
        """Whether cells are numbers."""
        return self.kind not in ("text", "codes")


def configured(names: Mapping[str, ColumnText]) -> dict[str, Any]:
    """Streamlit's configuration of these columns."""
    return {name: _configuration(text) for name, text in names.items()}


def _configuration(text: ColumnText) -> Any:
    match text.kind:
        case "minutes" | "number":
            # Where cells are not written by us, this keeps the browser from showing how floats end.
            return st.column_config.NumberColumn(text.label, help=text.help, format="%.10g")
        case "whole":
            return st.column_config.NumberColumn(text.label, help=text.help, format="%d")
        case "percent":
            return st.column_config.NumberColumn(text.label, help=text.help, format="%.1f%%")
        case "codes":
            return st.column_config.ListColumn(text.label, help=text.help)
        case _:
            return st.column_config.TextColumn(text.label, help=text.help, width=text.width)


def shown(frame: pd.DataFrame, texts: Mapping[str, ColumnText]) -> pd.DataFrame:
    """The columns of ``texts`` as cells: four digits for minutes, percent, harmless text, lists of codes."""
    import pandas as pd

    present = {name: text for name, text in texts.items() if name in frame.columns}
    return pd.DataFrame({name: _cells(frame[name], text.kind) for name, text in present.items()})


def _cells(column: pd.Series[Any], kind: Kind) -> Any:
    match kind:
        case "minutes" | "number":
            return column.map(_four_digits).astype(float)
        case "percent":
            # A half-width without end, of too few runs, is an empty cell.
            return (column.astype(float) * 100).where(lambda values: values.abs() < math.inf)
        case "whole":
            return column.astype("Int64")
        case "codes":
            return column.map(_codes)
        case _:
            return column.map(lambda value: "" if _missing(value) else clean(str(value)))


def _codes(cell: Any) -> list[str]:
    """Codes that are joined by ``;``, or already a list."""
    if isinstance(cell, str):
        return [code for code in cell.split(";") if code]
    return list(cell) if isinstance(cell, tuple | list) else []


def _four_digits(value: float | None) -> float | None:
    if value is None or not math.isfinite(value) or value == 0:
        return value
    return round(value, max(SIGNIFICANT_DIGITS - 1 - math.floor(math.log10(abs(value))), 0))


def grid(cells: pd.DataFrame, texts: Mapping[str, ColumnText]) -> tuple[Any, dict[str, Any]]:
    """The cells of :func:`shown` as Streamlit's grid takes them, and the configuration of their columns.

    The grid would write 17 beside 17.25 and has no sign for infinity. Minutes and numbers are therefore
    written here, and sorted as numbers all the same; very many are left to the grid, since that takes long.
    """
    columns = configured({name: texts[name] for name in cells.columns})
    written: dict[Any, Any] = {
        name: _writer(texts[name].kind)
        for name in cells.columns
        if texts[name].kind in ("minutes", "number") and cells[name].notna().any()
    }
    if cells.size > _MOST_WRITTEN:
        return cells.replace([math.inf, -math.inf], math.nan), columns
    for name in written:
        columns[name] = st.column_config.NumberColumn(texts[name].label, help=texts[name].help)
    return (cells.style.format(written) if written else cells), columns


def texts_of(cells: pd.DataFrame, texts: Mapping[str, ColumnText]) -> pd.DataFrame:
    """The cells of :func:`shown` as text."""
    import pandas as pd

    columns = {name: cells[name].map(_writer(texts[name].kind)) for name in cells.columns}
    return pd.DataFrame(columns, index=cells.index, dtype=object)


def _writer(kind: Kind) -> Callable[[Any], str]:
    def figure(value: Any) -> str:
        if _missing(value):
            return ""
        return f"{value:.1f}%" if kind == "percent" else minutes(float(value))

    match kind:
        case "minutes" | "number" | "percent":
            return figure
        case "codes":
            return ", ".join
        case _:
            return lambda value: "" if _missing(value) else str(value)


def _missing(value: Any) -> bool:
    """Whether a cell is empty."""
    import pandas as pd

    return value is None or bool(pd.isna(value))
