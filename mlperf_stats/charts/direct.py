"""Names of lines beside their ends, instead of a legend: a column at the right, none over another."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mlperf_stats.charts.labels import data, distinct
from mlperf_stats.charts.theme import Theme
from mlperf_stats.text.names import cut_middle

if TYPE_CHECKING:
    import altair as alt

_LINE_PIXELS = 15
"""From one name to the next."""

_CHARACTER_PIXELS = 6.8
_SAMPLE_PIXELS = 26
"""The piece of line before a name."""

_GAP_PIXELS = 10
_NARROW_PLOT = 500
"""Pixels of the axis in a picture 600 pixels wide; a wider one has more room than its names need."""

_MOST_CHARACTERS = 24
"""Of a name; in a picture 600 pixels wide its column then takes two fifths of the axis."""


@dataclass(frozen=True, slots=True)
class Scale:
    """An axis, and where data lie along it."""

    low: float
    high: float
    log: bool = True

    def share(self, value: float) -> float:
        """0 at the low end, 1 at the high end."""
        low, high, at = (self._straight(one) for one in (self.low, self.high, value))
        return (at - low) / (high - low)

    def value(self, share: float) -> float:
        """What lies there."""
        low, high = self._straight(self.low), self._straight(self.high)
        at = low + share * (high - low)
        return math.exp(at) if self.log else at

    def stretched(self, share: float) -> Scale:
        """With more axis behind the high end, which is so large a share of the whole."""
        return replace(self, high=self.value(1 / (1 - share)))

    def _straight(self, value: float) -> float:
        return math.log(value) if self.log else value


def room_for(names: Sequence[str]) -> float:
    """Share of the horizontal axis that the column of these names takes."""
    longest = max(map(len, names), default=0)
    return (longest * _CHARACTER_PIXELS + _SAMPLE_PIXELS + _GAP_PIXELS) / _NARROW_PLOT


def line_names(names: Iterable[str]) -> dict[str, str]:
    """By name what stands beside its line: long ones are cut in the middle, and no two are alike."""
    return distinct({name: cut_middle(name, _MOST_CHARACTERS) for name in names})


def spread_out(shares: Sequence[float], distance: float) -> list[float]:
    """Places in [0, 1] as near to those wanted as it goes without two closer than ``distance``."""
    order = sorted(range(len(shares)), key=lambda number: shares[number])
    distance = min(distance, 1 / max(len(shares), 1))
    places = [0.0] * len(shares)
    lowest = distance / 2
    for number in order:
        places[number] = max(shares[number], lowest)
        lowest = places[number] + distance
    highest = 1 - distance / 2
    for number in reversed(order):
        places[number] = min(places[number], highest)
        highest = places[number] - distance
    return places


def direct_labels(
    ends: Mapping[str, tuple[float, float] | None],
    looks: Mapping[str, Any],
    axes: tuple[Scale, Scale],
    channels: tuple[alt.X, alt.Y],
    theme: Theme,
    height: float,
) -> list[alt.Chart]:
    """Layers: a leader from each line's end to a piece of the line with its name.

    Args:
        ends: By name where its line ends; None for the name of marks that are no single line.
        looks: Channels from :func:`mlperf_stats.charts.theme.keyed`, of the field ``kind``.
        axes: Horizontal, already stretched by :func:`room_for` of the names, and vertical.
        channels: Those of the other layers, for the fields of :func:`_places`.
        theme: The looks.
        height: Of the plot in pixels.
    """
    import altair as alt

    rows = _places(ends, axes, height)
    x, y = channels
    colour = looks["color"]
    dash = {name: looks[name] for name in ("strokeDash",) if name in looks}
    base = alt.Chart(data(rows)).encode(y=_of(y, "place"), color=colour)
    ended = [row for row in rows if row["end"] is not None]
    # What has no line of its own is told by its shape, if there are shapes.
    drawn = ended if "shape" in looks else rows
    layers = [
        alt.Chart(data(ended))
        .mark_rule(color=theme.muted, strokeDash=[1, 3], aria=False)
        .encode(x=_of(x, "end"), x2=alt.X2("sample:Q"), y=_of(y, "level"), y2=alt.Y2("place:Q")),
        alt.Chart(data(drawn))
        .mark_rule(strokeWidth=2, aria=False)
        .encode(x=_of(x, "sample"), x2=alt.X2("name_at:Q"), y=_of(y, "place"), color=colour, **dash),
    ]
    if "shape" in looks:
        points = base.mark_point(size=40, filled=True, opacity=1, aria=False)
        layers.append(points.encode(x=_of(x, "middle"), shape=looks["shape"]))
    names = base.mark_text(align="left", dx=4, fontSize=12, aria=False)
    return [*layers, names.encode(x=_of(x, "name_at"), text=alt.Text("kind:N"), color=alt.value(theme.ink))]


def _of(channel: alt.X | alt.Y, field: str) -> Any:
    """The same axis for another field."""
    copy: Any = channel.copy()
    copy.shorthand = f"{field}:Q"
    return copy


def _places(
    ends: Mapping[str, tuple[float, float] | None], axes: tuple[Scale, Scale], height: float
) -> list[dict[str, Any]]:
    """Where each line ends (``end``, ``level``) and where its name stands (``sample`` … , ``place``)."""
    across, up = axes
    column = 1 - room_for(list(ends)) + _GAP_PIXELS / _NARROW_PLOT
    name_at = column + _SAMPLE_PIXELS / _NARROW_PLOT
    wanted = [0.0 if end is None else up.share(end[1]) for end in ends.values()]
    places = spread_out(wanted, _LINE_PIXELS / height)
    return [
        {
            "kind": name,
            "end": None if end is None else end[0],
            "level": None if end is None else end[1],
            "sample": across.value(column),
            "middle": across.value((column + name_at) / 2),
            "name_at": across.value(name_at),
            "place": up.value(place),
        }
        for (name, end), place in zip(ends.items(), places, strict=True)
    ]
