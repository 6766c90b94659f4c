"""What a custom summary result says, discloses and cites."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlperf_stats import __version__
from mlperf_stats.analysis.summary_reference import ReferenceKind
from mlperf_stats.rules.suite import LOCAL_ROUND
from mlperf_stats.rules.wording import EXPECTED_NOT_DRAWN, UNVERIFIED, composite_disclosure
from mlperf_stats.stats.codes import ONE_CONVERGENCE_POINT
from mlperf_stats.text.numbers import minutes, percent

if TYPE_CHECKING:
    from mlperf_stats.analysis.summary_score import SummaryReport
    from mlperf_stats.analysis.summary_types import Summary, SummaryRatio

_NEARLY = 0.999

_METHODS = {
    "own": "variances of each result's own runs, Welch-Satterthwaite degrees of freedom on the log scale",
    "controlled": "convergence-controlled laws of each result, drawn on the log scale with a fixed seed",
}


def disclosure(report: SummaryReport) -> str:
    """Method, components, weights, reference and label; own measurements are labelled unverified too."""
    weighted = [
        (name, weight) for name, weight in zip(report.benchmarks, report.weights, strict=True) if weight > 0
    ]
    equal = len({f"{weight:.12g}" for _, weight in weighted}) == 1
    text = composite_disclosure(
        [name for name, _ in weighted], None if equal else [weight for _, weight in weighted]
    )
    left = [name for name in report.benchmarks if name not in dict(weighted)]
    parts = [text, f"Weight 0: {', '.join(left)}."] if left else [text]
    if report.reference_kind is ReferenceKind.NONE:
        parts.append("Not normalised: minutes, smaller is better.")
    else:
        parts.append(f"Normalised by {report.reference}; larger is better.")
    if report.overrides:
        listed = ", ".join(map(str, report.overrides))
        parts.append(f"Combined by the user's choice in spite of differences in {listed}.")
    if any(one.round == LOCAL_ROUND for one in report.summaries):
        parts.append(UNVERIFIED)
    return " ".join(parts)


def citation(report: SummaryReport) -> str:
    """The line to cite the figures by."""
    ids = "; ".join(part.result_id for one in report.summaries for part in one.components)
    rounds = ", ".join(dict.fromkeys(_suite(one) for one in report.summaries))
    return f"Source: {rounds}, results {ids}; summary computed by mlperf-stats {__version__}, unofficial."


def _suite(summary: Summary) -> str:
    if summary.round == LOCAL_ROUND:
        return "own measurements"
    return f"MLPerf Training v{summary.round} {summary.division or 'division not stated'}"


def paragraph(report: SummaryReport) -> str:
    """The report in prose."""
    said = [summary_sentence(report, one) for one in report.summaries]
    said += [ratio_sentence(report, one) for one in report.ratios]
    if report.wrong:
        said += report.wrong.sentences()
    return " ".join([*said, *notes(report)])


def summary_sentence(report: SummaryReport, one: Summary) -> str:
    """One summary: from scores by the rules, from raw times with its interval, and what it hinges on."""
    normalised = report.reference_kind is not ReferenceKind.NONE
    unit = "" if normalised else " minutes"
    scaled = f" ({minutes(one.raw_score)} before scaling)" if one.raw_score != one.score else ""
    widest = max(one.components, key=lambda part: part.variance_share)
    share = percent(widest.variance_share, 0)
    # Where a spread is not known, nobody has a share.
    whose = f", {share} of whose variance is {widest.benchmark}'s" if widest.variance_share else ""
    return (
        f"The weighted geometric mean of {one.submission} over {', '.join(report.benchmarks)} is "
        f"{minutes(one.score)}{unit}{scaled}; from raw times {minutes(one.estimate)}{unit} "
        f"({percent(report.level)} interval {minutes(one.low)} – {minutes(one.high)}){whose}. "
        f"Halving or doubling single weights moves it between {minutes(one.weights_low)} and "
        f"{minutes(one.weights_high)}."
    )


def ratio_sentence(report: SummaryReport, one: SummaryRatio) -> str:
    """One ratio; the reference cancels."""
    shown = "" if one.low > 1 or one.high < 1 else ", so that no difference is shown (~)"
    return (
        f"{one.submission} is {minutes(one.estimate)} times as fast as {one.against} "
        f"({percent(report.level)} interval {minutes(one.low)} – {minutes(one.high)}{shown}), whatever the "
        f"reference; scores by the rules alone give {minutes(one.score)}. The confidence that it is faster "
        f"is {sure(one.better)}, and other weights (halved, doubled) give {minutes(one.weights_low)} to "
        f"{minutes(one.weights_high)}."
    )


def sure(probability: float | None) -> str:
    """A confidence in percent that never rounds to certainty."""
    if probability is None:
        return ""
    if probability > _NEARLY:
        return f"> {percent(_NEARLY)}"
    return f"< {percent(1 - _NEARLY)}" if probability < 1 - _NEARLY else percent(probability)


def notes(report: SummaryReport) -> list[str]:
    """What every output carries."""
    return [
        f"Intervals: {percent(report.level)} each, {_METHODS[report.interval]}.",
        *_tied(report),
        *_scaled(report),
        EXPECTED_NOT_DRAWN,
        report.disclosure,
        report.citation,
    ]


def _tied(report: SummaryReport) -> list[str]:
    """What own variances assume of runs that hide most of their variation."""
    parts = [part for one in report.summaries for part in one.components]
    if not any(ONE_CONVERGENCE_POINT in part.warnings for part in parts):
        return []
    return [
        "Where all runs stopped at one evaluation, one step more or less is allowed for; --interval "
        "controlled learns from other results how far runs scatter."
    ]


def _scaled(report: SummaryReport) -> list[str]:
    """Names the scores that the rules scale: estimates from raw times may then say something else."""
    scaled = [
        f"{part.result_id} × {part.scaling_factor:.4g}"
        for one in report.summaries
        for part in one.components
        if part.scaling_factor != 1
    ]
    if not scaled:
        return []
    return [
        f"The rules scale the scores of {', '.join(scaled)}; estimates and intervals are of times as run."
    ]
