"""Results with their intervals: a dot and a whisker each, the fastest on top."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from mlperf_stats.charts.labels import empty, result_labels, shared_ends, tooltip
from mlperf_stats.charts.marks import layered
from mlperf_stats.charts.theme import LIGHT, WIDTH, Theme, Width, styled
from mlperf_stats.charts.whiskers import LOG_FROM, Measure, domain_of, drawn, rows_height, whiskers
from mlperf_stats.text.names import clean
from mlperf_stats.text.numbers import interval, minutes, percent, plural

if TYPE_CHECKING:
    import altair as alt

Figure = Literal["median", "gmean", "expected", "controlled"]
FIGURES: dict[Figure, str] = {
    "median": "Median time to train",
    "gmean": "Geometric mean of the times to train",
    "expected": "Expected score on raw times",
    "controlled": "Expected time to train, convergence controlled",
}
"""Figures of the results table that have an interval, and what a picture calls them."""

OWN_MARK = "▸"

SELECTION = "result"
"""Name of the selection that a click makes, and of its field: ``result_id``."""


def results_chart(
    results: Iterable[Mapping[str, Any]],
    *,
    figure: Figure = "median",
    level: float = 0.95,
    log: bool | None = None,
    tied: Collection[str] | None = None,
    own: Collection[str] = (),
    theme: Theme = LIGHT,
    width: Width = WIDTH,
    clickable: bool = False,
) -> alt.LayerChart:
    """Each result's figure in minutes with its interval, sorted, the fastest on top.

    Args:
        results: Rows of a :class:`~mlperf_stats.analysis.results.ResultsTable`; those without the figure
            are counted in the subtitle.
        figure: Which figure and interval.
        level: Confidence level that was asked for.
        log: Logarithmic axis; None: where the largest figure is five times the smallest.
        tied: Ids to grey because they cannot be told from the fastest; None: those of :func:`overlapping`.
        own: Ids to tell from the others by colour and a mark beside their names.
        theme: The looks.
        width: Of the whole picture.
        clickable: As :func:`selecting`.
    """
    given = list(results)
    known = sorted(
        (row for row in given if row[f"{figure}_minutes"] is not None),
        key=lambda row: (row[f"{figure}_minutes"], row["result_id"]),
    )
    ties = overlapping(known, figure) if tied is None else set(tied)
    if log is None:
        log = bool(known) and known[-1][f"{figure}_minutes"] > LOG_FROM * known[0][f"{figure}_minutes"]
    rows = _rows(known, figure, ties, own, theme)
    ends = (row[name] for row in rows for name in ("estimate", "low", "high"))
    measure = Measure("minutes", domain_of(ends, log=log), log)
    layers = whiskers(
        [_drawable(row | drawn(row, measure)) for row in rows],
        measure,
        order=[row["label"] for row in rows],
        tooltips=_tooltips(),
    )
    return styled(
        selecting(layered(*layers), clickable),
        theme,
        title=_title(known, figure),
        subtitle=[
            *_notes(given, known, figure, level, sum(row["tied"] for row in rows)),
            *([f"Coloured, with {OWN_MARK}: your own."] if own else []),
        ],
        width=width,
        height=rows_height(len(rows)),
    )


def selecting(chart: alt.LayerChart, clickable: bool) -> alt.LayerChart:
    """The chart, where a click selects ``result_id`` under the name :data:`SELECTION` if it is clickable."""
    import altair as alt

    if not clickable:
        return chart
    return chart.add_params(alt.selection_point(name=SELECTION, fields=["result_id"], on="click"))


def overlapping(known: Sequence[Mapping[Any, Any]], figure: Figure) -> set[str]:
    """Ids of results whose interval overlaps that of the fastest of their round and benchmark.

    ``known`` is sorted, the fastest first.
    """
    fastest: dict[tuple[str, str], Mapping[Any, Any]] = {}
    ties = set()
    for row in known:
        first = fastest.setdefault((row["round"], row["benchmark"]), row)
        if row is not first and row[f"{figure}_low"] <= first[f"{figure}_high"]:
            ties.add(row["result_id"])
    return ties


def _rows(
    known: Sequence[Mapping[str, Any]],
    figure: Figure,
    ties: Collection[str],
    own: Collection[str],
    theme: Theme,
) -> list[dict[str, Any]]:
    labels = result_labels(row["result_id"] for row in known)
    rows = []
    for row in known:
        tied, ours = row["result_id"] in ties, row["result_id"] in own
        colour = theme.series[1] if ours else theme.tied if tied else theme.accent
        label = f"{OWN_MARK} {labels[row['result_id']]}" if ours else labels[row["result_id"]]
        looks = {"label": label, "tied": tied, "colour": colour, "fill": theme.background if tied else colour}
        rows.append(looks | _figures(row, figure))
    return rows


def _figures(row: Mapping[str, Any], figure: Figure) -> dict[str, Any]:
    estimate, low, high = (row[f"{figure}_{part}"] for part in ("minutes", "low", "high"))
    return {
        "result_id": row["result_id"],
        "estimate": estimate,
        "low": low,
        "high": high,
        "text": minutes(estimate),
        "name": clean(row["result_id"]),
        "interval": f"{interval(low, high)} min",
        "runs": f"{row['runs_converged']} of {row['runs']} converged",
        "score": f"{minutes(row['score_minutes'])} min" if row["score_minutes"] is not None else "none",
        "hardware": clean(f"{row['accelerators'] or '?'} × {row['accelerator'] or 'not named'}"),
        "warnings": clean((row["warnings"] or "none").replace(";", ", ")),
    }


def _drawable(row: dict[str, Any]) -> dict[str, Any]:
    """A row without its infinite ends, which JSON cannot hold; their drawn places stay."""
    return {name: value for name, value in row.items() if name not in ("low", "high")}


def _tooltips() -> list[alt.Tooltip]:
    return tooltip(
        name="Result",
        text="Minutes",
        interval="Interval",
        runs="Runs",
        score="Official score",
        hardware="Accelerators",
        warnings="Warnings",
    )


def _title(known: Sequence[Mapping[str, Any]], figure: Figure) -> str:
    what = shared_ends(row["result_id"] for row in known)
    return f"{FIGURES[figure]}{': ' if what else ''}{what}"


def _notes(
    given: Sequence[Any], known: Sequence[Mapping[str, Any]], figure: Figure, level: float, ties: int
) -> list[str]:
    if not known:
        return [empty("none of these results has this figure")]
    asked = f"Minutes with {percent(level)} interval"
    if figure == "median":
        asked += " (exact; few runs attain less, the table says which level)"
    notes = [f"{asked}. An arrow: open on that side. Not official MLPerf figures."]
    if ties:
        notes.append(f"Grey and hollow ({ties}): the interval overlaps that of the fastest of the benchmark.")
    if len(given) > len(known):
        notes.append(f"Not drawn, no such figure: {plural(len(given) - len(known), 'result')}.")
    return notes
