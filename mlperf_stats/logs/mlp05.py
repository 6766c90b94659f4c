"""Grammar of v0.5: ``:::MLPv0.5.0 <benchmark> <seconds> (<file>:<line>) <key>[: <json>]``.

Its words differ from later rounds; they are translated to the later vocabulary here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from mlperf_stats.logs.marks import Mark, UndecodableError, as_number, decode_object, line_end
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
    rb":::MLPv0\.5\.0 (\S+) ([0-9.eE+-]+) \(([^\n\r]{0,1024}?)\) ("
    + b"|".join(_WORDS)
    + rb")(?![\w])(?: ?: ?)?"
)
_TRUE = (True, "true", "True", 1)


def marks(data: bytes) -> Iterator[Mark | Problem]:
    """Marks of ``data`` in file order; lines that cannot be read come as problems."""
    for match in _MARK.finditer(data):
        end = line_end(data, match.end())
        if data.find(TOKEN, match.end(), end) >= 0:
            yield Problem(
                "several-marks-on-line", f"byte {match.start()}: only the last mark of the line is read"
            )
            continue
        key = _WORDS[match[4]]
        try:
            value, metadata = _translate(key, data[match.end() : end].strip())
        except UndecodableError as error:
            yield Problem("line-unparsable", f"byte {match.start()}: {error}")
            continue
        seconds = as_number(match[2].decode())
        yield Mark(key, None if seconds is None else seconds * 1000.0, value, metadata)


def _translate(key: str, rest: bytes) -> tuple[Any, dict[str, Any]]:
    """Value and metadata in the later grammars' form."""
    if not rest.startswith(b"{"):
        return rest.decode("utf-8", "replace").strip('"'), {}
    fields = decode_object(rest)
    if key == "run_stop":
        success = fields.get("success")
        status = {} if success is None else {"status": "success" if success in _TRUE else "aborted"}
        return None, status
    return fields.get("value"), {name: item for name, item in fields.items() if name != "value"}
