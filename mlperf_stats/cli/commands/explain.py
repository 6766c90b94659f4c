"""``mlperf-stats explain``: the catalogue of warning and problem codes."""

from __future__ import annotations

import shutil
import textwrap
from dataclasses import asdict, fields
from typing import IO, Annotated

import typer

from mlperf_stats.cli.completion import complete_code
from mlperf_stats.cli.console import print_lines
from mlperf_stats.cli.layout import Column
from mlperf_stats.cli.options import OutputOptions
from mlperf_stats.cli.output import Format, emit_print, emit_rows
from mlperf_stats.explanations import Explanation, catalogue, explain

EXAMPLES = (
    ("mlperf-stats explain level-not-attained", "one code in full"),
    ("mlperf-stats explain", "all codes, a line each"),
    ("mlperf-stats explain --format json", "the whole catalogue for another program"),
)

WIDTH = 88


def command(
    output: OutputOptions,
    code: Annotated[
        str | None,
        typer.Argument(
            metavar="CODE",
            help="As in the column 'warnings'.",
            autocompletion=complete_code,
            show_default=False,
        ),
    ] = None,
) -> None:
    """What a warning means and what to do about it.

    Without CODE all codes are listed.
    """
    chosen = [explain(code)] if code else list(catalogue().values())
    if code and output.format is Format.TABLE:
        emit_print(output, lambda out: print_lines(_in_full(chosen[0], out), out))
        return
    emit_rows(
        output,
        [asdict(explanation) for explanation in chosen],
        columns=[field.name for field in fields(Explanation)],
        view=VIEW,
    )


VIEW = (
    Column("Code", lambda row: str(row["code"])),
    Column("About", lambda row: str(row["about"])),
    Column("In brief", lambda row: str(row["brief"]), wraps=True),
)


def _in_full(explanation: Explanation, out: IO[str]) -> list[str]:
    """Paragraphs that are pleasant to read, within a terminal's width."""
    width = min(WIDTH, shutil.get_terminal_size().columns) if out.isatty() else WIDTH
    paragraphs = (explanation.meaning, explanation.advice)
    wrapped = [line for text in paragraphs for line in ("", *textwrap.wrap(text, width))]
    return [f"{explanation.code} ({explanation.about}): {explanation.brief}", *wrapped]
