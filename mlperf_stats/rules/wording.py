"""Sentences that outputs have to carry, because the rules on results messaging or honesty ask for them.

Source: MLPerf Results Messaging Guidelines (mlcommons/policies) and the MLPerf Training rules, put in our
own words. Reports, exports and the dashboard print them as they stand here.
"""

from __future__ import annotations

from collections.abc import Sequence

from mlperf_stats.errors import InputError

TRADEMARK = (
    "MLPerf is a trademark of the MLCommons Association. mlperf-stats is an independent project, neither "
    "affiliated with MLCommons nor endorsed by it."
)
"""Rule: name the owner of the trademark; README, report footers and the dashboard's About carry it."""

UNVERIFIED = "Unverified: own measurement, not reviewed by MLCommons and not an official MLPerf result."
"""Rule: results that were not reviewed as part of a submission are labelled unverified."""

DERIVED = (
    "Derived metric: computed from MLPerf results, not a primary metric and not an official MLPerf result."
)
"""Rule: figures computed from results (per accelerator, per watt, per dollar) are labelled derived."""

COMPOSITE = (
    "This custom summary is not sanctioned by MLCommons and is not an official or verified MLPerf result; "
    "MLPerf endorses no official summary score."
)
"""Rule: a combination of several results is labelled as not sanctioned, official or verified."""

EXPECTED_NOT_DRAWN = (
    "The interval is about the expected time of many runs. A benchmark result is one draw of a few runs; "
    "the next one need not lie inside."
)
"""Rule: a score is meant to represent the median expected result across many runs, which it estimates."""

SELECTED = (
    "Published sets of runs are selected: they were tuned, and filed by those who chose to. Chance still "
    "acts within a set, but the sets are no random sample of systems or attempts."
)
"""Honesty: statistics over published results cannot undo the choice of what was submitted."""

WITHIN_SUBMISSION = (
    "The interval holds for the submission as it was measured: same machine, software and settings. It does "
    "not cover differences between machines of one make, between days or between software versions."
)
"""Honesty: repeated runs of one submission show no variance that they did not sample."""


def composite_disclosure(benchmarks: Sequence[str], weights: Sequence[float] | None = None) -> str:
    """How a custom summary result was combined, followed by its label (:data:`COMPOSITE`).

    Rule: who combines results says which, how and with what weights.

    Args:
        benchmarks: Names of the combined benchmarks, at least one.
        weights: One positive weight per benchmark in any scale; None for equal weights.

    Raises:
        InputError: there is no benchmark, or not one positive weight for each.
    """
    if not benchmarks:
        raise InputError("a custom summary needs at least one benchmark")
    if weights is None:
        listed = f"equal weights: {', '.join(benchmarks)}"
    else:
        if len(weights) != len(benchmarks) or not all(weight > 0 for weight in weights):
            raise InputError(
                f"{len(benchmarks)} benchmarks need as many positive weights, not {list(weights)}"
            )
        total = sum(weights)
        shares = (f"{name} {weight / total:.3g}" for name, weight in zip(benchmarks, weights, strict=True))
        listed = f"weights: {', '.join(shares)}"
    return f"Weighted geometric mean of results of one submission, {listed}. {COMPOSITE}"


def differing_facts(facts: Sequence[tuple[str, Sequence[object]]]) -> str:
    """Sentence naming what differs between compared results; empty when nothing does.

    Rule: compare like with like, and name version, division, category, official status and chip count
    wherever they differ.

    Args:
        facts: Pairs of a fact's name and its value for each compared result, in one order.
    """
    parts = [
        f"{name} ({' / '.join(str(value) or 'not stated' for value in values)})"
        for name, values in facts
        if len({str(value) for value in values}) > 1
    ]
    return f"The compared results differ in {', '.join(parts)}." if parts else ""
