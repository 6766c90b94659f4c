"""What all log grammars are reduced to: a mark, and the tolerant decoding of its JSON.

Published logs hold lines that strict JSON refuses: NaN, Python dict representations, text after
the closing brace. :func:`decode_object` reads what can be read without guessing.
"""

from __future__ import annotations

import ast
import json
from typing import Any, NamedTuple

import msgspec

MAX_OBJECT_BYTES = 1 << 20
"""Longer JSON objects are not marks; the largest published one has 28 kB."""

KEYS = (
    "run_start",
    "run_stop",
    "eval_accuracy",
    "global_batch_size",
    "seed",
    "train_samples",
    "submission_benchmark",
    "submission_division",
)
"""Keys of the marks that make up a run, in the vocabulary of the current grammar."""


class Mark(NamedTuple):
    """One line of a log: a key with its value, time and metadata."""

    key: str
    time_ms: float | None
    value: Any
    metadata: dict[str, Any]


class UndecodableError(ValueError):
    """The bytes hold no object that can be read without guessing."""


def decode_object(raw: bytes) -> dict[str, Any]:
    """Decode the JSON object at the start of ``raw``.

    Strict JSON first, then JSON with NaN and Infinity and with text after the object, then a
    Python literal.

    Raises:
        UndecodableError: nothing of these applies, or the object is too large.
    """
    if len(raw) > MAX_OBJECT_BYTES:
        raw = raw[:MAX_OBJECT_BYTES]
    try:
        decoded = msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        decoded = _decode_leniently(raw.decode("utf-8", "replace").strip())
    if not isinstance(decoded, dict):
        raise UndecodableError("not an object")
    return decoded


def _decode_leniently(text: str) -> Any:
    try:
        return json.JSONDecoder(strict=False).raw_decode(text)[0]
    except (ValueError, RecursionError):
        pass
    try:
        return ast.literal_eval(text.replace("null", "None"))
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        raise UndecodableError("neither JSON nor a literal") from None


def as_number(value: Any) -> float | None:
    """The finite number that ``value`` is or spells, else None (booleans are no numbers)."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if -1e300 < number < 1e300 else None


def as_count(value: Any) -> int | None:
    """The whole number that ``value`` is or spells, if a database can hold it, else None."""
    number = as_number(value)
    return int(number) if number is not None and number == int(number) and abs(number) < 2**63 else None


def line_end(data: bytes, position: int) -> int:
    """Position of the line break (LF, CR or CRLF) at or after ``position``, else the end."""
    newline = data.find(b"\n", position)
    if newline < 0:
        newline = len(data)
    carriage = data.find(b"\r", position, newline)
    return newline if carriage < 0 else carriage


def line_start(data: bytes, position: int) -> int:
    """Position after the last line break (LF or CR) before ``position``."""
    newline = data.rfind(b"\n", 0, position) + 1
    return max(newline, data.rfind(b"\r", newline, position) + 1)
