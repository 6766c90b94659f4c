"""Mistakes in the command line, told in one line: what, and what now."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import Any


def usage_line(error: Any) -> str:
    """The one line for a usage error of the parser, with close matches where a name is unknown."""
    message = str(error.format_message())
    if error.ctx is None:
        # Of the parser's errors only two know no command: an option without its value, and with one too many.
        remedy = "write it behind the option" if "requires" in message else "leave it out"
        return f"{_lowered(message).rstrip('.')}; {remedy}"
    path = error.ctx.command_path
    unknown = re.match(r"No such command '(.*?)'", message)
    if unknown:
        return unknown_command(path, unknown[1], list(error.ctx.command.commands))
    extra = re.match(r"Got unexpected extra argument.*? \((.*)\)", message)
    if extra:
        return f"{path} has no place for '{extra[1]}'; '{path} --help' says what it takes"
    if hasattr(error, "possibilities"):
        known = [name for param in error.ctx.command.params for name in param.opts if name.startswith("--")]
        said = f"{path} has no option {error.option_name}"
        close = get_close_matches(error.option_name, [*known, "--help"], n=3, cutoff=0.6)
        if close:
            return f"{said}; did you mean {' or '.join(close)}?"
    else:
        said = _lowered(_in_own_words(message)).rstrip(".").replace("Value error, ", "")
        if said.endswith("?"):
            return " ".join(said.split())
    return f"{' '.join(said.split())}; '{path} --help' says more"


def _lowered(message: str) -> str:
    return f"{message[:1].lower()}{message[1:]}"


def _in_own_words(message: str) -> str:
    """What the parser's checks of numbers say, in fewer words."""
    for pattern, words in _WORDS:
        message = re.sub(pattern, words, message)
    return message


_WORDS = (
    (r"Input should be greater than or equal to (\S+)", r"it must be \1 or more"),
    (r"Input should be less than or equal to (\S+)", r"it must be \1 or less"),
    (r"Input should be a valid integer.*", "it must be a whole number"),
    (r"Input should be a valid number.*", "it must be a number"),
)


def unknown_command(path: str, name: str, known: list[str]) -> str:
    """The one line for a command that there is not."""
    close = get_close_matches(name, known, n=3, cutoff=0.5)
    remedy = f"did you mean {' or '.join(close)}?" if close else f"'{path} --help' lists them"
    return f"there is no command {name!r}; {remedy}"
