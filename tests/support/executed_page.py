"""Pages whose commands are executed: their files, their commands, and what these printed."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

PROMPT = "$ mlperf-stats "
_FILE = re.compile(r"^```toml\n# (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_CONSOLE = re.compile(rf"^```console\n{re.escape(PROMPT)}(.*?)^```$", re.MULTILINE | re.DOTALL)


def write_files(page: str, folder: Path) -> None:
    """Write the TOML files that the page shows, each under the name in its first line."""
    for name, content in _FILE.findall(page):
        (folder / name).write_text(content, encoding="utf-8")


def executed(page: str, printed_by: Callable[[str], str]) -> str:
    """The page with the output of each command below it; commands are called in their order."""

    def block(match: re.Match[str]) -> str:
        commands = [
            line.removeprefix(PROMPT) for line in (PROMPT + match[1]).splitlines() if line.startswith(PROMPT)
        ]
        shown = "".join(f"{PROMPT}{command}\n{printed_by(command)}" for command in commands)
        return f"```console\n{shown}```"

    return _CONSOLE.sub(block, page)
