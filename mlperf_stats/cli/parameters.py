"""Option groups: one parameter of a command that stands for several options on the command line.

A command asks for ``filters: FilterOptions``, an alias of ``Annotated[Filters, OptionGroup(build)]``;
``build`` is an ordinary Typer function whose parameters are the options (``--round``, ``--division``,
…) and whose return value is what the command receives. Typer itself has no such thing.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, get_args


@dataclass(frozen=True, slots=True)
class OptionGroup:
    """Marks an annotation whose value is built from the options that ``build`` declares.

    The options name their flags (``typer.Option("--left")``): parameter names are not shown.
    """

    build: Callable[..., Any]


def expand_parameters(command: Callable[..., Any]) -> Callable[..., Any]:
    """``command`` with every parameter that is an option group replaced by the group's options."""
    outer: list[inspect.Parameter] = []
    groups: dict[str, tuple[Callable[..., Any], dict[str, str]]] = {}
    for parameter in inspect.signature(command, eval_str=True).parameters.values():
        group = next((mark for mark in get_args(parameter.annotation) if isinstance(mark, OptionGroup)), None)
        if group is None:
            outer.append(parameter)
            continue
        options = inspect.signature(group.build, eval_str=True).parameters.values()
        # Two groups may both have a 'path': outside, each goes by the name of its group as well.
        names = {option.name: f"{parameter.name}_{option.name}" for option in options}
        groups[parameter.name] = group.build, names
        outer.extend(option.replace(name=names[option.name]) for option in options)

    @functools.wraps(command)
    def expanded(**values: Any) -> Any:
        for name, (build, names) in groups.items():
            values[name] = build(**{inner: values.pop(outer_name) for inner, outer_name in names.items()})
        return command(**values)

    keyword_only = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in outer]
    expanded.__signature__ = inspect.Signature(keyword_only)  # type: ignore[attr-defined]
    expanded.__annotations__ = {parameter.name: parameter.annotation for parameter in outer}
    return expanded
