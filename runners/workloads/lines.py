"""Lines of a text file, as the corpora count them."""

from __future__ import annotations

from pathlib import Path


def read_lines(path: Path) -> list[str]:
    """Lines that end in "\\n" or "\\r\\n", without these; nothing else ends one.

    ``str.splitlines`` also cuts at U+2028, U+0085 and others, which stand inside sentences from the web.

    Raises:
        UnicodeDecodeError: it is not UTF-8.
    """
    lines = path.read_bytes().decode("utf-8").split("\n")
    if not lines[-1]:
        lines.pop()
    return [line.removesuffix("\r") for line in lines]
