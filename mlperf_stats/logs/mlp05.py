"""Grammar of v0.5: ``:::MLPv0.5.0 <benchmark> <seconds> (<file>:<line>) <key>[: <json>]``.

Its words differ from later rounds; they are translated to the later vocabulary here.
"""

from __future__ import annotations

import re
from typing import Any

from mlperf_stats.logs.marks import (
    NO_METADATA,
    Mark,
    Metadata,
    UndecodableError,
    decode_object,
    metadata_of,
)
from mlperf_stats.logs.mll import milliseconds
from mlperf_stats.model import Problem

NAME = "MLPv0.5.0"
TOKEN = b":::MLPv0.5.0"
_WORDS = {
    b"run_start": "run_start",
    b"run_stop": "run_stop",
    b"eval_accuracy": "eval_accuracy",
    b"input_batch_size": "global_batch_size",
    b"run_set_random_seed": "seed",
    b"seed": "seed",
}
_MARK = re.compile(
    rb":::MLPv0\.5\.0 (?:\S+) ([0-9.eE+-]+) \([^\n\r]{0,300}?\) ("
    + b"|".join(_WORDS)
    + rb")(?![\w])(?: ?: ?)?([^\r\n]*)"
)
_TRUE = (True, "true", "True", 1)


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
        seconds, word, rest = last.groups()
        key = _WORDS[word]
        try:
            value, metadata = _translate(key, rest.strip())
        except UndecodableError as error:
            problems.append(Problem("line-unparsable", f"byte {match.start()}: {error}"))
            continue
        found.append(Mark(key, milliseconds(seconds), value, metadata))
    return found


def _translate(key: str, rest: bytes) -> tuple[Any, Metadata]:
    """Value and metadata in the later grammars' form."""
    if not rest.startswith(b"{"):
        return rest.decode("utf-8", "replace").strip('"'), NO_METADATA
    fields = decode_object(rest)
    if key == "run_stop":
        success = fields.get("success")
        if success is None:
            return None, NO_METADATA
        return None, Metadata(status="success" if success in _TRUE else "aborted")
    return fields.get("value"), metadata_of(fields)
