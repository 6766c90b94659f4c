"""A page as it is being written: what is shown is kept as well, so that the page can be saved as a report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Self

import streamlit as st

from mlperf_dashboards.parts.columns import ColumnText, grid, shown, texts_of
from mlperf_dashboards.parts.downloads import chart_buttons, file_button, table_buttons
from mlperf_dashboards.parts.links import address, asked, not_there
from mlperf_dashboards.parts.pictures import specification
from mlperf_dashboards.words import plain
from mlperf_stats import __version__
from mlperf_stats.report.document import Block, Column, Document, Facts, Figure, Paragraph, Section, Table
from mlperf_stats.rules import wording
from mlperf_stats.text.warnings import warning_notes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    import pandas as pd

_USUAL = (35, 17, 12.5)
_TALL = (75, 8, 6.5)
"""Pixels of a row; how many rows stand without scrolling; how many are in sight of more, the last one cut,
which tells that there are more. Text is folded in rows of three lines."""

_LONG = 24
"""Letters of a cell from which its column keeps some width on paper."""

_DISCLOSED = (
    wording.DERIVED,
    wording.EXPECTED_NOT_DRAWN,
    wording.WITHIN_SUBMISSION,
    wording.SELECTED,
    wording.TRADEMARK,
)


class Sheet:
    """One page, as a context: at its end the reader can save what stands on it.

    ``note`` and ``heading`` are for our own words; names from logs go into tables, pictures and ``text``.
    """

    def __init__(self, title: str, lead: str) -> None:
        self._title = title
        self._lead = lead
        self._sections: list[tuple[str, list[Block]]] = [("", [])]
        self._disclosed: list[str] = []

    def __enter__(self) -> Self:
        st.title(self._title, anchor=False)
        st.caption(self._lead)
        self._asked = asked()
        self._top = st.container()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        missing = not_there(self._asked)
        if missing:
            told = f"The address asks for what is not here: {', '.join(missing)}. The page shows the rest."
            self._top.info(plain(told))
        if kind is None and any(blocks for _, blocks in self._sections):
            from mlperf_stats.report.html import html_page

            name = "".join(
                sign for sign in self._title.lower().replace(" ", "-") if sign.isalpha() or sign == "-"
            )
            document = self._document(address())
            with st.sidebar:
                file_button(f"{name}.html", lambda: html_page(document), "Save this page")

    def heading(self, title: str) -> None:
        """Start a part of the page."""
        st.subheader(title, anchor=False)
        self._sections.append((title, []))

    def paragraph(self, text: str) -> None:
        """A paragraph of our own words."""
        st.markdown(plain(text))
        self._keep(Paragraph(text))

    def note(self, text: str) -> None:
        """A paragraph of our own words, in small type."""
        st.caption(plain(text))
        self._keep(Paragraph(text))

    def text(self, text: str) -> None:
        """A paragraph that may hold names from logs."""
        st.text(text)
        self._keep(Paragraph(text))

    def disclose(self, sentence: str) -> None:
        """A sentence that has to stand here, and at the foot of what is saved."""
        st.warning(plain(sentence))
        self._disclosed.append(sentence)

    def table(
        self,
        name: str,
        frame: pd.DataFrame,
        texts: Mapping[str, ColumnText],
        *,
        order: Sequence[str] | None = None,
        selects: Literal["multi-row", "single-row", "single-cell"] | None = None,
        sentences: bool = False,
    ) -> Any:
        """A table with its downloads, which have every column of ``frame``.

        ``sentences``: rows have room for three lines.

        Returns:
            What is selected, as Streamlit tells it; None where nothing can be.
        """
        cells = shown(frame, texts)
        # Of hundreds of rows what is not to be seen would be most of what is sent.
        cells = cells[list(order)] if order else cells
        content, columns = grid(cells, texts)
        height, whole, scrolled = _TALL if sentences else _USUAL
        looks: dict[str, Any] = {
            "key": f"table-{name}",
            "row_height": height,
            "hide_index": True,
            "column_config": columns,
            "placeholder": "",
            "height": "content" if len(cells) <= whole else int(height * scrolled) + _USUAL[0],
        }
        event: Any = None
        if selects:
            event = st.dataframe(content, on_select="rerun", selection_mode=selects, **looks)
        else:
            st.dataframe(content, **looks)
        with _footer():
            st.caption(f"{len(frame)} {'row' if len(frame) == 1 else 'rows'}", width="content")
            table_buttons(name, frame)
        self._keep(_report_table(name, cells, texts))
        return event["selection"] if event else None

    def picture(self, name: str, draw: Callable[..., Any], alt: str, *, selects: str | None = None) -> Any:
        """A picture with its downloads.

        Args:
            name: Of its files.
            draw: Makes the chart; a partial function that takes ``theme`` and ``width`` as well.
            alt: What it shows, for those who do not see it.
            selects: Name of the chart's selection that a click makes.

        Returns:
            What is selected, as Streamlit tells it; None where nothing can be.
        """
        spec = specification(draw, st.context.theme.type or "light")
        event: Any = None
        looks: dict[str, Any] = {"theme": None, "key": f"picture-{name}", "alt": alt, "width": "stretch"}
        if selects:
            event = st.vega_lite_chart(spec=spec, on_select="rerun", selection_mode=selects, **looks)
        else:
            st.vega_lite_chart(spec=spec, **looks)
        with _footer():
            chart_buttons(name, draw)
        self._keep(Figure(draw, alt))
        return event["selection"][selects] if event and selects else None

    def warnings(self, rows: Iterable[Mapping[Any, Any]]) -> None:
        """What the warning codes of these rows mean."""
        notes = warning_notes(rows)
        if notes:
            with st.expander("What the warnings mean"):
                for note in notes:
                    st.text(note)
            self._sections[-1][1].extend(Paragraph(note) for note in notes)

    def _keep(self, block: Block) -> None:
        self._sections[-1][1].append(block)

    def _document(self, address: str) -> Document:
        (_, first), *others = self._sections
        facts = (("View", address), ("Made by", f"mlperf-stats {__version__}, dashboard"))
        return Document(
            title=self._title,
            introduction=(Facts(facts), Paragraph(self._lead), *first),
            sections=tuple(Section(title, tuple(blocks)) for title, blocks in others if blocks),
            disclosures=tuple(dict.fromkeys((*self._disclosed, *_DISCLOSED))),
        )


def _footer() -> Any:
    return st.container(horizontal=True, vertical_alignment="center", gap="small")


def _report_table(name: str, cells: pd.DataFrame, texts: Mapping[str, ColumnText]) -> Table:
    """The table for paper: without columns that are empty throughout, which a file of the table has."""
    written = texts_of(cells, texts)
    if len(written):
        written = written.loc[:, (written != "").any()]
    columns = tuple(
        Column(texts[column].label, texts[column].is_figure, bool((written[column].str.len() > _LONG).any()))
        for column in written.columns
    )
    rows = written.itertuples(index=False, name=None)
    return Table(name.replace("-", " ").capitalize(), columns, tuple(rows))
