"""Time against the number of accelerators, with the line of ideal scaling."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mlperf_stats.charts.direct import Scale, direct_labels, line_names, room_for
from mlperf_stats.charts.labels import data, distinct, empty, tooltip
from mlperf_stats.charts.marks import DASHES, SHAPES, keyed, layered
from mlperf_stats.charts.results import selecting
from mlperf_stats.charts.theme import LIGHT, PANEL_HEIGHT, WIDTH, Theme, Width, styled
from mlperf_stats.charts.whiskers import log_axis
from mlperf_stats.text.names import clean
from mlperf_stats.text.numbers import interval, minutes, percent, plural

if TYPE_CHECKING:
    import altair as alt

    from mlperf_stats.analysis.scale import ScaleReport

MOST_FAMILIES = 5
"""Families with a colour, a shape and a dash of their own: those with the most results."""

OTHERS = "others"
_HEIGHT = PANEL_HEIGHT + 60


def scaling_chart(
    report: ScaleReport, *, theme: Theme = LIGHT, width: Width = WIDTH, clickable: bool = False
) -> alt.LayerChart:
    """Expected time to train against accelerators, both logarithmic, a line for each family.

    The thin lines beside are ideal: twice the accelerators, half the time of the family's smallest system.

    Args:
        report: What ``scale`` found.
        theme: The looks.
        width: Of the whole picture.
        clickable: As :func:`~mlperf_stats.charts.results.selecting`.
    """
    families = _families(report)
    shown = line_names(list(families)[:MOST_FAMILIES])
    points = [_point(row, shown.get(name, OTHERS), name) for name, rows in families.items() for row in rows]
    kinds = [*shown.values(), *([OTHERS] if len(families) > len(shown) else [])]
    chart = layered(*_layers(points, _ideal(families, shown), kinds, theme))
    benchmark = clean(str(report.results[0]["benchmark"])) if report.results else ""
    return styled(
        selecting(chart, clickable),
        theme,
        title=f"Time against accelerators: {benchmark}",
        subtitle=_notes(report, points),
        width=width,
        height=_HEIGHT,
    )


def _families(report: ScaleReport) -> dict[str, list[Mapping[str, Any]]]:
    """Results with a time and a count by submitter and kind of accelerator, those with most sizes first."""
    rounds = {row["round"] for row in report.results}
    groups: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for row in report.results:
        if row["minutes"] is not None and row["accelerators"]:
            key = (
                row["submitter"].casefold(),
                row["accelerator_kind"],
                row["division"],
                row["round"] if len(rounds) > 1 else "",
            )
            groups.setdefault(key, []).append(row)
    ordered = sorted(groups.items(), key=lambda item: (-_sizes(item[1]), item[0]))
    divisions = {key[2] for key in groups}
    names = {key: clean(", ".join(_words(key, rows[0], mixed=len(divisions) > 1))) for key, rows in ordered}
    labels = distinct({" ".join(key): name for key, name in names.items()})
    return {labels[" ".join(key)]: sorted(rows, key=lambda row: row["accelerators"]) for key, rows in ordered}


def _words(key: tuple[str, ...], row: Mapping[str, Any], *, mixed: bool) -> list[str]:
    division = [key[2]] if mixed else []
    return [word for word in (row["submitter"], key[1], *division, key[3]) if word]


def _sizes(rows: Sequence[Mapping[str, Any]]) -> int:
    return len({row["accelerators"] for row in rows})


def _point(row: Mapping[str, Any], kind: str, family: str) -> dict[str, Any]:
    low, high = row["minutes_low"], row["minutes_high"]
    efficiency = row["efficiency"]
    return {
        "result_id": row["result_id"],
        "name": clean(row["result_id"]),
        "family": family,
        "kind": kind,
        "accelerators": row["accelerators"],
        "minutes": row["minutes"],
        "low": low if low > 0 else row["minutes"],
        "high": high if math.isfinite(high) else row["minutes"],
        "text": minutes(row["minutes"]),
        "interval": f"{interval(low, high)} min",
        "efficiency": percent(efficiency) if efficiency is not None else "smallest of its family",
        "count": str(row["accelerators"]),
    }


def _ideal(
    families: Mapping[str, Sequence[Mapping[str, Any]]], shown: Mapping[str, str]
) -> list[dict[str, Any]]:
    """From each family's smallest system to the size of its largest."""
    found = []
    for name, kind in shown.items():
        rows = families[name]
        first, last = rows[0], rows[-1]
        if first["accelerators"] < last["accelerators"]:
            scaled = first["minutes"] * first["accelerators"] / last["accelerators"]
            found += [
                {"kind": kind, "accelerators": first["accelerators"], "minutes": first["minutes"]},
                {"kind": kind, "accelerators": last["accelerators"], "minutes": scaled},
            ]
    return found


