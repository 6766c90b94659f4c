"""The tutorial: every command in it is executed, and prints what the page shows."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
from collections.abc import Callable
from pathlib import Path

from typer.testing import Result

PAGE = "docs/tutorial.md"
LEFT_OUT = "…"
PROMPT = "$ mlperf-stats "


def blocks(repository: Path, language: str) -> list[str]:
    text = (repository / PAGE).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def shows(expected: list[str], printed: list[str]) -> bool:
    """Whether ``printed`` is ``expected``, where an ellipsis stands for any number of lines."""
    pattern = "".join(
        "(?:.*\n)*" if line == LEFT_OUT else re.escape(line.rstrip()) + "\n" for line in expected
    )
    return re.fullmatch(pattern, "".join(f"{line.rstrip()}\n" for line in printed)) is not None


def test_commands_print_what_the_tutorial_shows(repository: Path, invoke: Callable[..., Result]) -> None:
    commands = [block for block in blocks(repository, "console") if block.startswith(PROMPT)]
    assert len(commands) == 7
    for block in commands:
        command, *expected = block.splitlines()
        result = invoke(*shlex.split(command.removeprefix(PROMPT)))
        printed = (result.stdout + result.stderr).splitlines()
        assert shows(expected, printed), f"{command}\n{result.output}"


def test_python_prints_what_the_tutorial_shows(repository: Path) -> None:
    (code,) = blocks(repository, "python")
    (expected,) = [block for block in blocks(repository, "console") if not block.startswith(PROMPT)]
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(code, PAGE, "exec"), {})
    assert shows(expected.splitlines(), out.getvalue().splitlines()), out.getvalue()


def test_an_ellipsis_stands_for_lines_and_nothing_else_does() -> None:
    assert shows(["a", LEFT_OUT, "d"], ["a", "b", "c", "d"])
    assert not shows(["a", "d"], ["a", "b", "d"])
    assert not shows(["a", LEFT_OUT, "x"], ["a", "b"])
