"""Quality against time: a line for each run of a result, and the target that it had to reach."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlperf_stats.charts.labels import amount, data, empty, heading_of, tooltip
from mlperf_stats.charts.marks import keyed, layered
from mlperf_stats.charts.theme import LIGHT, PANEL_HEIGHT, WIDTH, Theme, Width, styled
from mlperf_stats.text.names import clean
from mlperf_stats.text.numbers import minutes, plural

if TYPE_CHECKING:
    import altair as alt

    from mlperf_stats.analysis.show import ResultDetail, RunDetail

_MARGIN, _BAND = 0.04, 0.12
"""Of the span of quality, beyond the lines."""

MOST_POINTS = 150
"""Evaluations drawn of one run; of more, every so many, the last one always."""

_MOST_ALTOGETHER = 3000
"""Of many runs fewer each, which no eye tells apart."""


def metrics_of(detail: ResultDetail) -> tuple[str, ...]:
    """Names of the metrics that the runs were evaluated with, as logged, in the order of the first log."""
    logged = (item["metric"] for run in detail.runs for item in run.evaluations)
    return tuple(dict.fromkeys(logged))


def quality_curves(
    detail: ResultDetail, metric: str | None = None, *, theme: Theme = LIGHT, width: Width = WIDTH
) -> alt.LayerChart:
    """Quality at each evaluation against minutes since the start, with the target as a line.

    Args:
        detail: One result in full.
        metric: Which of :func:`metrics_of`; None: the first.
        theme: The looks.
        width: Of the whole picture.
    """

    known = metrics_of(detail)
    wanted = metric if metric is not None else known[0] if known else ""
    most = max(min(MOST_POINTS, _MOST_ALTOGETHER // max(len(detail.runs), 1)), 1)
    rows = [point for run in detail.runs for point in _points(run, detail, wanted, most)]
    target = _target(detail, wanted)
    named = clean(wanted or (target["metric"] if target else "quality"))
    # Titles of axes become part of expressions, which text out of a log must never do.
    room = _room(rows, target)
    layers = _lines(rows, target["metric"] if target else "quality", room, theme)
    if target:
        layers += _target_layers(target, room, theme)
    return styled(
        layered(*layers),
        theme,
        title=f"{named} against time: {heading_of(detail.result.result_id)}",
        subtitle=_notes(detail, rows, wanted, most),
        width=width,
        height=PANEL_HEIGHT,
    )


def _points(run: RunDetail, detail: ResultDetail, metric: str, most: int) -> list[dict[str, Any]]:
    measured = [
        item
        for item in run.evaluations
        if item["metric"] == metric and item["value"] is not None and item["elapsed_ms"] is not None
    ]
    stride = -(-len(measured) // most)
    kept = [item for place, item in enumerate(reversed(measured)) if place % stride == 0] if measured else []
    name = clean(run.run.path.rpartition("/")[2])
    return [
        {
            "result_id": detail.result.result_id,
            "name": clean(detail.result.result_id),
            "run": name,
            "minutes": item["elapsed_ms"] / 60_000,
            "value": item["value"],
            "text": f"{item['value']:.5g}",
            "time": minutes(item["elapsed_ms"] / 60_000),
            "point": amount(item["point"], run.run.progress_unit),
            "kind": _kind(run, item),
            "late": item["elapsed_ms"] / 60_000 > (run.run.minutes or math.inf),
            "last": place == len(kept) - 1,
        }
        for place, item in enumerate(reversed(kept))
    ]


def _kind(run: RunDetail, item: Mapping[str, Any]) -> str:
    return AFTER if item["after_stop"] else REACHED if run.run.status == "converged" else MISSED


REACHED = "reached the target"
MISSED = "missed the target"
AFTER = "measured after the end"


@dataclass(frozen=True, slots=True)
class _Room:
    """The axis of quality, with a band for the name of the target that no line enters."""

    domain: tuple[float, float]
    above: bool
    """Whether the band is at the top."""


def _room(rows: Sequence[Mapping[str, Any]], target: Mapping[str, Any] | None) -> _Room:
    values = [row["value"] for row in rows] + ([target["value"]] if target else [])
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    span = (high - low) or abs(high) * 0.1 or 1.0
    above = not target or target["value"] >= (low + high) / 2
    under, over = (_MARGIN, _BAND) if above else (_BAND, _MARGIN)
    return _Room((low - under * span, high + over * span), above)


def _lines(rows: Sequence[Mapping[str, Any]], quality: str, room: _Room, theme: Theme) -> list[alt.Chart]:
    import altair as alt

    present = [kind for kind in (REACHED, MISSED, AFTER) if any(row["kind"] == kind for row in rows)]
    colours = {REACHED: theme.accent, MISSED: theme.alarm, AFTER: theme.tied}
    dashes = {REACHED: [1, 0], MISSED: [6, 3], AFTER: [2, 2]}
    looks = keyed(
        "kind",
        present,
        color=[colours[kind] for kind in present],
        strokeDash=[dashes[kind] for kind in present],
    )
    base = alt.Chart(data(rows)).encode(
        x=alt.X("minutes:Q", title="minutes since the run's start", axis=alt.Axis(tickCount=6)),
        y=alt.Y(
            "value:Q",
            title=quality,
            scale=alt.Scale(domain=list(room.domain), nice=False, zero=False),
            axis=alt.Axis(tickCount=6),
        ),
        detail=alt.Detail("run:N"),
        color=looks["color"],
        tooltip=tooltip(
            name="Result",
            run="Run",
            text="Quality",
            time="Minutes",
            point="Progress",
            kind="Kind",
        ),
    )
    return [
        base.mark_line(strokeWidth=1.5, opacity=0.75).encode(strokeDash=looks["strokeDash"]),
        base.mark_point(filled=True, size=14, opacity=0.75),
        base.mark_point(filled=True, size=60, opacity=1)
        .transform_filter("datum.last")
        .properties(name="marks"),
    ]


def _target(detail: ResultDetail, metric: str) -> dict[str, Any] | None:
    """The target of a metric, if the rules name one."""
    targets = detail.benchmark.targets
    fitting = [item for item in targets if metric and item.logged == metric]
    if not fitting and len(targets) == 1:
        fitting = list(targets)
    return (
        {"value": fitting[0].value, "metric": fitting[0].metric, "text": f"target: {fitting[0]}"}
        if fitting
        else None
    )


def _target_layers(target: Mapping[str, Any], room: _Room, theme: Theme) -> list[alt.Chart]:
    import altair as alt

    base = alt.Chart(data([target]))
    name = base.mark_text(
        align="left", baseline="top" if room.above else "bottom", dx=4, dy=4 if room.above else -4
    )
    return [
        base.mark_rule(color=theme.ink, strokeDash=[4, 3]).encode(y=alt.Y("value:Q")),
        name.encode(
            text=alt.Text("text:N"),
            x=alt.value(0),
            y=alt.value(0 if room.above else "height"),
            color=alt.value(theme.ink),
        ),
    ]


def _notes(detail: ResultDetail, rows: Sequence[Mapping[str, Any]], metric: str, drawable: int) -> list[str]:
    if not rows:
        return [empty("no evaluation has both a time and a value")]
    drawn = len({row["run"] for row in rows})
    notes = [f"{plural(drawn, 'run')}; a dot is an evaluation, the large dot a run's last one."]
    most = max(sum(item["metric"] == metric for item in run.evaluations) for run in detail.runs)
    if most > drawable:
        notes.append(f"Of up to {most} evaluations of a run, one in {-(-most // drawable)} is drawn.")
    if any(row["late"] for row in rows):
        notes.append(
            "Some evaluations were stamped after the timed run had ended: their time is not the run's."
        )
    return notes
