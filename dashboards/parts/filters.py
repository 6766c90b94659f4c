"""The filters of the command line as widgets whose state is in the address."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from mlperf_stats.store.queries import natural_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

_CHOICES = {
    "round": "Round",
    "benchmark": "Benchmark",
    "submitter": "Submitter",
    "accelerator": "Accelerator",
    "division": "Division",
    "availability": "Availability",
}
"""Column and parameter → label. Options of a select box are shown as plain text, so they may be names."""

_ALWAYS = 3
"""The first so many are beside each other; the others are behind a button."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is asked for."""

    values: dict[str, list[str]]
    least: int | None
    most: int | None
    words: str

    @property
    def benchmarks(self) -> list[str]:
        return self.values["benchmark"]

    def of(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The rows that fit all of it."""
        import pandas as pd

        fits = pd.Series(True, index=frame.index)
        for column, values in self.values.items():
            if values:
                fits &= frame[column].isin(values)
        if self.least is not None:
            fits &= frame["accelerators"].ge(self.least).fillna(False)
        if self.most is not None:
            fits &= frame["accelerators"].le(self.most).fillna(False)
        for word in self.words.lower().split():
            fits &= _texts(frame).str.contains(word, regex=False)
        return frame.loc[fits]


def _texts(frame: pd.DataFrame) -> Any:
    columns = ("result_id", "framework", "accelerator", "availability", "division")
    texts = frame["result_id"].astype(str)
    for column in columns[1:]:
        texts = texts + " " + frame[column].fillna("").astype(str)
    return texts.str.lower()


def choose(frame: pd.DataFrame) -> Chosen:
    """Show the filters over the values that ``frame`` has; the newest round is the default."""
    options = {column: _options(frame, column) for column in _CHOICES}
    values: dict[str, list[str]] = {}
    shown = list(_CHOICES.items())
    places = st.columns([3, 3, 3, 3, 2], vertical_alignment="bottom")
    for place, (column, label) in zip(places, shown[:_ALWAYS], strict=False):
        with place:
            values[column] = _box(column, label, options[column], default=_newest(column, options))
    words = places[_ALWAYS].text_input(
        "Search", key="q", bind="query-params", placeholder="system, framework, …"
    )
    with places[_ALWAYS + 1].popover("More", icon=":material/tune:"):
        for column, label in shown[_ALWAYS:]:
            values[column] = _box(column, label, options[column])
        least = st.number_input(
            "At least so many accelerators", 0, value=None, key="min", bind="query-params"
        )
        most = st.number_input("At most so many accelerators", 0, value=None, key="max", bind="query-params")
    return Chosen(values, least, most, words or "")


def _newest(column: str, options: dict[str, list[str]]) -> list[str]:
    return options["round"][:1] if column == "round" else []


def _box(column: str, label: str, options: Sequence[str], default: Sequence[str] = ()) -> list[str]:
    return st.multiselect(
        label, options, default=list(default), key=column, bind="query-params", placeholder="all"
    )


def _options(frame: pd.DataFrame, column: str) -> list[str]:
    """The values of a column, rounds newest first and our own before them."""
    values = sorted({str(value) for value in frame[column].dropna() if value}, key=natural_key)
    return values[::-1] if column == "round" else values
