"""How every picture looks: colours, sizes, shapes, light and dark.

Colours are from the palette of Okabe and Ito (https://jfly.uni-koeln.de/color/, 2008), which people with any
common colour blindness can tell apart. No meaning rests on colour alone: series differ in shape and dash as
well, so that a print in grey says the same.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import altair as alt

Width = int | Literal["container"]
"""Pixels of the whole picture with its labels, or as wide as the page's column."""

WIDTH = 600
ROW_HEIGHT = 20
PANEL_HEIGHT = 280
LABEL_PIXELS = 300
"""Beyond this a label is cut, which :data:`LABEL_CHARACTERS` keeps from happening."""

LABEL_CHARACTERS = 34
"""Length to which result ids are shortened beside a row."""

FONT = "Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif"
TITLE_CHARACTERS = 68
SUBTITLE_CHARACTERS = 96


@dataclass(frozen=True, slots=True)
class Theme:
    """The colours of one background."""

    name: Literal["light", "dark"]
    background: str
    ink: str
    """Text and the marks that matter most."""
    muted: str
    """Second-rank text: subtitles, notes, units."""
    grid: str
    tied: str
    """Marks of what cannot be told apart."""
    alarm: str
    """What did not reach its target."""
    series: tuple[str, ...]
    """In order of use; each has the shape and the dash of its place in :mod:`~mlperf_stats.charts.marks`."""

    @property
    def accent(self) -> str:
        """The colour of a single series."""
        return self.series[0]


LIGHT = Theme(
    name="light",
    background="#ffffff",
    ink="#1a1a1a",
    muted="#595959",
    grid="#dddddd",
    tied="#8c8c8c",
    alarm="#d55e00",
    series=("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#000000"),
)
DARK = Theme(
    name="dark",
    background="#0e1117",
    ink="#f2f2f2",
    muted="#b3b3b3",
    grid="#343a46",
    tied="#808690",
    alarm="#e69f00",
    series=("#56b4e9", "#e69f00", "#009e73", "#cc79a7", "#f0e442"),
)


def named(name: str) -> Theme:
    """The theme of that name; dark for ``dark``, else light."""
    return DARK if name == "dark" else LIGHT


def styled(
    chart: Any,
    theme: Theme,
    *,
    title: str,
    subtitle: str | Sequence[str] = (),
    width: Width = WIDTH,
    height: float | None = None,
) -> alt.LayerChart:
    """``chart`` with title, size and the theme's looks; ``width`` holds the labels as well."""
    import altair as alt

    notes = [subtitle] if isinstance(subtitle, str) else list(subtitle)
    heading = alt.TitleParams(
        text=_folded(title, TITLE_CHARACTERS),
        subtitle=[line for note in notes for line in _folded(note, SUBTITLE_CHARACTERS)],
    )
    size: dict[str, Any] = {"width": width}
    if height is not None:
        size["height"] = height
    # Altair copies the whole chart for each call.
    finished: alt.LayerChart = chart.properties(
        title=heading,
        background=theme.background,
        padding=8,
        autosize=alt.AutoSizeParams(type="fit-x", contains="padding"),
        **size,
    ).configure(**configuration(theme))
    return finished


def configuration(theme: Theme) -> dict[str, Any]:
    """The Vega-Lite configuration of a theme."""
    return {
        "font": FONT,
        "view": {"stroke": None},
        "axis": {
            "labelColor": theme.ink,
            "titleColor": theme.ink,
            "gridColor": theme.grid,
            "tickColor": theme.muted,
            "domainColor": theme.muted,
            "labelFontSize": 12,
            "titleFontSize": 12,
            "titleFontWeight": "normal",
            "titlePadding": 8,
            "labelLimit": LABEL_PIXELS,
        },
        "legend": {
            "labelColor": theme.ink,
            "titleColor": theme.ink,
            "labelFontSize": 12,
            "titleFontSize": 12,
            "titleFontWeight": "normal",
            "orient": "top",
            "symbolSize": 70,
        },
        "title": {
            "anchor": "start",
            "frame": "bounds",
            "color": theme.ink,
            "fontSize": 14,
            "fontWeight": "bold",
            "subtitleColor": theme.muted,
            "subtitleFontSize": 12,
            "subtitlePadding": 4,
            "lineHeight": 18,
            "subtitleLineHeight": 16,
            "offset": 10,
        },
        "text": {"color": theme.ink, "fontSize": 12, "font": FONT},
    }


def _folded(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, break_long_words=True)
