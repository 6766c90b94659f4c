"""What DeepSpeech2 writes with: a blank, the apostrophe, 26 letters and the space."""

from __future__ import annotations

from collections.abc import Iterable

BLANK = 0
WRITTEN = "'ABCDEFGHIJKLMNOPQRSTUVWXYZ "
SYMBOLS = 1 + len(WRITTEN)

_NUMBERS = {symbol: number for number, symbol in enumerate(WRITTEN, 1)}


def encode(words: str) -> tuple[int, ...]:
    """Numbers of the symbols; empty if there is one that is not written with."""
    numbers = tuple(_NUMBERS.get(symbol, BLANK) for symbol in words)
    return () if BLANK in numbers else numbers


def decode(numbers: Iterable[int]) -> str:
    """The words, with one space between them."""
    return " ".join("".join(WRITTEN[number - 1] for number in numbers).split())
