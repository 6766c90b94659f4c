"""What the spread of times is made of, and how far single scores can be trusted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mlperf_stats.charts.labels import data, distinct, empty, result_labels, tooltip
from mlperf_stats.charts.marks import SHAPES, keyed, layered, quiet_axis
from mlperf_stats.charts.theme import LIGHT, WIDTH, Theme, Width, styled
from mlperf_stats.charts.whiskers import rows_height
from mlperf_stats.text.names import clean
from mlperf_stats.text.numbers import percent

if TYPE_CHECKING:
    import altair as alt

    from mlperf_stats.analysis.variance import Table, VarianceReport

SCORE = "half-width of one score"
WITH_OUTLYING = "with outlying results"
RULE = "rule of thumb"
_FIGURE_SHARE = 0.45
"""Room behind a whole bar for its figures, as a share of the bar."""


def decomposition_chart(
    report: VarianceReport, table: Table = "benchmarks", *, theme: Theme = LIGHT, width: Width = WIDTH
) -> alt.LayerChart:
    """Share of the variance between runs that is convergence; what is left of the bar is throughput.

    Args:
        report: What ``variance`` found.
        table: A row per benchmark, per benchmark and round, or per result.
        theme: The looks.
        width: Of the whole picture.
    """
    rows = [
        _named(row, table)
        | {
            "share": row["convergence_share"],
            "rest": 1.0,
            "text": f"{percent(row['convergence_share'])} of sd {percent(row['run_sd'], 2)}",
            "throughput": percent(row["throughput_share"], 2),
            "runs": f"{row['runs_converged']} of {row['runs']} converged",
        }
        for row in getattr(report, table)
        if row["convergence_share"] is not None
    ]
    rows = _labelled(sorted(rows, key=lambda row: (-row["share"], row["key"])), table)
    notes = [
        "Filled: convergence (at which evaluation a run reached its target). Left open: throughput.",
        "Text: share of convergence, and the standard deviation (sd) of one run's log time.",
    ]
    return styled(
        layered(*_share_layers(rows, theme)),
        theme,
        title="Where the spread between runs comes from",
        subtitle=notes if rows else [empty("no runs whose convergence is known")],
        width=width,
        height=rows_height(len(rows)),
    )


def _share_layers(rows: Sequence[Mapping[str, Any]], theme: Theme) -> list[alt.Chart]:
    """Bars filled as far as convergence goes, and the figures behind them."""
    import altair as alt

    base = alt.Chart(data(rows)).encode(
        y=alt.Y("label:N", sort=[row["label"] for row in rows], title=None, axis=quiet_axis()),
        tooltip=tooltip(name="Of", text="Convergence", throughput="Throughput", runs="Runs"),
    )
    x = alt.X(
        "share:Q",
        title="share of the variance of log time between runs",
        scale=alt.Scale(domain=[0, 1 + _FIGURE_SHARE], nice=False),
        axis=alt.Axis(format="~%", values=[0, 0.25, 0.5, 0.75, 1]),
    )
    whole = base.mark_bar(height=12, fill="transparent", stroke=theme.muted, strokeWidth=1).encode(
        x=alt.X("rest:Q")
    )
    share = base.mark_bar(height=12, color=theme.accent).encode(x=x).properties(name="marks")
    text = base.mark_text(align="left", dx=6, fontSize=11).encode(x=alt.X("rest:Q"), text=alt.Text("text:N"))
    return [share, whole, text]


def score_spread_chart(
    report: VarianceReport, table: Table = "benchmarks", *, theme: Theme = LIGHT, width: Width = WIDTH
) -> alt.LayerChart:
    """Half-width of the interval around one score, in per cent of it, beside the published rule of thumb.

    Args:
        report: What ``variance`` found.
        table: A row per benchmark, per benchmark and round, or per result.
        theme: The looks.
        width: Of the whole picture.
    """
    known = [row for row in getattr(report, table) if row["half_width"] is not None]
    ordered = sorted(known, key=lambda row: (row["half_width"], str(row["benchmark"])))
    named = _labelled([_named(row, table) | {"row": row} for row in ordered], table)
    marks = [mark for item in named for mark in _spread_marks(item)]
    notes = [
        f"{percent(report.level)} half-width of the interval for the expected score of the official runs.",
        "Figures at the right: without outlying results.",
    ]
    return styled(
        layered(*_spread_layers(marks, [item["label"] for item in named], theme)),
        theme,
        title="How far one score can be trusted",
        subtitle=notes if marks else [empty("no result has two converged runs")],
        width=width,
        height=rows_height(len(named)),
    )


def _spread_layers(marks: Sequence[Mapping[str, Any]], order: Sequence[str], theme: Theme) -> list[alt.Chart]:
    """Dots, ticks of the rule, and the figures at the right."""
    import altair as alt

    looks = {
        SCORE: (theme.accent, SHAPES[0], theme.accent),
        WITH_OUTLYING: (theme.accent, SHAPES[0], "transparent"),
        RULE: (theme.ink, "stroke", theme.ink),
    }
    kinds = [kind for kind in looks if any(mark["kind"] == kind for mark in marks)]
    colours, shapes, fills = zip(*(looks[kind] for kind in kinds), strict=True) if kinds else ((), (), ())
    furthest = max((mark["value"] for mark in marks), default=0.1)
    x = alt.X(
        "value:Q",
        title="half-width, per cent of the score",
        axis=alt.Axis(format="~%", tickCount=6),
        scale=alt.Scale(domain=[0, furthest * 1.25], nice=False),
    )
    points = alt.Chart(data(marks)).mark_point(size=60, strokeWidth=2, opacity=1)
    points = points.encode(
        x=x,
        y=alt.Y("label:N", sort=list(order), title=None, axis=quiet_axis(grid=True)),
        tooltip=tooltip(name="Of", kind="What", text="Half-width"),
        **keyed("kind", kinds, columns=3, color=colours, shape=shapes, fill=fills),
    )
    text = alt.Chart(data([mark for mark in marks if mark["kind"] == SCORE])).mark_text(
        align="right", fontSize=11
    )
    figures = text.encode(x=alt.value("width"), y=alt.Y("label:N", sort=list(order)), text=alt.Text("text:N"))
    return [points.properties(name="marks"), figures]


def _spread_marks(item: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Score, score with outlying results where it differs, and rule: what there is of them."""
    row = item["row"]
    found = {SCORE: row["half_width"], RULE: row["rule"]}
    with_outlying = row.get("half_width_all")
    if with_outlying is not None and percent(with_outlying, 2) != percent(row["half_width"], 2):
        found[WITH_OUTLYING] = with_outlying
    present = {kind: value for kind, value in found.items() if value is not None}
    return [
        {
            "label": item["label"],
            "name": item["name"],
            "result_id": item["result_id"],
            "kind": kind,
            "value": value,
            "text": percent(value, 2),
        }
        for kind, value in present.items()
    ]


def _named(row: Mapping[str, Any], table: Table) -> dict[str, Any]:
    """What a row is called, by table."""
    if table == "results":
        return {"key": row["result_id"], "name": clean(row["result_id"]), "result_id": row["result_id"]}
    first, last = row["rounds"][0], row["rounds"][-1]
    name = f"{row['benchmark']} ({first if first == last else f'{first}–{last}'})"
    return {"key": name, "name": clean(name), "result_id": ""}


def _labelled(rows: Sequence[dict[str, Any]], table: Table) -> list[dict[str, Any]]:
    """The rows with labels that no two share."""
    keys = [row["key"] for row in rows]
    labels = result_labels(keys) if table == "results" else distinct({key: clean(key) for key in keys})
    return [row | {"label": labels[row["key"]]} for row in rows]
