"""Grammar of v0.6: ``:::MLL <seconds> <key>: {"value": …, "metadata": {…}}``."""

from __future__ import annotations

import re

from mlperf_stats.logs.marks import KEYS, Mark, UndecodableError, as_number, decode_mark
from mlperf_stats.model import Problem

NAME = "MLL"
TOKEN = b":::MLL "
_KEYS = "|".join((*KEYS, "run_set_random_seed")).encode()
_MARK = re.compile(rb":::MLL ([0-9.eE+-]+) (" + _KEYS + rb") ?: ?([^\r\n]*)")


def marks(data: bytes, problems: list[Problem]) -> list[Mark]:
    """Marks of ``data`` in file order; of lines that cannot be read, ``problems`` are told."""
    found: list[Mark] = []
    for match in _MARK.finditer(data):
        last: re.Match[bytes] | None = match
        if TOKEN in match[3]:
            problems.append(
                Problem(
                    "several-marks-on-line", f"byte {match.start()}: only the last mark of the line is read"
                )
            )
            last = _MARK.match(TOKEN + match[3].rpartition(TOKEN)[2])
        if last is None:
            continue
        seconds, key, rest = last.groups()
        try:
            logged = decode_mark(rest)
        except UndecodableError as error:
            problems.append(Problem("line-unparsable", f"byte {match.start()}: {error}"))
            continue
        name = "seed" if key == b"run_set_random_seed" else key.decode()
        found.append(Mark(name, milliseconds(seconds), logged.value, logged.metadata))
    return found


def milliseconds(seconds: bytes) -> float | None:
    """A logged time of day in milliseconds, None where it is no number."""
    number = as_number(seconds.decode())
    return None if number is None else number * 1000.0
