"""Names out of other people's logs: made harmless, and cut to a width without becoming ambiguous."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

SHORTEST_NAME = 4
FEWEST_PARTS = 3
"""Of an id whose system can be cut: round, system, benchmark."""


def clean(text: str) -> str:
    """``text`` with everything that could steer a terminal or break a line made visible.

    Names in logs may hold newlines, escape sequences or marks that reverse the writing direction;
    each such character is shown as its escape, ``\\x1b`` or ``\\u202e``.
    """
    if text.isprintable():
        return text
    return "".join(character if _is_harmless(character) else _escaped(character) for character in text)


def _is_harmless(character: str) -> bool:
    return character.isprintable() or unicodedata.category(character) == "Zs"


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def shorten_id(result_id: str, width: int) -> str:
    """``result_id`` in at most ``width`` characters: submitter and system are cut in the middle.

    A cut is an ellipsis, which ``show`` reads as a wildcard; parts keep at least four characters.
    """
    parts = result_id.split("/")
    names = parts[1:-1]
    kept = [len(name) for name in names]
    excess = len(result_id) - width
    while excess > 0 and max(kept, default=0) > SHORTEST_NAME:
        kept[kept.index(max(kept))] -= 1
        excess -= 1
    return "/".join([*parts[:1], *map(cut_middle, names, kept), *parts[1:][-1:]])


def shorten_ids(result_ids: Iterable[str], width: int) -> dict[str, str]:
    """A label for each id that names it alone among them; an id without one stays whole.

    Read as globs, with the ellipses as wildcards, labels fit no other of the ids.
    """
    ids = set(result_ids)
    rivals: dict[tuple[str, str], list[str]] = {}
    for name in ids:
        rivals.setdefault(_ends(name), []).append(name)
    return {
        name: next((label for label in _labels(name, width) if _names_one(label, rivals[_ends(name)])), name)
        for name in ids
    }


def _ends(result_id: str) -> tuple[str, str]:
    """Round and benchmark, which labels keep whole."""
    return result_id.partition("/")[0], result_id.rpartition("/")[2]


def _names_one(label: str, ids: Sequence[str]) -> bool:
    if "…" not in label:
        return True
    pattern = re.compile(".*".join(map(re.escape, label.split("…"))))
    return sum(pattern.fullmatch(name) is not None for name in ids) == 1


def _labels(result_id: str, width: int) -> Iterator[str]:
    """Ways to shorten an id to ``width``, the best to read first: the cut wanders through the system."""
    label = shorten_id(result_id, width)
    yield label
    full, parts = result_id.split("/"), label.split("/")
    if len(full) < FEWEST_PARTS or "…" not in parts[-2]:
        return
    system, kept = full[-2], len(parts[-2])
    texts = [
        f"{system[:head]}…{system[len(system) - (kept - 1 - head) :]}"
        for head in sorted(range(kept), key=lambda head: abs(head - kept // 2))
    ]
    texts += [f"…{system[start : start + kept - 2]}…" for start in range(1, len(system) - kept + 2)]
    yield from ("/".join([*parts[:-2], text, parts[-1]]) for text in texts)


def cut_middle(text: str, width: int) -> str:
    """``text`` in at most ``width`` characters, an ellipsis for what is left out."""
    if len(text) <= width:
        return text
    head = width // 2
    return f"{text[:head]}…{text[len(text) - (width - 1 - head) :]}"
