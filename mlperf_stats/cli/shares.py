"""Options whose value is a share: ``0.05`` or ``5%``, strictly between 0 and 1."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import typer


def share_option(flag: str, like: float, says: str, metavar: str = "SHARE") -> Any:
    """The option ``flag`` for a share of the size of ``like``; ``says`` is its help."""
    return typer.Option(flag, metavar=metavar, parser=share_parser(like), help=says)


def share_parser(like: float) -> Callable[[str | float], float]:
    """A parser of shares strictly between 0 and 1, whose errors say how to write one.

    Args:
        like: An ordinary value of the option. A whole number of per cent without its sign is taken for a
            slip where it comes out on the same side of a half: 95 for a level, 2 for a margin.
    """

    # Typer passes defaults as they are.
    def parse(text: str | float) -> float:
        value = _number(text)
        if 0 < value < 1:
            return value
        raise typer.BadParameter(_refusal(str(text).strip(), value, like))

    return parse


def _refusal(text: str, value: float, like: float) -> str:
    meant = value / 100
    if not text.endswith("%") and 0 < meant < 1 and (meant > 1 / 2) == (like > 1 / 2):
        return f"{text!r} is {value:.0%}; did you mean {_written(meant)}?"
    wrong = "is no share" if math.isnan(value) else "is not above 0% and below 100%"
    return f"{text!r} {wrong}; write it like {_written(like)}"


def _written(share: float) -> str:
    return f"{share:.4g} or {100 * share:.4g}%"


def _number(text: str | float) -> float:
    """A number, with or without a sign of per cent; NaN if it is none."""
    stripped = str(text).strip()
    try:
        return float(stripped.removesuffix("%")) / (100 if stripped.endswith("%") else 1)
    except ValueError:
        return math.nan
