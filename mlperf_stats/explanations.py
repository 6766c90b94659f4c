"""What every warning and problem code means and what to do about it; the texts are data.

The catalogue is ``explanations.toml`` beside this module, one table per code.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.resources import files

from mlperf_stats.errors import NotFoundError


@dataclass(frozen=True, slots=True)
class Explanation:
    """One code of the catalogue."""

    code: str
    about: str
    """What carries the code: ``result``, ``run``, ``submission``, ``interval`` or ``database``."""
    brief: str
    """One line, fit for a footnote."""
    meaning: str
    """What was seen, and what it does to the figures."""
    advice: str
    """What the reader can do."""


@cache
def catalogue() -> dict[str, Explanation]:
    """All explanations by code, in alphabetical order."""
    tables = tomllib.loads((files("mlperf_stats") / "explanations.toml").read_text(encoding="utf-8"))
    return {code: Explanation(code=code, **_one_line(tables[code])) for code in sorted(tables)}


def explain(code: str) -> Explanation:
    """The explanation of ``code``; NotFoundError names close matches."""
    known = catalogue()
    wanted = code.strip().lower()
    if wanted in known:
        return known[wanted]
    close = get_close_matches(wanted, known, n=3)
    hint = f"did you mean {', '.join(close)}?" if close else "'mlperf-stats explain' lists all codes"
    raise NotFoundError(f"no warning has the code {code!r}; {hint}")


def _one_line(fields: dict[str, str]) -> dict[str, str]:
    return {name: " ".join(text.split()) for name, text in fields.items()}
