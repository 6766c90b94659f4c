"""What all log grammars are reduced to: a mark, and the tolerant decoding of its JSON.

Published logs hold lines that strict JSON refuses: NaN, Python dict representations, text after
the closing brace. They are read where that needs no guess; see :func:`decode_object`.
"""

from __future__ import annotations

import ast
import json
import warnings
from typing import Any

import msgspec

MAX_OBJECT_BYTES = 1 << 20
"""Longer JSON objects are not marks; the largest published one has 28 kB."""
_MAX_LITERAL_BYTES = 1 << 16
"""Longer Python literals are not read: compiling text takes a hundred times its size in memory."""

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


PROGRESS_KEYS = ("samples_count", "epoch_num", "step_num", "epoch", "iteration")
"""Metadata that tell how far training had come, most exact first."""


class Metadata(msgspec.Struct, gc=False, frozen=True):
    """What matters of a mark's metadata; all of it as logged, of any type."""

    samples_count: Any = None
    epoch_num: Any = None
    step_num: Any = None
    epoch: Any = None
    iteration: Any = None
    status: Any = None
    metric: Any = None


NO_METADATA = Metadata()


class Mark(msgspec.Struct, gc=False, frozen=True):
    """One line of a log; time and value as logged, of any type."""

    key: str = ""
    time_ms: Any = None
    value: Any = None
    metadata: Metadata = NO_METADATA


class UndecodableError(ValueError):
    """The bytes hold no object that can be read without guessing."""


REFUSALS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What the strict decoder raises for what is no JSON, no UTF-8, or nested too deep."""

_decode_mark = msgspec.json.Decoder(Mark).decode


def decode_mark(raw: bytes) -> Mark:
    """Decode the JSON object of a mark at the start of ``raw``, leniently where it must be.

    Raises:
        UndecodableError: as :func:`decode_object`.
    """
    try:
        if len(raw) <= MAX_OBJECT_BYTES:
            return _decode_mark(raw)
    except REFUSALS:
        pass
    fields = decode_object(raw)
    key = fields.get("key")
    return Mark(
        key if isinstance(key, str) else "",
        fields.get("time_ms"),
        fields.get("value"),
        metadata_of(fields.get("metadata")),
    )


def metadata_of(fields: Any) -> Metadata:
    """What matters of a decoded object."""
    if not isinstance(fields, dict):
        return NO_METADATA
    return Metadata(*map(fields.get, Metadata.__struct_fields__))


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
    except REFUSALS:
        decoded = _decode_leniently(raw.decode("utf-8", "replace").strip())
    if not isinstance(decoded, dict):
        raise UndecodableError("not an object")
    return decoded


def _decode_leniently(text: str) -> Any:
    try:
        return json.JSONDecoder(strict=False).raw_decode(text)[0]
    except (ValueError, RecursionError):
        pass
    return decode_literal(text.replace("null", "None"))


def decode_literal(text: str) -> Any:
    """The Python literal that ``text`` is.

    Raises:
        UndecodableError: it is none, or too long.
    """
    if len(text) <= _MAX_LITERAL_BYTES:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # the compiler's, about escapes in the logged text
                return ast.literal_eval(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
            pass
    raise UndecodableError("neither JSON nor a literal")


def as_number(value: Any) -> float | None:
    """The finite number that ``value`` is or spells, else None (booleans are no numbers)."""
    kind = type(value)
    if kind is not float:
        if kind is not int and kind is not str:
            return None
        try:
            value = float(value)
        except (ValueError, OverflowError):
            return None
    return value if -1e300 < value < 1e300 else None


def as_count(value: Any) -> int | None:
    """The whole number that ``value`` is or spells, if a database can hold it, else None."""
    number = as_number(value)
    return int(number) if number is not None and number == int(number) and abs(number) < 2**63 else None


def short_text(value: Any, limit: int = 200) -> str:
    """Text of a logged value that any database and terminal can take: cut, and valid Unicode."""
    if value is None:
        return ""
    try:
        text = str(value)[:limit]
    except (ValueError, RecursionError):  # integers of thousands of digits; objects nested as deep
        return f"({type(value).__name__})"
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()
