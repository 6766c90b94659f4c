"""Every run as a dot, with the place in training at which it reached its target."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mlperf_stats.charts.labels import amount, data, empty, heading_of, result_labels, shared_ends, tooltip
from mlperf_stats.charts.marks import SHAPES, keyed, layered, quiet_axis
from mlperf_stats.charts.results import selecting
from mlperf_stats.charts.theme import LIGHT, WIDTH, Theme, Width, styled
from mlperf_stats.charts.whiskers import LOG_FROM, Measure, domain_of
from mlperf_stats.text.names import clean
from mlperf_stats.text.numbers import minutes, plural

if TYPE_CHECKING:
    import altair as alt

    from mlperf_stats.analysis.show import ResultDetail, RunDetail

UNKNOWN = "point not logged"
MISSED = "target missed"
ROLES = ("counts", "dropped", "not used", MISSED)
"""What the score does with a run."""

POINTS = ("1st point", "2nd", "3rd", "4th or later", UNKNOWN, MISSED)
"""Where a run converged, counted over the result's own convergence points."""

_ROW_HEIGHT = 30
_LANES = (0, 1, -1, 2, -2)
"""Runs of nearly equal time lie side by side, in this order."""

_LANE_SHARE = 0.025
"""Share of the axis below which two dots would overlap."""


def runs_chart(detail: ResultDetail, *, theme: Theme = LIGHT, width: Width = WIDTH) -> alt.LayerChart:
    """The runs of one result in minutes, a row for each convergence point.

    Rows apart and narrow: the spread is the luck of convergence. Wide rows: the speed differs.

    Args:
        detail: One result in full.
        theme: The looks.
        width: Of the whole picture.
    """
    rows = [
        _dot(detail, run) | {"label": _point_text(run), "kind": _role(run)} for run in _timed(detail.runs)
    ]
    order = list(
        dict.fromkeys(_point_text(run) for run in sorted(_timed(detail.runs), key=_place_in_training))
    )
    chart = _strips(rows, order, ROLES, _role_looks(theme), log=False)
    return styled(
        chart,
        theme,
        title=f"Runs of {heading_of(detail.result.result_id)}",
        subtitle=_notes([detail], len(rows), "A dot is a run, a row a convergence point."),
        width=width,
        height=len(order) * _ROW_HEIGHT or _ROW_HEIGHT,
    )


def run_strips(
    details: Sequence[ResultDetail],
    *,
    log: bool | None = None,
    theme: Theme = LIGHT,
    width: Width = WIDTH,
    clickable: bool = False,
) -> alt.LayerChart:
    """The runs of several results in minutes, a row for each result in the order given.

    Shape and colour say at which of the result's own convergence points a run reached the target.

    Args:
        details: Results in full.
        log: Logarithmic axis; None: where the longest run takes five times the shortest.
        theme: The looks.
        width: Of the whole picture.
        clickable: As :func:`~mlperf_stats.charts.results.selecting`.
    """
    labels = result_labels(detail.result.result_id for detail in details)
    rows = []
    for detail in details:
        timed = _timed(detail.runs)
        points = sorted({run.run.convergence_point for run in timed if run.run.convergence_point is not None})
        for run in timed:
            look = {"label": labels[detail.result.result_id], "kind": _point_kind(run, points)}
            rows.append(_dot(detail, run) | look)
    times = [row["minutes"] for row in rows]
    if log is None:
        log = bool(times) and max(times) > LOG_FROM * min(times)
    order = [labels[detail.result.result_id] for detail in details]
    chart = _strips(rows, order, POINTS, _point_looks(theme), log=log)
    what = shared_ends(detail.result.result_id for detail in details)
    return styled(
        selecting(chart, clickable),
        theme,
        title=f"Every run{': ' if what else ''}{what}",
        subtitle=_notes(details, len(rows), "A dot is a run; its shape says at which convergence point."),
        width=width,
        height=len(order) * _ROW_HEIGHT or _ROW_HEIGHT,
    )


Looks = Mapping[str, tuple[str, str, str]]
"""By kind of run: colour, shape, colour of the inside."""


def _role_looks(theme: Theme) -> Looks:
    return {
        "counts": (theme.accent, SHAPES[0], theme.accent),
        "dropped": (theme.accent, SHAPES[0], "transparent"),
        "not used": (theme.tied, SHAPES[1], "transparent"),
        MISSED: (theme.alarm, "cross", theme.alarm),
    }


