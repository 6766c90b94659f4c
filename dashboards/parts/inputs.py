"""Numbers that a reader types; their state is in the address."""

from __future__ import annotations

from typing import Any

SMALLEST_PERCENT = 0.1


def percent(place: Any, label: str, name: str, value: float, *, least: float = SMALLEST_PERCENT) -> float:
    """A percentage below 100, as a fraction."""
    typed = place.number_input(
        label, least, 99.9, value=value, step=0.5, format="%g", key=name, bind="query-params"
    )
    return float(typed) / 100


def number(
    place: Any, label: str, name: str, *, value: float | None = None, most: float | None = None
) -> float | None:
    """A number above 0, or None where nothing is typed."""
    typed = place.number_input(
        label, 0.0, most, value=value, format="%g", key=name, bind="query-params", placeholder="not given"
    )
    return float(typed) if typed else None
