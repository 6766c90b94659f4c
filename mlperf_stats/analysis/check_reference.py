"""Does its convergence stand beside the reference's? — the RCP test of one result and its scaling factor."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from mlperf_stats.analysis.check_findings import Finding, Severity
from mlperf_stats.analysis.rcp import rcp_row
from mlperf_stats.rules.rcp import Variant, Verdict
from mlperf_stats.rules.suite import rounds
from mlperf_stats.store.queries import StoredResult, StoredRun

_RCP_CODES = {Verdict.FAILED: "rcp-failed", Verdict.MISSING: "rcp-missing"}
_SAID_ALREADY = frozenset({"benchmark-unknown", "run-unreadable", "mixed-gbs"})
"""Findings that say themselves why the RCP test cannot be put."""
_ROUNDING = 5e-4
"""Published factors have three decimals at least."""
_SMALLEST = 1.00005
"""Factors below this are 1 in four decimals."""
_SCALED_SINCE = "3.0"
"""First round at hand in which results carry the factor throughout; before, its absence is usual."""


def reference_findings(
    result: StoredResult, present: Sequence[StoredRun], found: Collection[str]
) -> Iterator[Finding]:
    """What the RCP test says of a result.

    ``found``: codes of the other findings; what they name is not named again.
    """
    row, at_fault = rcp_row(result, present, Variant.OFFICIAL_CODE)
    if at_fault:
        if present and _SAID_ALREADY.isdisjoint(found):
            yield Finding(
                result.result_id, Severity.REJECTED, "rcp-not-tested",
                f"the RCP test cannot be put: {row['note']}", "Log what the test needs.",
            )  # fmt: skip
    elif row["verdict"] in _RCP_CODES:
        figures = (
            ""
            if row["limit"] is None
            else f": {row['mean']:.7g}, the limit is {row['limit']:.7g} {row['unit']}s"
        )
        yield Finding(
            result.result_id, Severity.REJECTED, _RCP_CODES[row["verdict"]],
            f"the RCP test says {row['verdict']}{figures}", f"{row['note'].capitalize()}.",
        )  # fmt: skip
    elif row["verdict"] == Verdict.PASSED:
        yield from _scaling(result, row)


def _scaling(result: StoredResult, row: Mapping[str, Any]) -> Iterator[Finding]:
    """The factor that was filed beside the one that the RCP test asks for."""
    expected = row["normalisation"] if row["normalisation"] >= _SMALLEST else 1.0
    filed = _filed(result)
    if abs(result.scaling_factor - expected) <= _ROUNDING and (expected == 1 or result.scaling_factor != 1):
        if expected > 1:
            yield Finding(
                result.result_id, Severity.NOTE, "rcp-normalised", f"converges {row['note']}", f"{filed}."
            )
        return
    order = rounds()
    usual = result.scaling_factor == 1 and order.index(result.round) < order.index(_SCALED_SINCE)
    yield Finding(
        result.result_id,
        Severity.NOTE if usual else Severity.LOOK,
        "rcp-normalised",
        f"{filed}; the RCP test expects {f'{expected:.4f}' if expected > 1 else 'none'}",
        _scaling_advice(row, expected),
        size=abs(result.scaling_factor - expected),
    )


def _filed(result: StoredResult) -> str:
    if result.scaling_factor != 1:
        return f"scaling.json holds {result.scaling_factor:.6g}"
    problems = {problem.code for problem in result.problems}
    if "scaling-unreadable" in problems:
        return "scaling.json cannot be read"
    return "scaling.json holds 1" if "scaling-is-one" in problems else "scaling.json is missing"


def _scaling_advice(row: Mapping[str, Any], expected: float) -> str:
    if expected == 1:
        return "Convergence is not faster than the reference's: leave scaling.json out."
    return (
        f"Convergence is faster than the reference's ({row['mean']:.7g} against {row['reference_mean']:.7g} "
        f"{row['unit']}s), within the limit: file scaling.json with a scaling_factor of "
        f"{expected:.4f}."
    )
