"""Where results go and in which form: ``--format table|csv|json|md`` and ``-o FILE``.

CSV and JSON carry every column under its contract name with full precision; table and Markdown
carry a selection for reading.
"""

from __future__ import annotations

import io
import json
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO, Any

from mlperf_stats.cli.console import print_notes, print_table
from mlperf_stats.cli.layout import Column
from mlperf_stats.store.files import csv_lines, replaced_file
from mlperf_stats.text.markup import markdown


class Format(StrEnum):
    """Forms of output."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    MARKDOWN = "md"


@dataclass(frozen=True, slots=True)
class Output:
    """The form that was asked for and the file it goes to (None: standard output)."""

    format: Format = Format.TABLE
    path: Path | None = None


def emit_rows(
    output: Output,
    rows: Sequence[Mapping[str, Any]],
    *,
    columns: Sequence[str],
    view: Sequence[Column],
    notes: Sequence[str] = (),
) -> None:
    """Write ``rows``: CSV and JSON with ``columns``, table and Markdown with ``view`` and notes."""
    match output.format:
        case Format.CSV:
            emit_text(output, csv_text(rows, columns))
        case Format.JSON:
            emit_json(output, [{name: row.get(name) for name in columns} for row in rows])
        case Format.MARKDOWN:
            emit_text(output, markdown_table(view, rows) + _markdown_notes(notes))
        case Format.TABLE:
            emit_print(output, lambda out: _print_all(out, view, rows, notes))


def emit_json(output: Output, value: Any) -> None:
    """Write ``value`` as JSON; infinities become the strings ``Infinity`` and ``-Infinity``."""
    emit_text(output, json.dumps(_plain(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def emit_print(output: Output, print_to: Callable[[IO[str]], None]) -> None:
    """Let ``print_to`` print on standard output, or into the file as if piped."""
    if output.path is None:
        print_to(sys.stdout)
        return
    text = io.StringIO()
    print_to(text)
    emit_text(output, text.getvalue())


def emit_text(output: Output, text: str) -> None:
    """Write ``text`` to standard output or to the file, which appears complete or not at all."""
    if output.path is None:
        sys.stdout.write(text)
        return
    with replaced_file(output.path) as scratch:
        scratch.write_text(text, encoding="utf-8", newline="")


def csv_text(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """CSV with a header; floats at full precision, missing values empty, lists joined by ``;``."""
    return "".join(csv_lines([columns, *([row.get(name) for name in columns] for row in rows)]))


def markdown_table(view: Sequence[Column], rows: Sequence[Mapping[str, Any]]) -> str:
    """A pipe table; names are escaped so that they are shown and not interpreted."""
    lines = [
        [column.header for column in view],
        ["---:" if column.justify == "right" else "---" for column in view],
        *([markdown(column.text(row)) for column in view] for row in rows),
    ]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def markdown_section(title: str, facts: Sequence[str], table: str, notes: Sequence[str]) -> str:
    """A heading, facts as a list, a table of :func:`markdown_table`, and notes below."""
    bullets = "".join(f"- {markdown(' '.join(fact.split()))}\n" for fact in facts)
    return f"# {markdown(title)}\n\n{bullets}\n{table}{_markdown_notes(notes)}"


def _print_all(
    out: Any, view: Sequence[Column], rows: Sequence[Mapping[str, Any]], notes: Sequence[str]
) -> None:
    print_table(view, rows, out)
    if notes:
        print_notes(["", *notes], out)


def _markdown_notes(notes: Sequence[str]) -> str:
    return "".join(f"\n{markdown(note)}\n" for note in notes)


def _plain(value: Any) -> Any:
    """``value`` made of JSON's own types alone."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, float) and math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value
