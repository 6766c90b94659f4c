"""A parameter that is an option group becomes the group's options."""

from __future__ import annotations

from typing import Annotated

import typer
from typer.testing import CliRunner

from mlperf_stats.cli.parameters import OptionGroup, expand_parameters


def build_pair(
    left: Annotated[int, typer.Option("--left")] = 1, right: Annotated[int, typer.Option("--right")] = 2
) -> tuple[int, int]:
    return left, right


Pair = Annotated[tuple[int, int], OptionGroup(build_pair)]


def command(pair: Pair, name: Annotated[str, typer.Argument()], loud: bool = False) -> None:
    """Greets."""
    print(f"{name} {pair} {loud}")


def run(*arguments: str) -> str:
    app = typer.Typer()
    app.command()(expand_parameters(command))
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    return result.output


def test_options_reach_the_builder_and_others_the_command() -> None:
    assert run("x", "--right", "5", "--loud") == "x (1, 5) True\n"


def test_help_lists_the_options_of_the_group() -> None:
    text = run("--help")
    assert "--left" in text
    assert "--right" in text
    assert "--pair" not in text
    assert "Greets." in text
