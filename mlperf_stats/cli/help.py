"""Help in words of the command line: no names of Python's types, no inequalities."""

from __future__ import annotations

import re
from typing import Any

from typer.core import TyperCommand

_TYPE = re.compile(r" <[^<>]*>$")
_RANGES = (
    (re.compile(r"(\d+)<=x<=(\d+)"), r"\1 to \2"),
    (re.compile(r"x>=(\d+(?:\.\d+)?)"), r"\1 or more"),
    (re.compile(r"x<=(\d+(?:\.\d+)?)"), r"\1 or less"),
)


class PlainCommand(TyperCommand):
    """A command whose help names arguments without their types, and says ranges in words."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Arguments, then options."""
        sections: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": []}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is None:
                continue
            name, text = record
            for pattern, words in _RANGES:
                text = pattern.sub(words, text)
            if param.param_type_name == "argument":
                sections["Arguments"].append((_TYPE.sub("", name), text))
            else:
                sections["Options"].append((name, text))
        for title, records in sections.items():
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)
