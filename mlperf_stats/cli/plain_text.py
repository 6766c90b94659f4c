"""Output where the locale knows no Unicode: signs in ASCII instead of a failure."""

from __future__ import annotations

import codecs
import io
import sys

ERRORS = "mlperf-stats-plain"

_SIGNS = {
    "–": "-",
    "—": "-",
    "−": "-",
    # As ``show`` reads a shortened id.
    "…": "*",
    "±": "+-",
    "×": "x",
    "÷": "/",
    "≤": "<=",
    "≥": ">=",
    "→": "->",
    "∝": "~",
    "∞": "inf",
    "·": "-",
    "─": "-",
}


def _plain(error: UnicodeError) -> tuple[str | bytes, int]:
    """The sign in ASCII, or the escape of a character that has none."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    character = error.object[error.start]
    escaped = character.encode("ascii", "backslashreplace").decode("ascii")
    return _SIGNS.get(character, escaped), error.start + 1


def print_everywhere() -> None:
    """Let standard output take every character, whatever the locale's encoding."""
    codecs.register_error(ERRORS, _plain)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors=ERRORS)
