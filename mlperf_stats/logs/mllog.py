"""Grammar of v0.7 and later: ``:::MLLOG {"time_ms": …, "key": …, "value": …, "metadata": {…}}``.

The token may stand anywhere on a line, after rank labels or progress bars; on a line with several
the last one counts, as in the official parser. Only marks whose key matters are decoded: one
regular expression over the whole file finds them, everything else costs no more than the scan.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from mlperf_stats.logs.marks import KEYS, Mark, UndecodableError, decode_mark
from mlperf_stats.model import Problem

NAME = "MLLOG"
TOKEN = b":::MLLOG"


def key_pattern(keys: Sequence[str]) -> re.Pattern[bytes]:
    """Pattern of a line's rest from the key member of a mark with one of ``keys`` on.

    It starts with literal text, which the regular expression engine finds fastest, and stops at
    the line's end, so that a line is looked at once whatever it holds.
    """
    names = "|".join(map(re.escape, keys))
    return re.compile(rf"""key["'] ?: ?["'](?:{names})["'][^\r\n]*""".encode())


_RUN_KEYS = key_pattern(KEYS)


def marks(data: bytes, problems: list[Problem], pattern: re.Pattern[bytes] = _RUN_KEYS) -> list[Mark]:
    """Marks of ``data`` in file order; of lines that cannot be read, ``problems`` are told."""
    found: list[Mark] = []
    searched = 0
    for match in pattern.finditer(data):
        key_at, end = match.span()
        token = data.rfind(TOKEN, searched, end)
        if token < 0:
            searched = end
            continue
        line = data[token + len(TOKEN) : end]
        if token > key_at:
            # The key stands before the last token of its line, which alone counts.
            _note_cut_mark(data, searched, token, key_at, problems)
            if pattern.search(line) is None:
                searched = end
                continue
        elif b"\n" in line or b"\r" in line:
            searched = end
            continue
        searched = end
        try:
            found.append(decode_mark(line))
        except UndecodableError as error:
            problems.append(Problem("line-unparsable", f"byte {token}: {error}"))
    return found


def _note_cut_mark(data: bytes, searched: int, token: int, key_at: int, problems: list[Problem]) -> None:
    """Note a mark that another one on its line hides."""
    hidden = data.rfind(TOKEN, searched, key_at)
    between = data[hidden:key_at]
    if hidden >= 0 and b"\n" not in between and b"\r" not in between:
        problems.append(
            Problem("several-marks-on-line", f"byte {hidden}: only the last mark of the line is read")
        )
