"""Warnings below and inside tables: the codes in the cells, what they mean in the footnotes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from mlperf_stats.explanations import catalogue

FOOTNOTE_ONLY = frozenset({"covers-published"})
"""Codes that speak of the database and not of a result: in every row they would hide the others."""


def codes_of(row: Mapping[str, Any]) -> list[str]:
    """The warning codes of a row whose ``warnings`` are joined by ``;``."""
    return [code for code in (row.get("warnings") or "").split(";") if code]


def warning_cell(row: Mapping[str, Any]) -> str:
    """The codes of a row, separated by spaces so that a narrow column can fold them."""
    return " ".join(code for code in codes_of(row) if code not in FOOTNOTE_ONLY)


def warning_notes(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """A line for each code that occurs in ``rows``, by frequency, :data:`FOOTNOTE_ONLY` last."""
    counts = Counter(code for row in rows for code in codes_of(row))
    known = catalogue()
    notes = [
        f"{code} ({number}): {known[code].brief}" if code in known else f"{code} ({number})"
        for code, number in sorted(counts.most_common(), key=lambda item: item[0] in FOOTNOTE_ONLY)
    ]
    return [*notes, "'mlperf-stats explain CODE' says more."] if notes else []
