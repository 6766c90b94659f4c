"""What the README shows is what the commands print."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result


def shown_commands(text: str) -> list[tuple[str, str]]:
    """(command line, output) of every block that begins with a prompt."""
    return re.findall(r"^```\n\$ mlperf-stats (.*)\n((?:.*\n)*?)```$", text, re.MULTILINE)


def test_readme_shows_real_output(repository: Path, invoke: Callable[..., Result]) -> None:
    blocks = shown_commands((repository / "README.md").read_text(encoding="utf-8"))
    assert blocks
    for command, output in blocks:
        assert invoke(*shlex.split(command)).stdout == output


@pytest.mark.parametrize("page", ["README.md", "docs"])
def test_links_lead_somewhere(repository: Path, page: str) -> None:
    pages = [repository / page] if page.endswith(".md") else sorted((repository / page).rglob("*.md"))
    for path in pages:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", path.read_text(encoding="utf-8")):
            assert (path.parent / target).exists(), f"{path.name}: {target}"
