"""Tables in the documentation that a command prints are what it prints."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path

from typer.testing import Result

PAGE = "docs/validation/is-2.5-percent-true.md"


def test_variance_tables_are_what_the_command_prints(repository: Path, invoke: Callable[..., Result]) -> None:
    text = (repository / PAGE).read_text(encoding="utf-8")
    blocks = re.findall(r"^`mlperf-stats (variance.*?)`.*:\n\n((?:\|.*\n)+)", text, re.MULTILINE)
    assert [command for command, _ in blocks] == [
        "variance --format md",
        "variance --per-round --format md",
    ]
    for command, table in blocks:
        printed = invoke(*shlex.split(command)).stdout
        assert "".join(f"{line}\n" for line in printed.splitlines() if line.startswith("|")) == table
