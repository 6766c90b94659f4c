"""Games of professionals in SGF files, for the share of their moves that the network foresees.

Source of the format: Smart Game Format FF[4], red-bean.com/sgf.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from mlperf_runners.errors import DatasetMissingError
from mlperf_runners.workloads.minigo.board import BLACK, WHITE, Position, Rules

_TOKEN = re.compile(r"[();]|([A-Za-z]+)((?:\s*\[(?:\\.|[^\]\\])*\])+)", re.DOTALL)
_VALUE = re.compile(r"\[((?:\\.|[^\]\\])*)\]", re.DOTALL)
_COLOURS = {"B": BLACK, "W": WHITE}
_SETUP = {"AB", "AW", "AE"}

Foreseen = tuple[Position, int]
"""A position and the move that was played in it."""


def read_games(folder: Path, rules: Rules) -> list[Foreseen]:
    """Every move of the main lines of the games on a board of this size, in the files' order of name.

    Games with stones set up before the first move are left out.

    Raises:
        DatasetMissingError: a file is no SGF, has an impossible move, or no game has this size.
    """
    found: list[Foreseen] = []
    for path in sorted(folder.glob("*.sgf")):
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
        except OSError as error:
            raise DatasetMissingError(f"{path}: cannot be read ({error.strerror})") from error
        try:
            found.extend(_moves(text, rules))
        except ValueError as error:
            raise DatasetMissingError(f"{path}: {error}; repair or remove it") from error
    if not found:
        raise DatasetMissingError(
            f"{folder}: no game on a {rules.size} × {rules.size} board; the files must say SZ[{rules.size}]"
        )
    return found


def _moves(text: str, rules: Rules) -> list[Foreseen]:
    nodes = list(_main_line(text))
    size = next((values[0] for node in nodes for name, values in node if name == "SZ"), "19")
    if size.strip() != str(rules.size) or any(name in _SETUP for node in nodes for name, _ in node):
        return []
    position = rules.start()
    found: list[Foreseen] = []
    for name, values in (item for node in nodes for item in node if item[0] in _COLOURS):
        number = len(found) + 1
        move = _move(values[0].strip(), rules.size)
        if position.is_over or position.to_move != _COLOURS[name] or move not in position.legal_moves():
            raise ValueError(f"move {number}, {name}[{values[0]}], is not possible there")
        found.append((position, move))
        position = position.after(move)
    return found


def _main_line(text: str) -> Iterator[list[tuple[str, list[str]]]]:
    """The nodes up to the end of the first variation: its properties with their values."""
    node: list[tuple[str, list[str]]] | None = None
    opened = False
    for token in _TOKEN.finditer(text):
        mark = token[0][0]
        if mark == "(":
            opened = True
        elif mark == ")":
            break
        elif mark == ";" and opened:
            if node is not None:
                yield node
            node = []
        elif node is not None:
            node.append((token[1], _VALUE.findall(token[2])))
    if node is None:
        raise ValueError("is no game in SGF")
    yield node


def _move(value: str, size: int) -> int:
    """The number of a move like ``dc``: column and row from the upper left; empty is a pass."""
    if value in ("", "tt"):
        return size * size
    column, row = (ord(letter) - ord("a") for letter in value) if len(value) == 2 else (-1, -1)
    if not (0 <= column < size and 0 <= row < size):
        raise ValueError(f"{value!r} is no point of a {size} × {size} board")
    return (size - 1 - row) * size + column
