"""How the columns of a table give way to the width of a terminal.

First headers and texts are wrapped and ids cut, then columns leave in their order. Where those that stay
are still too wide, rows take several lines: columns go below others (``Column.under``), and those that left
come back as far as there is room.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from mlperf_stats.text.names import shorten_id, shorten_ids

GAP = "  "
SHORTEST_ID = 32
"""To which ids are cut before columns leave; several columns of ids side by side share it."""
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
    under: str = ""
    """Header of an earlier column: below its text this one goes where those that stay do not fit side by
    side."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Which columns are shown, where, and how wide."""

    stacks: list[list[int]]
    """Indices of columns; those of one stack stand one below the other."""
    widths: list[int]
    """Of each stack."""
    left_out: list[str]
    """Headers of the columns that left."""

    @property
    def width(self) -> int:
        """Of the table."""
        return _table_width(self.widths)

    @property
    def is_stacked(self) -> bool:
        """Whether rows take several lines."""
        return any(len(stack) > 1 for stack in self.stacks)

    def shortened(self, columns: Sequence[Column], cells: Sequence[Sequence[str]]) -> list[list[str]]:
        """The cells, with ids cut to the width of their stack."""
        rows = [[*row] for row in cells]
        for stack, width in zip(self.stacks, self.widths, strict=True):
            for index in (index for index in stack if columns[index].is_id):
                labels = _labels(columns[index], [row[index] for row in cells], width)
                for row in rows:
                    row[index] = labels[row[index]]
        return rows


def lay_out(columns: Sequence[Column], cells: Sequence[Sequence[str]], width: int) -> Layout:
    """The layout that fits ``width``, or else the narrowest that there is."""
    stacks, is_wide = _without_leaving(columns, cells, [[index] for index in range(len(columns))], width)
    if is_wide and any(column.under for column in columns):
        stacks, _ = _without_leaving(columns, cells, _stacked(columns), width)
    shown = {index for stack in stacks for index in stack}
    left_out = [column.header for index, column in enumerate(columns) if index not in shown]
    return Layout(stacks, _fitted_widths(columns, cells, stacks, width), left_out)


def text_width(text: str) -> int:
    """Terminal cells that ``text`` takes: East Asian wide characters two, combining marks none."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(character) else 1 + (unicodedata.east_asian_width(character) in "WF")
        for character in text
    )


def _stacked(columns: Sequence[Column]) -> list[list[int]]:
    """Every column below the one that it names, or by itself."""
    stacks: list[list[int]] = []
    hosts: dict[str, list[int]] = {}
    for index, column in enumerate(columns):
        if column.under in hosts:
            hosts[column.under].append(index)
        else:
            stacks.append([index])
            hosts[column.header] = stacks[-1]
    return stacks


def _without_leaving(
    columns: Sequence[Column], cells: Sequence[Sequence[str]], stacks: list[list[int]], width: int
) -> tuple[list[list[int]], bool]:
    """What of ``stacks`` stays when all columns give way, and whether that is still too wide.

    A column that makes nothing narrower by leaving stays.
    """
    floors = _floors(columns, cells, stacks)
    least = _table_width(_stack_widths(stacks, floors))
    for index in sorted(
        (i for i in range(len(columns)) if columns[i].leaves), key=lambda i: columns[i].leaves
    ):
        if least <= width:
            break
        fewer = [kept for stack in stacks if (kept := [i for i in stack if i != index])]
        if (narrower := _table_width(_stack_widths(fewer, floors))) < least:
            stacks, least = fewer, narrower
    return stacks, least > width


def _stack_widths(stacks: Sequence[Sequence[int]], widths: Sequence[int]) -> list[int]:
    return [max(widths[index] for index in stack) for stack in stacks]


def _table_width(widths: Sequence[int]) -> int:
    return sum(widths) + len(GAP) * (len(widths) - 1)


def _floors(
    columns: Sequence[Column], cells: Sequence[Sequence[str]], stacks: Sequence[Sequence[int]]
) -> list[int]:
    """The least width of each column: whole figures, short ids, unbroken words."""
    side_by_side = sum(any(columns[index].is_id for index in stack) for stack in stacks)
    return _least_widths(columns, cells, _headers(columns, stacks), SHORTEST_ID // max(side_by_side, 1))


def _headers(columns: Sequence[Column], stacks: Sequence[Sequence[int]]) -> list[int]:
    """The least width of each header: of its longest word, or of one line where lines tell columns apart."""
    is_stacked = any(len(stack) > 1 for stack in stacks)
    return [text_width(one.header) if is_stacked else _longest_word([one.header]) for one in columns]


def _least_widths(
    columns: Sequence[Column], cells: Sequence[Sequence[str]], headers: Sequence[int], shortest_id: int
) -> list[int]:
    widths = []
    for index, (column, header) in enumerate(zip(columns, headers, strict=True)):
        texts = [row[index] for row in cells]
        if column.wraps:
            least = min(_longest_word(texts), WHOLE_WORD)
        else:
            # An id that cannot be cut and told apart is folded, so that the others stay short.
            tail = "/" if column.names_system else ""
            shown = (shorten_id(text + tail, shortest_id).removesuffix(tail) for text in texts)
            least = max(map(text_width, shown if column.is_id else texts), default=0)
        widths.append(max(least, header))
    return widths


def _longest_word(texts: Sequence[str]) -> int:
    return max((text_width(word) for text in texts for word in text.split()), default=0)


def _fitted_widths(
    columns: Sequence[Column], cells: Sequence[Sequence[str]], stacks: list[list[int]], width: int
) -> list[int]:
    """Widths of the stacks that fit ``width``: headers and texts are wrapped at words, ids shortened, words
    broken, ids cut as far as they can be told apart."""
    headers = _headers(columns, stacks)
    by_column = [[row[index] for row in cells] for index in range(len(columns))]
    figures = [max(map(text_width, texts), default=0) for texts in by_column]
    least = [max(text_width(column.header), one) for column, one in zip(columns, figures, strict=True)]
    widths = _stack_widths(stacks, least)
    unbroken = [
        _longest_word(texts) if column.wraps else figure
        for column, texts, figure in zip(columns, by_column, figures, strict=True)
    ]
    floors = _floors(columns, cells, stacks)
    wraps, ids = [column.wraps for column in columns], [column.is_id for column in columns]
    for shrinks, narrower in (
        ([True] * len(columns), list(map(max, headers, unbroken))),
        (ids, floors),
        (wraps, floors),
        (ids, _least_widths(columns, cells, headers, shortest_id=0)),
    ):
        least = [new if gives else old for gives, new, old in zip(shrinks, narrower, least, strict=True)]
        _shrink(widths, _stack_widths(stacks, least), width)
    return widths


def _shrink(widths: list[int], floors: Sequence[int], room: int) -> None:
    """Narrow the widest column above its floor, again and again, until all fit ``room`` or none can."""
    while _table_width(widths) > room:
        wide = [index for index in range(len(widths)) if widths[index] > floors[index]]
        if not wide:
            return
        widths[max(wide, key=lambda index: widths[index])] -= 1


def _labels(column: Column, ids: Sequence[str], width: int) -> dict[str, str]:
    """Ids by themselves, in at most ``width`` characters as far as they can be cut."""
    # What comes after the last slash is never cut.
    tail = "/" if column.names_system else ""
    labels = shorten_ids([text + tail for text in ids], width + len(tail))
    return {text: labels[text + tail].removesuffix(tail) for text in ids}
