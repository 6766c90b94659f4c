"""What a check finds: one sentence each, with its evidence and what to do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

FAMILY_WISE_ERROR = 0.05
"""Probability of any significant finding at all where nothing is wrong."""

_LOOKS = (
    "duplicate-runs",
    "same-run-edited",
    "clocks-disagree",
    "regular-convergence",
    "launch-gap",
    "slow-run",
)
"""What deserves a look, most telling first: logs of another system, of another clock, left out, disturbed."""


class Severity(StrEnum):
    """How much a finding matters, most first."""

    REJECTED = "rejected"
    """A review would send the result back."""
    SIGNIFICANT = "significant"
    """Chance hardly explains it, all tests of the check together, and it is large enough to matter."""
    LOOK = "look"
    """Deserves a look: no claim of significance, or too small to matter."""
    NOTE = "note"
    """Good to know."""
    FINE = "fine"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing about one result."""

    result_id: str
    severity: Severity
    code: str
    """``mlperf-stats explain CODE`` says more."""
    sentence: str
    """What was found, with its evidence."""
    advice: str = ""
    p_value: float | None = None
    p_adjusted: float | None = None
    """By Holm over all tests of the check."""
    size: float = 0.0
    """How far it is from usual, in the unit of the sentence: ranks findings of one code."""

    def to_dict(self) -> dict[str, Any]:
        """What a report shows, as plain values."""
        values = asdict(self) | {"severity": str(self.severity)}
        del values["size"]
        return values


@dataclass(frozen=True, slots=True)
class Suspicion:
    """A test of one result: a finding if its adjusted p value is small, else nothing."""

    result_id: str
    code: str
    sentence: str
    advice: str
    p_value: float
    size: float = 0.0
    """As of :class:`Finding`."""
    matters: bool = True
    """Whether it is large enough to change a score; else it only deserves a look, however certain."""


def significant(suspicions: Iterable[Suspicion]) -> list[Finding]:
    """The suspicions that hold with the family-wise error, all together; small ones as a look."""
    from mlperf_stats.stats.screening import holm

    tested = list(suspicions)
    adjusted = holm([entry.p_value for entry in tested])
    return [
        Finding(
            entry.result_id,
            Severity.SIGNIFICANT if entry.matters else Severity.LOOK,
            entry.code,
            f"{entry.sentence} (p = {entry.p_value:.1g}{_together(len(tested), p)}"
            f"{'' if entry.matters else '; too small to matter for a score'})",
            entry.advice,
            entry.p_value,
            p,
            entry.size,
        )
        for entry, p in zip(tested, adjusted, strict=True)
        if p <= FAMILY_WISE_ERROR
    ]


def _together(tests: int, adjusted: float) -> str:
    return "" if tests == 1 else f", all {tests} tests together {adjusted:.1g}"


def ranked(findings: Iterable[Finding]) -> list[Finding]:
    """Most serious first, then by p value, by how telling the code is, by size and by result."""
    order = list(Severity)

    def key(entry: Finding) -> tuple[int, float, int, str, float, str]:
        telling = _LOOKS.index(entry.code) if entry.code in _LOOKS else len(_LOOKS)
        severity = order.index(entry.severity)
        return severity, entry.p_value or 0.0, telling, entry.code, -entry.size, entry.result_id

    return sorted(findings, key=key)
