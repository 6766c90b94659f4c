"""Pages about scale, profiles and history: commands and Python run, the table is what is printed."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

PAGES = ("docs/scale.md", "docs/profile-and-history.md")
Invoke = Callable[..., Result]


def blocks(repository: Path, page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", (repository / page).read_text("utf-8"), re.M | re.S)


@pytest.mark.parametrize("page", PAGES)
def test_commands_run(repository: Path, invoke: Invoke, page: str) -> None:
    lines = [line for block in blocks(repository, page, "") for line in block.splitlines()]
    assert len(lines) >= 7
    for line in lines:
        command = re.split(r" {3,}", line)[0]
        result = invoke(*shlex.split(command)[1:])
        assert result.exit_code == 0, (command, result.output)


@pytest.mark.parametrize("page", PAGES)
def test_python_runs(repository: Path, page: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    (block,) = blocks(repository, page, "python")
    exec(compile(block, page, "exec"), {})


def test_the_table_of_laws_is_what_the_command_prints(repository: Path, invoke: Invoke) -> None:
    text = (repository / "docs/scale.md").read_text("utf-8")
    ((command, table),) = re.findall(r"^`mlperf-stats (scale .*?)`:\n\n((?:\|.*\n)+)", text, re.M)
    printed = invoke(*shlex.split(command)).stdout
    assert "".join(f"{line}\n" for line in printed.splitlines() if line.startswith("|")) == table
