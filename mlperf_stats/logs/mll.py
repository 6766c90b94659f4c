"""Grammar of v0.6: ``:::MLL <seconds> <key>: {"value": …, "metadata": {…}}``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlperf_stats.logs.marks import KEYS, Mark, UndecodableError, as_number, decode_object, line_end
from mlperf_stats.model import Problem

NAME = "MLL"
TOKEN = b":::MLL "
_KEYS = "|".join((*KEYS, "run_set_random_seed")).encode()
_MARK = re.compile(rb":::MLL ([0-9.eE+-]+) (" + _KEYS + rb") ?: ?")


def marks(data: bytes) -> Iterator[Mark | Problem]:
    """Marks of ``data`` in file order; lines that cannot be read come as problems."""
    for match in _MARK.finditer(data):
        end = line_end(data, match.end())
        if data.find(TOKEN, match.end(), end) >= 0:
            yield Problem(
                "several-marks-on-line", f"byte {match.start()}: only the last mark of the line is read"
            )
            continue
        try:
            fields = decode_object(data[match.end() : end])
        except UndecodableError as error:
            yield Problem("line-unparsable", f"byte {match.start()}: {error}")
            continue
        seconds = as_number(match[1].decode())
        metadata = fields.get("metadata")
        yield Mark(
            "seed" if match[2] == b"run_set_random_seed" else match[2].decode(),
            None if seconds is None else seconds * 1000.0,
            fields.get("value"),
            metadata if isinstance(metadata, dict) else {},
        )
