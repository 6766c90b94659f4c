"""Text as Markdown that shows it and interprets nothing of it."""

from __future__ import annotations

from mlperf_stats.text.names import clean

_MARKED = "\\`*_[]|~$"
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def markdown(text: str) -> str:
    """``text`` on one line, with every character escaped that Markdown would take for markup."""
    cleaned = "".join(f"\\{character}" if character in _MARKED else character for character in clean(text))
    return "".join(_ENTITIES.get(character, character) for character in cleaned)
