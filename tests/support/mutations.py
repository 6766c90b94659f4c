"""Damaged text, as it is found in the wild and worse: bytes cut, swapped, doubled, interleaved."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

_SPOILERS = (
    b"\xff\xfe",
    b"\xc3",
    b"\x00",
    b"\xed\xa0\x80",
    b"\x1b[2J",
    b"\r",
    b"\r\n",
    b"\n",
    b"\t",
    b"{",
    b"}",
    b"[",
    b"]",
    b'"',
    b"'",
    b"\\",
    b"\\ud800",
    b":",
    b",",
    b"null",
    b"None",
    b"true",
    b"NaN",
    b"Infinity",
    b"-",
    b"1e999",
    b"-0",
    b"9" * 40,
    b"9" * 5000,
    b"0.1e-400",
    b"[" * 300,
    b'{"a":' * 300,
    b":::MLLOG ",
    b":::MLL ",
    b":::MLPv0.5.0 ",
    b'"key": "run_stop"',
    b'"key": "eval_accuracy"',
    b'"key": {}',
    b'"time_ms": "',
    b'"metadata": 3,',
    b" " * 70,
)


def _cut(rng: random.Random, data: bytes) -> bytes:
    start, end = sorted((rng.randrange(len(data) + 1), rng.randrange(len(data) + 1)))
    return data[:start] + data[end:]


def _truncated(rng: random.Random, data: bytes) -> bytes:
    return data[: rng.randrange(len(data) + 1)]


def _doubled(rng: random.Random, data: bytes) -> bytes:
    start = rng.randrange(len(data) + 1)
    end = min(len(data), start + rng.randrange(1, 200))
    return data[:end] + data[start:]


def _swapped(rng: random.Random, data: bytes) -> bytes:
    a, b, c, d = sorted(rng.randrange(len(data) + 1) for _ in range(4))
    return data[:a] + data[c:d] + data[b:c] + data[a:b] + data[d:]


def _flipped(rng: random.Random, data: bytes) -> bytes:
    damaged = bytearray(data)
    for _ in range(rng.randrange(1, 8)):
        damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
    return bytes(damaged)


def _spoiled(rng: random.Random, data: bytes) -> bytes:
    at = rng.randrange(len(data) + 1)
    end = min(len(data), at + rng.choice((0, 0, 1, 4, 12)))
    return data[:at] + rng.choice(_SPOILERS) + data[end:]


def _interleaved(rng: random.Random, data: bytes) -> bytes:
    """Two writers share a file: pieces of the second half between pieces of the first."""
    middle = len(data) // 2
    left, right = data[:middle], data[middle:]
    pieces = []
    while left or right:
        size = rng.randrange(1, 80)
        pieces.append(left[:size])
        pieces.append(right[:size])
        left, right = left[size:], right[size:]
    return b"".join(pieces)


_DAMAGES: tuple[Callable[[random.Random, bytes], bytes], ...] = (
    _cut,
    _truncated,
    _doubled,
    _swapped,
    _flipped,
    _spoiled,
    _spoiled,
    _spoiled,
    _interleaved,
)


def damaged(rng: random.Random, sources: Sequence[bytes]) -> bytes:
    """Some of ``sources`` joined, then damaged one to four times."""
    data = b"\n".join(rng.choices(sources, k=rng.randrange(1, 4))) or b"\n"
    for _ in range(rng.randrange(1, 5)):
        data = rng.choice(_DAMAGES)(rng, data) or b"\n"
    return data
