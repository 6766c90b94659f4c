"""Everything that is printed goes through here: clean text, tables that fit, plain when piped."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any, Literal, Protocol

GAP = "  "
SHORTEST_ID = 24
SHORTEST_NAME = 4
SHORTEST_WORD = 10


class CellText(Protocol):
    """Turns a row into the text of one cell."""

    def __call__(self, row: Mapping[str, Any], /) -> str: ...


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table for reading: its header, its text, and how it gives way to width."""

    header: str
    text: CellText
    justify: Literal["left", "right"] = "left"
    wraps: bool = False
    """On a terminal the text may take several lines, broken at spaces."""
    is_id: bool = False
    """On a terminal the text is a result id that is shortened to the width that is left."""


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


def print_table(
    columns: Sequence[Column], rows: Sequence[Mapping[str, Any]], out: IO[str] | None = None
) -> None:
    """Print rows as text: ruled and folded to a terminal's width, plain and uncut where piped."""
    out = out or sys.stdout
    cells = [[clean(column.text(row)) for column in columns] for row in rows]
    if out.isatty():
        _print_on_terminal(columns, cells, out)
    else:
        out.writelines(f"{line}\n" for line in _plain_lines(columns, cells))


def print_lines(lines: Sequence[str], out: IO[str] | None = None) -> None:
    """Print cleaned lines of running text."""
    out = out or sys.stdout
    out.writelines(f"{clean(line)}\n" for line in lines)


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
    return "/".join([*parts[:1], *map(_cut_middle, names, kept), *parts[1:][-1:]])


def _cut_middle(text: str, width: int) -> str:
    if len(text) <= width:
        return text
    head = width // 2
    return f"{text[:head]}…{text[len(text) - (width - 1 - head) :]}"


def _plain_lines(columns: Sequence[Column], cells: Sequence[Sequence[str]]) -> list[str]:
    """Lines of an aligned table without colour, rules or cuts."""
    headers = [column.header for column in columns]
    widths = [max(map(_width, texts)) for texts in zip(headers, *cells, strict=True)]
    return [_plain_line(columns, widths, row) for row in (headers, *cells)]


def _plain_line(columns: Sequence[Column], widths: Sequence[int], row: Sequence[str]) -> str:
    padded = []
    for column, width, text in zip(columns, widths, row, strict=True):
        space = " " * (width - _width(text))
        padded.append(space + text if column.justify == "right" else text + space)
    return GAP.join(padded).rstrip()


def _width(text: str) -> int:
    """Terminal cells that ``text`` takes: East Asian wide characters two, combining marks none."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(character) else 1 + (unicodedata.east_asian_width(character) in "WF")
        for character in text
    )


def _print_on_terminal(columns: Sequence[Column], cells: list[list[str]], out: IO[str]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(file=out, highlight=False)
    widths = _fitted_widths(columns, cells, console.width)
    # A terminal that is too narrow breaks the lines itself, which hurts figures less than folding.
    console.width = max(console.width, sum(widths) + len(GAP) * (len(widths) - 1))
    # The ruled style puts one blank between columns, the padding the other.
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, len(GAP) - 1, 0, 0))
    for column, width in zip(columns, widths, strict=True):
        table.add_column(Text(column.header), justify=column.justify, overflow="fold", width=width)
    for row in cells:
        # Text objects: square brackets in names are no markup.
        texts = (
            shorten_id(text, width) if column.is_id else text
            for column, text, width in zip(columns, row, widths, strict=True)
        )
        table.add_row(*map(Text, texts))
    console.print(table)


def _fitted_widths(columns: Sequence[Column], cells: Sequence[Sequence[str]], width: int) -> list[int]:
    """Widths that fit ``width``: texts are wrapped at words, then ids shortened, then words broken."""
    headers = [column.header for column in columns]
    widths = [max(map(_width, texts)) for texts in zip(headers, *cells, strict=True)]
    wrapped = [
        max((_width(word) for row in cells for word in row[index].split()), default=0)
        for index in range(len(columns))
    ]
    excess = sum(widths) + len(GAP) * (len(widths) - 1) - width
    for shrinks, floors in (
        ([column.wraps for column in columns], wrapped),
        ([column.is_id for column in columns], [SHORTEST_ID] * len(columns)),
        ([column.wraps for column in columns], [SHORTEST_WORD] * len(columns)),
    ):
        for index in range(len(columns)):
            if shrinks[index] and excess > 0:
                floor = max(floors[index], _width(headers[index]))
                given = min(excess, max(widths[index] - floor, 0))
                widths[index] -= given
                excess -= given
    return widths
