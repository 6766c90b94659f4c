"""Which pages there are, in which order, and links from one to another."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_FOLDER = Path(__file__).with_name("views")


@dataclass(frozen=True, slots=True)
class Entry:
    """A page of the app."""

    script: str
    title: str
    icon: str
    """Name of a Material symbol; the font comes with Streamlit."""

    def page(self) -> st.Page:
        """The page as Streamlit knows it; the first one is where the app opens."""
        return st.Page(
            _FOLDER / f"{self.script}.py",
            title=self.title,
            icon=f":material/{self.icon}:",
            url_path=self.script,
            default=self is PAGES[0],
        )


PAGES = (
    Entry("results", "Results", "table_rows"),
    Entry("result", "Result", "search"),
    Entry("compare", "Compare", "compare_arrows"),
    Entry("combined", "Combined score", "functions"),
    Entry("planning", "How many runs?", "calculate"),
    Entry("variance", "Variance", "stacked_bar_chart"),
    Entry("scale", "Scale and history", "trending_down"),
    Entry("runs", "Your runs", "upload_file"),
    Entry("about", "About the numbers", "info"),
)


def link(script: str, label: str, parameters: Mapping[str, str | Sequence[str]] | None = None) -> None:
    """A link to another page of the app; ``parameters`` are those of its address."""
    entry = next(entry for entry in PAGES if entry.script == script)
    st.page_link(entry.page(), label=label, query_params=dict(parameters or {}))
