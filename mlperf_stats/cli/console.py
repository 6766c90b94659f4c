"""Everything that is printed goes through here: clean text, tables that fit, plain when piped."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any, Literal, Protocol

from mlperf_stats.text.names import clean, shorten_id, shorten_ids

GAP = "  "
PIPED_WIDTH = 100
"""Of notes under a table, where no terminal says how wide it is."""
SHORTEST_ID = 32
"""To which ids are cut before columns leave; several columns of ids share it."""
WHOLE_WORD = 25
"""Words up to this length are never broken; no code that a cell of warnings holds is longer."""


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
    names_system: bool = False
    """With ``is_id``: the ids lack the benchmark, so that the last part, the system, may be cut as well."""
    leaves: int = 0
    """Place in the order in which columns leave a terminal that is too narrow; 0 stays."""


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
    cleaned: Iterable[str] = map(clean, lines)
    if out.isatty():
        width = shutil.get_terminal_size().columns
        cleaned = (part for line in cleaned for part in _wrapped(line, width))
    out.writelines(f"{line}\n" for line in cleaned)


def print_notes(notes: Sequence[str], out: IO[str] | None = None) -> None:
    """Print cleaned notes with a hanging indent, as wide as the terminal; piped as ``COLUMNS``, or 100."""
    out = out or sys.stdout
    width = shutil.get_terminal_size().columns if out.isatty() else _piped_width()
    out.writelines(f"{part}\n" for note in notes for part in _wrapped(clean(note), width))


def _piped_width() -> int:
    asked = os.environ.get("COLUMNS", "")
    return int(asked) if asked.isdecimal() and int(asked) > 0 else PIPED_WIDTH


def _wrapped(line: str, width: int) -> list[str]:
    """``line`` broken at spaces, continued two deeper than it starts; longer words are left whole."""
    indent = " " * (len(line) - len(line.lstrip()) + 2)
    return textwrap.wrap(
        line, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    ) or [""]


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
    columns, cells, left_out = _without_leaving(columns, cells, console.width)
    widths = _fitted_widths(columns, cells, console.width)
    # A terminal that is too narrow breaks the lines itself, which hurts figures less than folding.
    console.width = max(console.width, sum(widths) + len(GAP) * (len(widths) - 1))
    # The ruled style puts one blank between columns, the padding the other.
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, len(GAP) - 1, 0, 0))
    for column, width in zip(columns, widths, strict=True):
        table.add_column(Text(column.header), justify=column.justify, overflow="fold", width=width)
    for index, column in enumerate(columns):
        if column.is_id:
            labels = _labels(column, [row[index] for row in cells], widths[index])
            for row in cells:
                row[index] = labels[row[index]]
    for row in cells:
        # Text objects: square brackets in names are no markup.
        table.add_row(*map(Text, row))
    console.print(table)
    if left_out:
        print_lines([f"Columns left out at {console.width} characters: {', '.join(left_out)}."], out)


def _labels(column: Column, ids: Sequence[str], width: int) -> dict[str, str]:
    """Ids by themselves, in at most ``width`` characters as far as they can be cut."""
    # What comes after the last slash is never cut.
    tail = "/" if column.names_system else ""
    labels = shorten_ids([text + tail for text in ids], width + len(tail))
    return {text: labels[text + tail].removesuffix(tail) for text in ids}


def _without_leaving(
    columns: Sequence[Column], cells: list[list[str]], width: int
) -> tuple[list[Column], list[list[str]], list[str]]:
    """Columns and cells that fit ``width`` when all give way, and the headers of those that left."""
    kept = list(range(len(columns)))
    floors = _floors(columns, cells)
    for index in sorted((i for i in kept if columns[i].leaves), key=lambda i: columns[i].leaves):
        if sum(floors[i] for i in kept) + len(GAP) * (len(kept) - 1) <= width:
            break
        kept.remove(index)
    left_out = [column.header for index, column in enumerate(columns) if index not in kept]
    return [columns[i] for i in kept], [[row[i] for i in kept] for row in cells], left_out


def _floors(
    columns: Sequence[Column], cells: Sequence[Sequence[str]], shortest_id: int = SHORTEST_ID
) -> list[int]:
    """The least width of each column: whole figures, short ids, unbroken words."""
    floors = []
    shortest = shortest_id // max(sum(column.is_id for column in columns), 1)
    for index, column in enumerate(columns):
        texts = [row[index] for row in cells]
        if column.wraps:
            words = max((_width(word) for text in texts for word in text.split()), default=0)
            least = min(words, WHOLE_WORD)
        else:
            # An id that cannot be cut and told apart is folded, so that the others stay short.
            tail = "/" if column.names_system else ""
            shown = (shorten_id(text + tail, shortest).removesuffix(tail) for text in texts)
            least = max(map(_width, shown if column.is_id else texts), default=0)
        floors.append(max(least, _width(column.header)))
    return floors


def _fitted_widths(columns: Sequence[Column], cells: Sequence[Sequence[str]], width: int) -> list[int]:
    """Widths that fit ``width``: texts are wrapped at words, ids shortened, words broken, ids cut as
    far as they can be told apart."""
    headers = [column.header for column in columns]
    widths = [max(map(_width, texts)) for texts in zip(headers, *cells, strict=True)]
    wrapped = [
        max((_width(word) for row in cells for word in row[index].split()), default=0)
        for index in range(len(columns))
    ]
    floors, ids = _floors(columns, cells), [column.is_id for column in columns]
    for shrinks, leasts in (
        ([column.wraps for column in columns], wrapped),
        (ids, floors),
        ([column.wraps for column in columns], floors),
        (ids, _floors(columns, cells, shortest_id=0)),
    ):
        least = [max(floor, _width(header)) for floor, header in zip(leasts, headers, strict=True)]
        _shrink(widths, least, shrinks, width - len(GAP) * (len(widths) - 1))
    return widths


def _shrink(widths: list[int], floors: Sequence[int], shrinks: Sequence[bool], room: int) -> None:
    """Narrow the widest of the columns that shrink, again and again, until all fit ``room`` or none can."""
    while sum(widths) > room:
        wide = [i for i in range(len(widths)) if shrinks[i] and widths[i] > floors[i]]
        if not wide:
            return
        widths[max(wide, key=lambda index: widths[index])] -= 1
