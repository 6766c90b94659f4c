"""Figures as people read them; missing values are empty."""

from __future__ import annotations

import math

SIGNIFICANT_DIGITS = 4


def minutes(value: float | None) -> str:
    """Four significant digits, never an exponent, infinity as a sign: ``13.42``, ``10468``, ``∞``."""
    if value is None:
        return ""
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if value == 0:
        return "0"
    decimals = SIGNIFICANT_DIGITS - 1 - math.floor(math.log10(abs(value)))
    return f"{value:.{max(decimals, 0)}f}"


def interval(low: float | None, high: float | None) -> str:
    """``low – high``, empty where there is none."""
    return f"{minutes(low)} – {minutes(high)}" if low is not None and high is not None else ""


def percent(fraction: float | None, decimals: int = 1) -> str:
    """``0.9785`` → ``97.9%``; whole percentages carry no decimals."""
    if fraction is None:
        return ""
    return f"{100 * fraction:.{decimals}f}".removesuffix("." + "0" * decimals) + "%"


def progress(value: float | None) -> str:
    """Training progress: whole numbers in full, others to six digits, ``?`` where it is not known."""
    if value is None:
        return "?"
    return f"{value:.0f}" if value == round(value) else f"{value:.6g}"


def plural(number: int, noun: str) -> str:
    """``1 run``, ``2 runs``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def count(value: int | None) -> str:
    """A whole number, empty where there is none."""
    return "" if value is None else str(value)
