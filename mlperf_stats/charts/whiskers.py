"""Dots with whiskers: intervals in rows, open ends drawn as arrows and never dropped."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlperf_stats.charts.labels import data
from mlperf_stats.charts.marks import quiet_axis
from mlperf_stats.charts.theme import ROW_HEIGHT

if TYPE_CHECKING:
    import altair as alt

_PAD = 0.05
_LABEL_PAD = 0.16
"""Share of the axis that the figure behind the longest whisker takes."""

_MOST_TICKS = 8
_FEWEST_TICKS = 3

LOG_FROM = 5.0
"""Ratio of the largest to the smallest figure from which a logarithmic axis reads better."""


@dataclass(frozen=True, slots=True)
class Measure:
    """The axis of what is measured."""

    title: str
    """With the unit."""
    domain: tuple[float, float]
    log: bool = False
    format: str = "~r"

    def channel(self, field: str) -> alt.X:
        """The x channel of a field on this axis."""
        import altair as alt

        scale = alt.Scale(
            type="log" if self.log else "linear", domain=list(self.domain), nice=False, zero=False
        )
        title = f"{self.title} (logarithmic axis)" if self.log else self.title
        even = alt.Axis(format=self.format, labelOverlap=True, tickCount=6)
        axis = log_axis(self.domain, self.format) if self.log else even
        return alt.X(field, type="quantitative", scale=scale, title=title, axis=axis)

    def share(self, value: float) -> float:
        """Where a value lies along the axis, 0 to 1."""
        low, high = self.domain
        if self.log:
            return math.log(value / low) / math.log(high / low)
        return (value - low) / (high - low)


def domain_of(values: Iterable[float], *, log: bool) -> tuple[float, float]:
    """An axis that holds all finite values (on a logarithmic axis: positive ones) with room for figures."""
    held = [value for value in values if math.isfinite(value) and (value > 0 or not log)]
    if not held:
        return (0.1, 10.0) if log else (0.0, 1.0)
    low, high = min(held), max(held)
    if log:
        span = math.log(high / low) or 0.1
        return low * math.exp(-_PAD * span), high * math.exp(_LABEL_PAD * span)
    span = (high - low) or abs(high) * 0.1 or 1.0
    return low - _PAD * span, high + _LABEL_PAD * span


def log_axis(domain: tuple[float, float], form: str = "~r") -> alt.Axis:
    """A logarithmic axis on which every tick has its figure, which Vega by itself would leave out of some.

    ``form``: of figures, in d3's notation.
    """
    import altair as alt

    figures = f"format(datum.value, {json.dumps(form)})"
    return alt.Axis(values=log_ticks(domain), labelExpr=figures, labelOverlap=True)


def log_ticks(domain: tuple[float, float]) -> list[float]:
    """Ticks for a logarithmic axis: 1, 2 and 5 of every power of ten, the powers alone if those are many,
    evenly spaced ones if those are few.
    """
    low, high = domain
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    within: list[float] = []
    for digits in ((1, 2, 5), (1, 3), (1,)):
        ticks = [float(f"{digit}e{power}") for power in powers for digit in digits]
        within = [tick for tick in ticks if low <= tick <= high]
        if len(within) <= _MOST_TICKS:
            break
    return within if len(within) >= _FEWEST_TICKS else _even_ticks(low, high)


def _even_ticks(low: float, high: float) -> list[float]:
    """Three to seven ticks at multiples of 1, 2 or 5 times a power of ten."""
    rough = (high - low) / 7
    power = math.floor(math.log10(rough))
    digit = next(digit for digit in (1, 2, 5, 10) if float(f"{digit}e{power}") >= rough)
    step = float(f"{digit}e{power}")
    first, last = math.ceil(low / step), math.floor(high / step)
    return [float(f"{number * step:.12g}") for number in range(first, last + 1)]


def drawn(row: Mapping[str, Any], measure: Measure) -> dict[str, Any]:
    """Where a row's whisker is drawn: fields ``left``, ``right``, ``open_left`` and ``open_right``.

    ``row`` has ``estimate``, ``low`` and ``high``, whose ends may be infinite; on a logarithmic axis an end
    at or below 0 is as open as one at minus infinity.
    """
    open_left = math.isinf(row["low"]) or (measure.log and row["low"] <= 0)
    open_right = math.isinf(row["high"])
    return {
        "left": measure.domain[0] if open_left else row["low"],
        "right": measure.domain[1] if open_right else row["high"],
        "open_left": open_left,
        "open_right": open_right,
    }


def whiskers(
    rows: Sequence[Mapping[str, Any]],
    measure: Measure,
    *,
    order: Sequence[str],
    tooltips: Sequence[alt.Tooltip],
    lines: str = "",
) -> list[alt.Chart]:
    """Layers of whiskers, arrows, dots and figures for rows with ``label``, ``estimate``, ``text``,
    ``colour``, ``fill`` and the fields of :func:`drawn`.

    Args:
        rows: One mapping a row; values must be finite.
        measure: The axis.
        order: Labels from top to bottom.
        tooltips: What pointing at a mark tells.
        lines: What separates the lines of a label, where labels have several.
    """
    import altair as alt

    names = quiet_axis(labelExpr=f"split(datum.label, {json.dumps(lines)})") if lines else quiet_axis()
    base = alt.Chart(data(rows)).encode(
        y=alt.Y("label:N", sort=list(order), title=None, axis=names), tooltip=list(tooltips)
    )
    colour = alt.Color("colour:N", scale=None)
    whisker = base.mark_rule(strokeWidth=2).encode(
        x=measure.channel("left"), x2=alt.X2("right:Q"), color=colour
    )
    dots = (
        base.mark_point(size=45, filled=False, strokeWidth=2, opacity=1)
        .encode(x=measure.channel("estimate"), color=colour, fill=alt.Fill("fill:N", scale=None))
        .properties(name="marks")
    )
    figures = base.encode(x=measure.channel("right"), text=alt.Text("text:N"))
    heads = [
        base.mark_point(shape=f"triangle-{end}", filled=True, size=90, opacity=1)
        .encode(x=measure.channel(end), color=colour)
        .transform_filter(f"datum.open_{end}")
        for end in ("left", "right")
    ]
    return [
        whisker,
        *heads,
        dots,
        figures.mark_text(align="left", dx=8, fontSize=11).transform_filter("!datum.open_right"),
        figures.mark_text(align="right", dx=-6, dy=-7, fontSize=11).transform_filter("datum.open_right"),
    ]


def rows_height(rows: int) -> int:
    """Pixels that so many rows need."""
    return max(rows, 1) * ROW_HEIGHT
