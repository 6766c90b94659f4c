"""How many runs are enough: the half-width that a number of runs gives."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mlperf_stats.charts.direct import Scale, direct_labels, room_for
from mlperf_stats.charts.labels import data, empty, tooltip
from mlperf_stats.charts.marks import DASHES, SHAPES, keyed, layered
from mlperf_stats.charts.theme import LIGHT, PANEL_HEIGHT, WIDTH, Theme, Width, styled
from mlperf_stats.charts.whiskers import log_axis
from mlperf_stats.text.names import clean
from mlperf_stats.text.numbers import percent

if TYPE_CHECKING:
    import altair as alt

    from mlperf_stats.analysis.plan import Plan

ESTIMANDS = {
    "expected_score": "expected score",
    "geometric_mean": "geometric mean",
    "median": "median",
    "controlled": "controlled mean",
}
"""Columns of a plan's curve and their names, in the order of the series."""


def width_curve_chart(plan: Plan, *, theme: Theme = LIGHT, width: Width = WIDTH) -> alt.LayerChart:
    """Half-width of the interval against the number of runs, a line per estimand.

    Args:
        plan: What ``plan width`` found, with its curve.
        theme: The looks.
        width: Of the whole picture.
    """

    asked = plan.rows[0] if plan.rows else {}
    points = _points(plan)
    layers: list[Any] = [*_curves(points, asked, theme), *_rules(asked, theme)]
    return styled(
        layered(*layers),
        theme,
        title=clean(f"Runs against the width of the interval: {asked.get('benchmark', '')}"),
        subtitle=_notes(asked) if points else [empty("the plan has no curve")],
        width=width,
        height=PANEL_HEIGHT,
    )


def _points(plan: Plan) -> list[dict[str, Any]]:
    found = []
    for column, name in ESTIMANDS.items():
        curve = [
            (row["runs"], row[column])
            for row in plan.curve
            if row.get(column) is not None and math.isfinite(row[column])
        ]
        found += [
            {
                "runs": runs,
                "half_width": value,
                "kind": name,
                "text": percent(value, 2),
                "last": place == len(curve) - 1,
            }
            for place, (runs, value) in enumerate(curve)
        ]
    return found


def _axes(
    points: Sequence[Mapping[str, Any]], asked: Mapping[str, Any], kinds: Sequence[str]
) -> tuple[Scale, Scale]:
    """Runs, with room for the names of the lines, and half-widths; what was asked for lies on them."""
    runs = [row["runs"] for row in points] or [1, 10]
    runs += [asked["official_runs"]] if asked.get("official_runs") else []
    widths = [*(row["half_width"] for row in points), asked.get("half_width") or 0.0]
    values = [value for value in widths if value > 0] or [0.01, 1.0]
    across = Scale(min(runs), max(runs)).stretched(room_for(kinds))
    return across, Scale(min(values) / 1.2, max(values) * 1.2)


def _channels(axes: tuple[Scale, Scale]) -> tuple[alt.X, alt.Y]:
    import altair as alt

    across, up = axes
    x = alt.X(
        "runs:Q",
        title="runs (logarithmic axis)",
        scale=alt.Scale(type="log", domain=[across.low, across.high], nice=False),
        axis=alt.Axis(values=[3, 5, 10, 20, 50, 100, 200], format="d"),
    )
    y = alt.Y(
        "half_width:Q",
        title="half-width, per cent of the estimate (logarithmic axis)",
        scale=alt.Scale(type="log", domain=[up.low, up.high], nice=False),
        axis=log_axis((up.low, up.high), "~%"),
    )
    return x, y


def _curves(points: Sequence[Mapping[str, Any]], asked: Mapping[str, Any], theme: Theme) -> list[alt.Chart]:
    """Lines with their names."""
    import altair as alt

    kinds = [name for name in ESTIMANDS.values() if any(point["kind"] == name for point in points)]
    looks = keyed(
        "kind",
        kinds,
        columns=0,
        color=theme.series[: len(kinds)],
        shape=SHAPES[: len(kinds)],
        strokeDash=DASHES[: len(kinds)],
    )
    axes = _axes(points, asked, kinds)
    x, y = _channels(axes)
    ends: dict[str, tuple[float, float] | None] = {
        point["kind"]: (point["runs"], point["half_width"]) for point in points if point["last"]
    }
    base = alt.Chart(data(points)).encode(
        x=x,
        y=y,
        color=looks["color"],
        tooltip=tooltip(kind="Estimate of", runs="Runs", text="Half-width"),
    )
    return [
        base.mark_line(strokeWidth=2).encode(strokeDash=looks["strokeDash"]),
        base.mark_point(size=40, filled=True, opacity=1)
        .encode(shape=looks["shape"])
        .properties(name="marks"),
        *direct_labels(ends, looks, axes, (x, y), theme, PANEL_HEIGHT),
    ]


def _rules(asked: Mapping[str, Any], theme: Theme) -> list[alt.Chart]:
    """The wanted half-width and the official number of runs, each with its name where no line is."""
    import altair as alt

    layers = []
    if asked.get("half_width"):
        wanted = alt.Chart(
            data([{"half_width": asked["half_width"], "text": f"wanted: ±{100 * asked['half_width']:.3g}%"}])
        ).encode(y=alt.Y("half_width:Q"))
        layers += [
            wanted.mark_rule(color=theme.ink, strokeDash=[4, 3]),
            wanted.mark_text(align="left", baseline="bottom", dx=4, dy=-3, color=theme.ink).encode(
                text=alt.Text("text:N"), x=alt.value(0)
            ),
        ]
    if asked.get("official_runs"):
        official = alt.Chart(
            data([{"runs": asked["official_runs"], "text": f"official: {asked['official_runs']}"}])
        ).encode(x=alt.X("runs:Q"))
        layers += [
            official.mark_rule(color=theme.muted),
            official.mark_text(align="left", baseline="top", dx=4, dy=3, color=theme.ink).encode(
                text=alt.Text("text:N"), y=alt.value(0)
            ),
        ]
    return layers


def _notes(asked: Mapping[str, Any]) -> list[str]:
    return [
        f"Half-width of the {percent(asked['level'])} interval that is reached with a probability of "
        f"{percent(asked['assurance'])}, the uncertainty of the spread included."
    ]
