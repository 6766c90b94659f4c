"""Everything that is printed goes through here: clean text, tables that fit, plain when piped."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import IO, Any

from mlperf_stats.cli.layout import GAP, Column, lay_out, text_width
from mlperf_stats.text.names import clean

PIPED_WIDTH = 100
"""Of notes under a table, where no terminal says how wide it is."""


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
    widths = [max(map(text_width, texts)) for texts in zip(headers, *cells, strict=True)]
    return [_plain_line(columns, widths, row) for row in (headers, *cells)]


def _plain_line(columns: Sequence[Column], widths: Sequence[int], row: Sequence[str]) -> str:
    padded = []
    for column, width, text in zip(columns, widths, row, strict=True):
        space = " " * (width - text_width(text))
        padded.append(space + text if column.justify == "right" else text + space)
    return GAP.join(padded).rstrip()


def _print_on_terminal(columns: Sequence[Column], cells: list[list[str]], out: IO[str]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(file=out, highlight=False)
    terminal = console.width
    layout = lay_out(columns, cells, terminal)
    # A terminal that is too narrow breaks the lines itself, which hurts figures less than folding.
    console.width = max(terminal, layout.width)
    # The ruled style puts one blank between columns, the padding the other; rows of several lines are set
    # apart by a blank one.
    table = Table(
        box=box.SIMPLE_HEAD,
        show_edge=False,
        show_lines=layout.is_stacked,
        pad_edge=False,
        padding=(0, len(GAP) - 1, 0, 0),
    )
    lines = max(map(len, layout.stacks))
    for stack, width in zip(layout.stacks, layout.widths, strict=True):
        # Rich sets headers on the bottom line: blank lines below put each on that of its cells.
        headers = [columns[index].header for index in stack] + [" "] * (lines - len(stack))
        justify = columns[stack[0]].justify
        table.add_column(Text("\n".join(headers)), justify=justify, overflow="fold", width=width)
    for row in layout.shortened(columns, cells):
        # Text objects: square brackets in names are no markup.
        table.add_row(
            *(Text("\n".join(row[index] for index in stack).rstrip("\n")) for stack in layout.stacks)
        )
    console.print(table)
    if layout.left_out:
        print_lines([f"Columns left out at {terminal} characters: {', '.join(layout.left_out)}."], out)
