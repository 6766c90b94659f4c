"""What each benchmark puts into a custom summary result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mlperf_stats.charts.labels import data, empty, result_labels, tooltip
from mlperf_stats.charts.marks import SHAPES, keyed, layered, quiet_axis
from mlperf_stats.charts.theme import LIGHT, WIDTH, Theme, Width, styled
from mlperf_stats.charts.whiskers import Measure, domain_of
from mlperf_stats.rules.wording import composite_disclosure
from mlperf_stats.text.names import clean
from mlperf_stats.text.numbers import interval, minutes, percent

if TYPE_CHECKING:
    import altair as alt

    from mlperf_stats.analysis.summary_score import SummaryReport

_ROW_HEIGHT = 30
_BAR_PIXELS = 8
MOST_SUBMISSIONS = 5


def contributions_chart(
    report: SummaryReport, *, theme: Theme = LIGHT, width: Width = WIDTH
) -> alt.LayerChart:
    """The factor that each benchmark puts into the summary; the factors of a submission multiply to it.

    Args:
        report: What ``combine`` found; of more than :data:`MOST_SUBMISSIONS` the first are drawn.
        theme: The looks.
        width: Of the whole picture.
    """

    shown = report.summaries[:MOST_SUBMISSIONS]
    names = result_labels(summary.submission for summary in shown)
    kinds = list(names.values())
    rows = [
        {
            "benchmark": clean(part.benchmark),
            "kind": names[summary.submission],
            "result_id": part.result_id,
            "name": clean(part.result_id),
            "factor": part.contribution,
            "one": 1.0,
            "text": f"× {minutes(part.contribution)}",
            "weight": percent(part.weight),
            "score": f"{minutes(part.score_minutes)} min",
            "value": minutes(part.value),
            "share": percent(part.variance_share),
            "without": minutes(part.without),
            "lane": lane,
        }
        for lane, summary in enumerate(shown)
        for part in summary.components
    ]
    ends = [1.0, *(part.contribution for summary in shown for part in summary.components)]
    measure = Measure("factor in the summary", domain_of(ends, log=True), log=True)
    return styled(
        layered(*_layers(rows, kinds, list(report.benchmarks), measure, theme)),
        theme,
        title="What each benchmark puts into the summary",
        subtitle=[*_figures(report, names), *_notes(report, rows)],
        width=width,
        height=max(len(report.benchmarks), 1) * max(_ROW_HEIGHT, (_BAR_PIXELS + 6) * len(shown)),
    )


def _layers(
    rows: Sequence[Mapping[str, Any]],
    kinds: Sequence[str],
    benchmarks: Sequence[str],
    measure: Measure,
    theme: Theme,
) -> list[Any]:
    import altair as alt

    looks = keyed("kind", kinds, columns=1, color=theme.series[: len(kinds)], shape=SHAPES[: len(kinds)])
    base = alt.Chart(data(rows)).encode(
        y=alt.Y("benchmark:N", sort=[clean(name) for name in benchmarks], title=None, axis=quiet_axis()),
        yOffset=alt.YOffset("lane:O", sort=list(range(len(kinds)))),
        color=looks["color"],
        tooltip=tooltip(
            name="Result",
            text="Factor",
            weight="Weight",
            score="Official score",
            value="Normalised result",
            share="Share of the variance",
            without="Summary without it",
        ),
    )
    stems = base.mark_rule(strokeWidth=2).encode(x=measure.channel("one"), x2=alt.X2("factor:Q"))
    dots = base.mark_point(size=60, filled=True, opacity=1).encode(
        x=measure.channel("factor"), shape=looks["shape"]
    )
    figures = base.mark_text(align="left", dx=9, fontSize=11, color=theme.ink).encode(
        x=measure.channel("factor"), text=alt.Text("text:N"), color=alt.value(theme.ink)
    )
    return [stems, dots.properties(name="marks"), figures]


def _figures(report: SummaryReport, names: Mapping[str, str]) -> list[str]:
    """The summaries themselves, a line each."""
    return [
        f"{names[one.submission]}: {minutes(one.score)} from official results; {minutes(one.estimate)} "
        f"({interval(one.low, one.high)}, {percent(report.level)}) expected."
        for one in report.summaries[:MOST_SUBMISSIONS]
    ]


def _notes(report: SummaryReport, rows: Sequence[Any]) -> list[str]:
    if not rows:
        return [empty("no submission was combined")]
    left = len(report.summaries) - MOST_SUBMISSIONS
    notes = [f"{left} more submissions are not drawn."] if left > 0 else []
    minutes_only = report.reference_kind == "none"
    scale = (
        "Minutes: smaller is better."
        if minutes_only
        else f"Normalised by {report.reference}: larger is better."
    )
    weighted = [pair for pair in zip(report.benchmarks, report.weights, strict=True) if pair[1] > 0]
    equal = len({weight for _, weight in weighted}) == 1
    shares = None if equal else [weight for _, weight in weighted]
    named = [scale, composite_disclosure([name for name, _ in weighted], shares)]
    accepted = ["The submissions differ in what the user accepted; the table names it."]
    return [*notes, *map(clean, named), *(accepted if report.overrides else [])]
