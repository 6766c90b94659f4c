"""The examples that stand below a command's help."""

from __future__ import annotations

from collections.abc import Sequence


def examples_text(examples: Sequence[tuple[str, str]]) -> str | None:
    """Examples as a block that the help formatter leaves as it is (marked by a backspace line)."""
    if not examples:
        return None
    lines = (f"  {line}\n      {purpose}" for line, purpose in examples)
    return "\b\nExamples:\n" + "\n".join(lines)
