"""The looks in numbers: contrast, what is left of it in grey, and what colour-blind readers see."""

from __future__ import annotations

import math
from itertools import combinations

import pytest
from colours import contrast, dot, linear

from mlperf_stats.charts.marks import DASHES, SHAPES
from mlperf_stats.charts.theme import DARK, LIGHT, Theme, named

THEMES = pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)

# Viénot, Brettel and Mollon 1999: dichromats' view of linear RGB.
DICHROMATS = {
    "protanopia": ((0.11238, 0.88762, 0.0), (0.11238, 0.88762, 0.0), (0.00401, -0.00401, 1.0)),
    "deuteranopia": ((0.29275, 0.70725, 0.0), (0.29275, 0.70725, 0.0), (-0.02234, 0.02234, 1.0)),
}


def lab(rgb: tuple[float, float, float]) -> tuple[float, float, float]:
    """CIE L*a*b* of linear sRGB under D65."""
    rows = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))
    white = (0.9505, 1.0, 1.089)
    x, y, z = (
        t ** (1 / 3) if t > 216 / 24389 else (24389 / 27 * t + 16) / 116
        for t in (dot(row, rgb) / w for row, w in zip(rows, white, strict=True))
    )
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def test_contrast_of_known_pairs() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    # WebAIM's contrast checker on the best-known grey that just passes for text.
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.005)


@THEMES
def test_text_is_readable(theme: Theme) -> None:
    """WCAG 2.2 AA asks 4.5 of text, AAA 7."""
    assert contrast(theme.ink, theme.background) >= 7
    assert contrast(theme.muted, theme.background) >= 4.5


@THEMES
def test_marks_stand_out_in_grey(theme: Theme) -> None:
    """Contrast is of luminance alone, which is what a grey print keeps; WCAG 2.2 asks 3 of graphics."""
    for colour in (*theme.series, theme.tied, theme.alarm):
        assert contrast(colour, theme.background) >= 3, colour
    assert contrast(theme.grid, theme.background) < contrast(theme.tied, theme.background)


@THEMES
@pytest.mark.parametrize("blindness", DICHROMATS)
def test_series_differ_for_dichromats(theme: Theme, blindness: str) -> None:
    """A difference of 10 in L*a*b* is plain to see; 2.3 is just noticeable."""
    seen = {}
    for colour in theme.series:
        red, green, blue = (max(dot(row, linear(colour)), 0.0) for row in DICHROMATS[blindness])
        seen[colour] = lab((red, green, blue))
    for one, other in combinations(theme.series, 2):
        assert math.dist(seen[one], seen[other]) > 10, (one, other)


def test_series_do_not_rest_on_colour() -> None:
    assert len(set(SHAPES)) == len(SHAPES) == len(DASHES) == len(LIGHT.series) == len(DARK.series)
    assert len({tuple(dash) for dash in DASHES}) == len(DASHES)


def test_themes_by_name() -> None:
    assert named("dark") is DARK
    assert named("light") is LIGHT
    assert named("anything else") is LIGHT
