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
    """Pattern of the key member of a mark with one of ``keys``, in JSON or a Python literal.

    It starts with literal text, which the regular expression engine finds fastest.
    """
    names = "|".join(map(re.escape, keys))
    return re.compile(rf"""key["'] ?: ?["'](?:{names})["']""".encode())


_RUN_KEYS = key_pattern(KEYS)


def marks(data: bytes, problems: list[Problem], pattern: re.Pattern[bytes] = _RUN_KEYS) -> list[Mark]:
    """Marks of ``data`` in file order; of lines that cannot be read, ``problems`` are told.

    A line is looked at once, from its first key to its end, so that no line costs more than its length.
    """
    found: list[Mark] = []
    searched = 0
    feed = -1  # the line feed looked for last: a file without any must not be searched for it again
    while match := pattern.search(data, searched):
        key_at = match.start()
        if feed < key_at:
            feed = data.find(b"\n", key_at)
            feed = len(data) if feed < 0 else feed
        end = data.find(b"\r", key_at, feed)
        end = feed if end < 0 else end
        line = _last_mark(data, searched, key_at, end, problems)
        searched = end
        if line is None or (len(line) < end - key_at and pattern.search(line) is None):
            continue  # no mark, or one whose key does not matter
        try:
            found.append(decode_mark(line))
        except UndecodableError as error:
            problems.append(Problem("line-unparsable", f"byte {end - len(line)}: {error}"))
    return found


def _last_mark(data: bytes, searched: int, key_at: int, end: int, problems: list[Problem]) -> bytes | None:
    """What follows the last token of the line that ends at ``end`` and has a key at ``key_at``."""
    token = data.rfind(TOKEN, searched, end)
    if token < 0:
        return None
    line = data[token + len(TOKEN) : end]
    if token < key_at:
        return None if b"\n" in line or b"\r" in line else line
    hidden = data.rfind(TOKEN, searched, key_at)
    between = data[hidden:key_at]
    if hidden >= 0 and b"\n" not in between and b"\r" not in between:
        problems.append(
            Problem("several-marks-on-line", f"byte {hidden}: only the last mark of the line is read")
        )
    return line