def _layers(
    points: Sequence[Mapping[str, Any]],
    ideal: Sequence[Mapping[str, Any]],
    kinds: Sequence[str],
    theme: Theme,
) -> list[alt.Chart]:
    import altair as alt

    own = sum(kind != OTHERS for kind in kinds)
    looks = keyed(
        "kind",
        kinds,
        columns=0,
        color=[*theme.series[:own], theme.tied][: len(kinds)],
        shape=[*SHAPES[:own], "triangle-down"][: len(kinds)],
        strokeDash=[*DASHES[:own], [1, 0]][: len(kinds)],
    )
    axes = _axes(points, ideal, kinds)
    x, y = _channels(points, axes)
    base = alt.Chart(data(points)).encode(
        x=x,
        y=y,
        color=looks["color"],
        tooltip=tooltip(
            name="Result",
            count="Accelerators",
            text="Minutes",
            interval="Interval",
            efficiency="Scaling efficiency",
            family="Family",
        ),
    )
    lines = alt.Chart(data([point for point in points if point["kind"] != OTHERS]))
    ideals = alt.Chart(data(ideal)).encode(x=x, y=y, detail=alt.Detail("kind:N"), color=looks["color"])
    return [
        ideals.mark_line(strokeWidth=1, opacity=0.6),
        lines.mark_line(strokeWidth=2).encode(
            x=x, y=alt.Y("mean(minutes):Q"), color=looks["color"], strokeDash=looks["strokeDash"]
        ),
        base.mark_rule(strokeWidth=1.5).encode(y=alt.Y("low:Q"), y2=alt.Y2("high:Q")),
        base.mark_point(size=45, filled=True, opacity=1)
        .encode(shape=looks["shape"])
        .properties(name="marks"),
        *direct_labels(_ends(points, kinds), looks, axes, (x, y), theme, _HEIGHT),
    ]


def _ends(points: Sequence[Mapping[str, Any]], kinds: Sequence[str]) -> dict[str, tuple[float, float] | None]:
    """By kind the mean time of its largest size, where its line ends; others have no line."""
    found: dict[str, tuple[float, float] | None] = dict.fromkeys(kinds)
    for kind in kinds:
        sizes: dict[int, list[float]] = {}
        for point in points:
            if point["kind"] == kind != OTHERS:
                sizes.setdefault(point["accelerators"], []).append(point["minutes"])
        if sizes:
            largest = max(sizes)
            found[kind] = (largest, sum(sizes[largest]) / len(sizes[largest]))
    return found


def _axes(
    points: Sequence[Mapping[str, Any]], ideal: Sequence[Mapping[str, Any]], kinds: Sequence[str]
) -> tuple[Scale, Scale]:
    """Accelerators, with room for the names of families, and minutes."""
    times = [point[name] for point in points for name in ("minutes", "low", "high")]
    times += [point["minutes"] for point in ideal]
    across = Scale(*_padded([point["accelerators"] for point in points]))
    return across.stretched(room_for(kinds)), Scale(*_padded(times))


def _channels(points: Sequence[Mapping[str, Any]], axes: tuple[Scale, Scale]) -> tuple[alt.X, alt.Y]:
    import altair as alt

    across, up = axes
    counts = [point["accelerators"] for point in points]
    x = alt.X(
        "accelerators:Q",
        title="accelerators (logarithmic axis)",
        scale=alt.Scale(type="log", base=2, domain=[across.low, across.high], nice=False),
        axis=alt.Axis(values=_powers_of_two(counts), format="d", labelOverlap=True),
    )
    y = alt.Y(
        "minutes:Q",
        title="minutes (logarithmic axis)",
        scale=alt.Scale(type="log", domain=[up.low, up.high], nice=False),
        axis=log_axis((up.low, up.high)),
    )
    return x, y


def _padded(values: Sequence[float]) -> tuple[float, float]:
    low, high = (min(values), max(values)) if values else (1.0, 10.0)
    margin = max((high / low) ** 0.05, 1.05)
    return low / margin, high * margin


def _powers_of_two(counts: Sequence[int]) -> list[int]:
    low, high = (min(counts), max(counts)) if counts else (1, 8)
    powers = [2**power for power in range(math.floor(math.log2(low)), math.ceil(math.log2(high)) + 1)]
    return [power for power in powers if low / 1.1 <= power <= high * 1.1]


def _notes(report: ScaleReport, points: Sequence[Mapping[str, Any]]) -> list[str]:
    if not points:
        return [empty("no result has both a time and a number of accelerators")]
    notes = [
        f"Expected time of a run with {percent(report.level)} interval. Thin lines: ideal scaling from the "
        "family's smallest system.",
        report.disclosure,
    ]
    left = len(report.results) - len(points)
    if left:
        notes.append(f"Not drawn, no time or no count: {plural(left, 'result')}.")
    return notes
