"""Ratios of times with intervals that hold together: a forest plot."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mlperf_stats.charts.labels import data, distinct, empty, result_labels, tooltip
from mlperf_stats.charts.marks import layered
from mlperf_stats.charts.theme import LIGHT, WIDTH, Theme, Width, styled
from mlperf_stats.charts.whiskers import Measure, domain_of, drawn, whiskers
from mlperf_stats.text.names import clean
from mlperf_stats.text.numbers import minutes, percent

if TYPE_CHECKING:
    import altair as alt

    from mlperf_stats.analysis.compare import Comparison

_PAIR_HEIGHT = 38
_PAIR_CHARACTERS = 30


def forest_chart(comparison: Comparison, *, theme: Theme = LIGHT, width: Width = WIDTH) -> alt.LayerChart:
    """Time of the first over time of the second for each pair, with the line of equal times.

    The band holds the ratios that count as equal. Pairs that cannot be told apart are grey and hollow.

    Args:
        comparison: What ``compare`` found.
        theme: The looks.
        width: Of the whole picture.
    """
    pairs = sorted(comparison.pairs, key=lambda row: (row["benchmark"], row["ratio"], row["a"], row["b"]))
    labels = _labels(pairs, comparison.baseline)
    rows = [_row(row, label, theme) for row, label in zip(pairs, labels, strict=True)]
    ends = [1.0, *(row[name] for row in rows for name in ("estimate", "low", "high"))]
    measure = Measure(
        f"time ÷ time of {'the baseline' if comparison.baseline else 'the second'}",
        domain_of(ends, log=True),
        log=True,
    )
    marks = [
        {name: value for name, value in (row | drawn(row, measure)).items() if name not in ("low", "high")}
        for row in rows
    ]
    layers = whiskers(
        marks,
        measure,
        order=labels,
        tooltips=tooltip(
            a="First",
            b="Second",
            benchmark="Benchmark",
            text="Ratio",
            interval="Interval",
            times="Minutes",
            verdict="First is",
            equal="Equal within the margin",
        ),
        lines="\n",
    )
    return styled(
        layered(*_equality(comparison, measure, theme), *layers),
        theme,
        title=_title(pairs, comparison.baseline),
        subtitle=_notes(comparison, rows),
        width=width,
        height=max(len(rows), 1) * (_PAIR_HEIGHT if any("\n" in label for label in labels) else 24),
    )


def _labels(pairs: Sequence[Mapping[str, Any]], baseline: str) -> list[str]:
    """What tells the pairs from each other: benchmark, first, or both names on two lines."""
    benchmarks = {row["benchmark"] for row in pairs}
    names = {(row["a"], row["b"]) for row in pairs}
    short = result_labels((name for pair in sorted(names) for name in pair), _PAIR_CHARACTERS)
    labels = {}
    for number, row in enumerate(pairs):
        words = [] if len(benchmarks) == 1 and len(names) > 1 else [clean(row["benchmark"])]
        if len(names) > 1:
            words.append(short[row["a"]] if baseline else f"{short[row['a']]}\n÷ {short[row['b']]}")
        labels[str(number)] = ": ".join(words)
    return list(distinct(labels).values())


def _row(row: Mapping[str, Any], label: str, theme: Theme) -> dict[str, Any]:
    told_apart = row["verdict"] != "~"
    low, high = row["ratio_low"], row["ratio_high"]
    return {
        "label": label,
        "estimate": row["ratio"],
        "low": low,
        "high": high,
        "text": minutes(row["ratio"]),
        "colour": theme.accent if told_apart else theme.tied,
        "fill": theme.accent if told_apart else theme.background,
        "a": clean(row["a"]),
        "b": clean(row["b"]),
        "benchmark": clean(row["benchmark"]),
        "interval": f"{minutes(low)} – {minutes(high)}",
        "times": f"{minutes(row['a_minutes'])} ÷ {minutes(row['b_minutes'])}",
        "verdict": row["verdict"] if told_apart else "not told apart",
        "equal": "yes" if row["equivalent"] else "not shown",
    }


def _equality(comparison: Comparison, measure: Measure, theme: Theme) -> list[Any]:
    """The line of equal times, and the band of what counts as equal."""
    import altair as alt

    margin = comparison.margin
    band = {"low": max(1 / (1 + margin), measure.domain[0]), "high": min(1 + margin, measure.domain[1])}
    line = alt.Chart(data([{"one": 1.0}])).mark_rule(color=theme.ink, strokeDash=[4, 3])
    area = alt.Chart(data([band])).mark_rect(color=theme.grid, opacity=0.7)
    return [
        area.encode(x=measure.channel("low"), x2=alt.X2("high:Q")),
        line.encode(x=measure.channel("one")),
    ]


def _title(pairs: Sequence[Mapping[str, Any]], baseline: str) -> str:
    benchmarks = {row["benchmark"] for row in pairs}
    names = {(row["a"], row["b"]) for row in pairs}
    what = f": {clean(pairs[0]['benchmark'])}" if len(benchmarks) == 1 else ""
    if len(names) == 1:
        return clean(f"Ratio of times: {pairs[0]['a']} ÷ {pairs[0]['b']}")
    return f"Ratios of times{what}{clean(f', against {baseline}') if baseline else ''}"


def _notes(comparison: Comparison, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    if not rows:
        return [empty("nothing was compared")]
    footing = str(comparison.footing).replace("-", " ")
    notes = [
        f"Below 1 the first is faster. {percent(comparison.level)} for all intervals together, "
        f"{footing}. Band: within {percent(comparison.margin)}."
    ]
    ties = sum(row["verdict"] == "not told apart" for row in rows)
    if ties:
        notes.append(f"Grey and hollow ({ties}): not told apart.")
    if any(math.isinf(row["low"]) or math.isinf(row["high"]) for row in rows):
        notes.append("An arrow: the interval is open on that side.")
    return notes