def _point_looks(theme: Theme) -> Looks:
    first, _, second, third, fourth = theme.series
    return {
        POINTS[0]: (first, SHAPES[0], first),
        POINTS[1]: (second, SHAPES[1], "transparent"),
        POINTS[2]: (third, SHAPES[2], third),
        POINTS[3]: (fourth, SHAPES[3], "transparent"),
        UNKNOWN: (theme.tied, SHAPES[0], "transparent"),
        MISSED: (theme.alarm, "cross", theme.alarm),
    }


def _strips(
    rows: Sequence[dict[str, Any]], order: Sequence[str], kinds: Sequence[str], looks: Looks, *, log: bool
) -> alt.LayerChart:
    import altair as alt

    measure = Measure("minutes", domain_of((row["minutes"] for row in rows), log=log), log)
    present = [kind for kind in kinds if any(row["kind"] == kind for row in rows)]
    _spread(rows, measure)
    colours, shapes, fills = zip(*(looks[kind] for kind in present), strict=True) if present else ((), (), ())
    dots = (
        alt.Chart(data(rows))
        .mark_point(filled=False, size=36, strokeWidth=1.5, opacity=1)
        .encode(
            x=measure.channel("minutes"),
            y=alt.Y(
                "label:N", sort=list(order), title=None, axis=quiet_axis(), scale=alt.Scale(domain=order)
            ),
            yOffset=alt.YOffset("lane:Q", scale=alt.Scale(domain=[-3, 3])),
            **keyed("kind", present, columns=len(present), color=colours, shape=shapes, fill=fills),
            tooltip=tooltip(
                name="Result",
                run="Run",
                text="Minutes",
                point="Converged at",
                status="Status",
                role="In the score",
            ),
        )
        .properties(name="marks")
    )
    return layered(dots)


def _spread(rows: Sequence[dict[str, Any]], measure: Measure) -> None:
    """Give each row of data a ``lane``, so that dots of one picture row do not hide each other."""
    last: dict[tuple[str, int], float] = {}
    for row in sorted(rows, key=lambda row: (row["minutes"], row["run"])):
        place = measure.share(row["minutes"])
        free = [lane for lane in _LANES if place - last.get((row["label"], lane), -1.0) > _LANE_SHARE]
        row["lane"] = free[0] if free else _LANES[-1]
        last[row["label"], row["lane"]] = place


def _timed(runs: Sequence[RunDetail]) -> list[RunDetail]:
    """The runs that a picture of times can show."""
    return [run for run in runs if run.run.minutes]


def _place_in_training(run: RunDetail) -> tuple[bool, float]:
    point = run.run.convergence_point
    return point is None, point if point is not None else math.inf


def _dot(detail: ResultDetail, run: RunDetail) -> dict[str, Any]:
    return {
        "result_id": detail.result.result_id,
        "name": clean(detail.result.result_id),
        "run": clean(run.run.path.rpartition("/")[2]),
        "minutes": run.run.minutes,
        "text": minutes(run.run.minutes),
        "point": _point_text(run),
        "status": run.run.status,
        "role": run.role,
    }


def _point_text(run: RunDetail) -> str:
    return (
        UNKNOWN
        if run.run.convergence_point is None
        else amount(run.run.convergence_point, run.run.convergence_unit)
    )


def _role(run: RunDetail) -> str:
    if run.run.status != "converged":
        return MISSED
    return "dropped" if run.role.startswith("dropped") else run.role


def _point_kind(run: RunDetail, points: Sequence[float]) -> str:
    if run.run.status != "converged":
        return MISSED
    if run.run.convergence_point is None:
        return UNKNOWN
    return POINTS[min(points.index(run.run.convergence_point), 3)]


def _notes(details: Sequence[ResultDetail], dots: int, first: str) -> list[str]:
    if not dots:
        return [empty("no run has a time")]
    notes = [first]
    untimed = Counter(run.run.status for detail in details for run in detail.runs if not run.run.minutes)
    if untimed:
        listed = ", ".join(f"{count} {status.replace('_', ' ')}" for status, count in sorted(untimed.items()))
        notes.append(f"Without a time: {plural(sum(untimed.values()), 'run')} ({listed}).")
    return notes
