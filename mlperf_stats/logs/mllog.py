"""Grammar of v0.7 and later: ``:::MLLOG {"time_ms": …, "key": …, "value": …, "metadata": {…}}``.

The token may stand anywhere on a line, after rank labels or progress bars; on a line with several
the last one counts, as in the official parser. Only marks whose key matters are decoded: one
regular expression over the whole file finds them, everything else costs no more than the scan.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from mlperf_stats.logs.marks import (
    KEYS,
    Mark,
    UndecodableError,
    as_number,
    decode_object,
    line_end,
    line_start,
)
from mlperf_stats.model import Problem

NAME = "MLLOG"
TOKEN = b":::MLLOG"


def key_pattern(keys: Sequence[str]) -> re.Pattern[bytes]:
    """Pattern that finds the key member of marks with one of ``keys``, in JSON or a Python literal."""
    names = "|".join(map(re.escape, keys))
    return re.compile(rf"""key["'] ?: ?["'](?:{names})["']""".encode())


_RUN_KEYS = key_pattern(KEYS)


def marks(data: bytes, pattern: re.Pattern[bytes] = _RUN_KEYS) -> Iterator[Mark | Problem]:
    """Marks of ``data`` in file order; lines that cannot be read come as problems."""
    for match in pattern.finditer(data):
        token = data.rfind(TOKEN, max(0, match.start() - 4096), match.start())
        if token < 0 or token < line_start(data, match.start()):
            continue
        end = line_end(data, match.end())
        if data.find(TOKEN, match.end(), end) >= 0:
            yield Problem("several-marks-on-line", f"byte {token}: only the last mark of the line is read")
            continue
        try:
            fields = decode_object(data[token + len(TOKEN) : end])
        except UndecodableError as error:
            yield Problem("line-unparsable", f"byte {token}: {error}")
            continue
        metadata = fields.get("metadata")
        yield Mark(
            str(fields.get("key", "")),
            as_number(fields.get("time_ms")),
            fields.get("value"),
            metadata if isinstance(metadata, dict) else {},
        )
