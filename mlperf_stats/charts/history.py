"""The best of a benchmark, round by round, as long as it stays the same benchmark."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from mlperf_stats.charts.labels import data, empty, tooltip
from mlperf_stats.charts.marks import SHAPES, keyed, layered
from mlperf_stats.charts.results import selecting
from mlperf_stats.charts.theme import LIGHT, PANEL_HEIGHT, WIDTH, Theme, Width, styled
from mlperf_stats.charts.whiskers import domain_of, log_axis
from mlperf_stats.text.names import clean
from mlperf_stats.text.numbers import interval, minutes, percent

if TYPE_CHECKING:
    import altair as alt

    from mlperf_stats.analysis.history import History

_STEEP = 1.1

Measure = Literal["minutes", "accelerator_minutes"]
MEASURES: dict[Measure, str] = {"minutes": "minutes", "accelerator_minutes": "accelerator-minutes"}


def history_chart(
    found: History,
    measure: Measure = "minutes",
    *,
    theme: Theme = LIGHT,
    width: Width = WIDTH,
    clickable: bool = False,
) -> alt.LayerChart:
    """The best of each round with its interval; lines join rounds of one definition of the benchmark.

    Args:
        found: What ``history`` found.
        measure: Fastest time, or fewest accelerator-minutes.
        theme: The looks.
        width: Of the whole picture.
        clickable: As :func:`~mlperf_stats.charts.results.selecting`.
    """
    known = [row for row in found.rows if row[measure] is not None]
    kinds = list(dict.fromkeys(_definition(row) for row in known))
    points = [_point(row, measure) for row in known]
    for point, following in zip(points, [*points[1:], None], strict=True):
        # A figure stands below its point where the line goes up from there and would cross it.
        point["rises"] = following is not None and following["value"] > _STEEP * point["value"]
    chart = layered(
        *_layers(points, list(dict.fromkeys(row["round"] for row in found.rows)), kinds, measure, theme)
    )
    names = "/".join(dict.fromkeys(str(row["benchmark"]) for row in found.rows))
    best = "Fastest time" if measure == "minutes" else "Fewest accelerator-minutes"
    return styled(
        selecting(chart, clickable),
        theme,
        title=clean(f"{best} by round: {names}"),
        subtitle=_notes(found, points),
        width=width,
        height=PANEL_HEIGHT,
    )


def _definition(row: Mapping[str, Any]) -> str:
    """What a stretch of rounds trains, to which quality."""
    words = [
        str(row["model"] or row["benchmark"]),
        str(row["dataset"] or ""),
        str(row["quality_target"] or ""),
    ]
    return clean(", ".join(word for word in words if word))


def _point(row: Mapping[str, Any], measure: Measure) -> dict[str, Any]:
    value, low, high = row[measure], row[f"{measure}_low"], row[f"{measure}_high"]
    change = row[f"{measure}_change"]
    ends = interval(row[f"{measure}_change_low"], row[f"{measure}_change_high"])
    return {
        "round": row["round"],
        "kind": _definition(row),
        "stretch": str(row["stretch"]),
        "value": value,
        "low": low if low > 0 else value,
        "high": high if math.isfinite(high) else value,
        "text": minutes(value),
        "result_id": row[f"{measure}_result"],
        "name": clean(str(row[f"{measure}_result"])),
        "interval": interval(low, high),
        "accelerators": str(row[f"{measure}_accelerators"] or "?"),
        "change": "first of its kind" if change is None else f"{minutes(change)} ({ends})",
    }


def _layers(
    points: Sequence[Mapping[str, Any]],
    rounds: Sequence[str],
    kinds: Sequence[str],
    measure: Measure,
    theme: Theme,
) -> list[Any]:
    import altair as alt

    own = [*theme.series, *theme.series][: len(kinds)]
    looks = keyed("kind", kinds, columns=1, color=own, shape=[*SHAPES, *SHAPES][: len(kinds)])
    domain = domain_of((point[name] for point in points for name in ("low", "high")), log=True)
    title = f"{MEASURES[measure]} (logarithmic axis)"
    scale = alt.Scale(type="log", domain=list(domain), nice=False)
    axis = log_axis(domain)
    base = alt.Chart(data(points)).encode(
        x=alt.X(
            "round:N",
            sort=list(rounds),
            scale=alt.Scale(domain=list(rounds)),
            title="round",
            axis=alt.Axis(labelAngle=0, grid=False),
        ),
        y=alt.Y("value:Q", title=title, scale=scale, axis=axis),
        color=looks["color"],
        tooltip=tooltip(
            round="Round",
            name="Result",
            text="Best",
            interval="Interval",
            accelerators="Accelerators",
            change="To the round before",
            kind="Definition",
        ),
    )
    return [
        base.mark_line(strokeWidth=2).encode(detail=alt.Detail("stretch:N")),
        base.mark_rule(strokeWidth=2).encode(
            y=alt.Y("low:Q", title=title, scale=scale, axis=axis), y2=alt.Y2("high:Q")
        ),
        base.mark_point(size=60, filled=True, opacity=1)
        .encode(shape=looks["shape"])
        .properties(name="marks"),
        *_figures(base, theme),
    ]


def _figures(base: alt.Chart, theme: Theme) -> list[alt.Chart]:
    """A figure beside each point, on the side that its line does not take."""
    import altair as alt

    return [
        base.mark_text(align="left", dx=8, dy=shift, fontSize=11)
        .encode(text=alt.Text("text:N"), color=alt.value(theme.ink))
        .transform_filter(f"{condition}datum.rises")
        for condition, shift in (("", 12), ("!", -8))
    ]


def _notes(found: History, points: Sequence[Any]) -> list[str]:
    if not points:
        return [empty("no round has a result with a time")]
    notes = [
        f"Expected time of a run with {percent(found.level)} interval. The best is chosen by its "
        "estimate and so a little flattered. Where model, data or target change, the line ends."
    ]
    if found.filtered:
        notes.append(f"Left out by the filters: {clean(', '.join(found.filtered))}.")
    if found.absent:
        notes.append(f"No result in the database: {clean(', '.join(found.absent))}.")
    return [*notes, found.disclosure]
