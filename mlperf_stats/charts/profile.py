"""Performance profiles: on which share of the benchmarks a system is how close to the best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mlperf_stats.charts.direct import Scale, direct_labels, line_names, room_for
from mlperf_stats.charts.labels import data, empty, result_labels, tooltip
from mlperf_stats.charts.marks import DASHES, keyed, layered
from mlperf_stats.charts.theme import LIGHT, PANEL_HEIGHT, WIDTH, Theme, Width, styled
from mlperf_stats.text.names import clean
from mlperf_stats.text.numbers import percent, plural

if TYPE_CHECKING:
    import altair as alt

    from mlperf_stats.analysis.profile import Profile

MOST_SYSTEMS = 5
"""Systems with a colour and a dash of their own: the first of the profile."""

MOST_BANDS = 2
"""Of more systems the bands of uncertainty would hide the lines."""

OTHERS = "others"


def profile_chart(found: Profile, *, theme: Theme = LIGHT, width: Width = WIDTH) -> alt.LayerChart:
    """Share of the benchmarks on which a system takes at most so many times as long as the best.

    Args:
        found: What ``profile`` found.
        theme: The looks.
        width: Of the whole picture.
    """
    names = [row["submission"] for row in found.systems]
    shown = names[:MOST_SYSTEMS]
    whole = result_labels(shown)
    short = line_names(whole.values())
    labels = {name: short[label] for name, label in whole.items()}
    kinds = [*labels.values(), *([OTHERS] if len(names) > len(shown) else [])]
    rows = [
        {
            "line": str(names.index(row["submission"])),
            "name": clean(row["submission"]),
            "kind": labels.get(row["submission"], OTHERS),
            "factor": row["factor"],
            "share": row["share"],
            "low": row["share_low"],
            "high": row["share_high"],
            "text": percent(row["share"]),
            "times": f"{row['factor']:.3g}",
        }
        for row in found.curve
    ]
    return styled(
        layered(*_layers(rows, kinds, found, len(names), theme)),
        theme,
        title=f"How often systems are close to the best, in {_measure(found)}",
        subtitle=_notes(found, len(names)),
        width=width,
        height=PANEL_HEIGHT,
    )


def _layers(
    rows: Sequence[dict[str, Any]], kinds: Sequence[str], found: Profile, systems: int, theme: Theme
) -> list[Any]:
    import altair as alt

    own = sum(kind != OTHERS for kind in kinds)
    looks = keyed(
        "kind",
        kinds,
        columns=0,
        color=[*theme.series[:own], theme.tied][: len(kinds)],
        strokeDash=[*DASHES[:own], [1, 0]][: len(kinds)],
    )
    axes = _axes(rows, kinds)
    x, y = _channels(found, axes)
    others = alt.Chart(data([row for row in rows if row["kind"] == OTHERS])).mark_line(
        interpolate="step-after", strokeWidth=1, opacity=0.6
    )
    lines = (
        alt.Chart(data([row for row in rows if row["kind"] != OTHERS]))
        .mark_line(interpolate="step-after", strokeWidth=2)
        .encode(
            strokeDash=looks["strokeDash"],
            tooltip=tooltip(name="System", times="Times the best", text="Share of the benchmarks"),
        )
        .properties(name="marks")
    )
    shared = {"x": x, "y": y, "detail": alt.Detail("line:N"), "color": looks["color"]}
    layers = [others.encode(**shared), lines.encode(**shared)]
    if systems <= MOST_BANDS:
        band = alt.Chart(data(rows)).mark_area(interpolate="step-after", opacity=0.2)
        layers.insert(
            0,
            band.encode(
                x=x,
                y=alt.Y("low:Q", title="share of the benchmarks"),
                y2=alt.Y2("high:Q"),
                color=looks["color"],
            ),
        )
    # The last row of a kind is where its line ends.
    ends: dict[str, tuple[float, float] | None] = {row["kind"]: (row["factor"], row["share"]) for row in rows}
    if OTHERS in ends:
        ends[OTHERS] = None
    return [*layers, *direct_labels(ends, looks, axes, (x, y), theme, PANEL_HEIGHT)]


def _axes(rows: Sequence[Mapping[str, Any]], kinds: Sequence[str]) -> tuple[Scale, Scale]:
    """Factors, with room for the names of the systems, and shares."""
    factors = [row["factor"] for row in rows] or [1.0, 16.0]
    return Scale(min(factors), max(factors)).stretched(room_for(kinds)), Scale(0.0, 1.0, log=False)


def _channels(found: Profile, axes: tuple[Scale, Scale]) -> tuple[alt.X, alt.Y]:
    import altair as alt

    across, up = axes
    x = alt.X(
        "factor:Q",
        title=f"at most so many times the {_measure(found)} of the best (logarithmic axis)",
        scale=alt.Scale(type="log", base=2, domain=[across.low, across.high], nice=False),
        axis=alt.Axis(values=[1, 1.5, 2, 3, 4, 6, 8, 12, 16], format="~r"),
    )
    y = alt.Y(
        "share:Q",
        title="share of the benchmarks",
        scale=alt.Scale(domain=[up.low, up.high]),
        axis=alt.Axis(format="~%", tickCount=5),
    )
    return x, y


def _measure(found: Profile) -> str:
    return "accelerator-minutes" if found.per_accelerator else "minutes"


def _notes(found: Profile, systems: int) -> list[str]:
    if not found.curve:
        return [empty("no system was profiled")]
    notes = [
        f"{plural(systems, 'system')}, {plural(len(found.benchmarks), 'benchmark')}. A benchmark that "
        "a system lacks counts as never close: such a line ends below 100%."
    ]
    if systems <= MOST_BANDS:
        notes.append(f"Bands: {percent(found.level)}.")
    return [*notes, found.disclosure]
