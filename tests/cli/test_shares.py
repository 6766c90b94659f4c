"""Shares on the command line: how they are read, and what an error suggests for each option."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from typer.main import get_command

import mlperf_stats.cli.commands
from mlperf_stats.cli.app import LazyGroup, app
from mlperf_stats.cli.shares import share_parser


@pytest.mark.parametrize(("text", "share"), [("0.05", 0.05), ("5%", 0.05), (" 2.5 % ", 0.025), (0.95, 0.95)])
def test_a_fraction_or_a_percentage(text: str | float, share: float) -> None:
    assert share_parser(0.05)(text) == pytest.approx(share)


@pytest.mark.parametrize(
    ("like", "text", "says"),
    [
        # A sign of per cent that was left out, where that gives an ordinary value of the option.
        (0.02, "2", "'2' is 200%; did you mean 0.02 or 2%?"),
        (0.025, "2.5", "'2.5' is 250%; did you mean 0.025 or 2.5%?"),
        (0.95, "95", "'95' is 9500%; did you mean 0.95 or 95%?"),
        (0.95, "99.9", "'99.9' is 9990%; did you mean 0.999 or 99.9%?"),
        # No level is 2 %, no margin 95 %.
        (0.95, "2", "'2' is not above 0% and below 100%; write it like 0.95 or 95%"),
        (0.02, "95", "'95' is not above 0% and below 100%; write it like 0.02 or 2%"),
        (0.95, "100", "'100' is not above 0% and below 100%; write it like 0.95 or 95%"),
        (0.02, "200%", "'200%' is not above 0% and below 100%; write it like 0.02 or 2%"),
        (0.02, "-2", "'-2' is not above 0% and below 100%; write it like 0.02 or 2%"),
        (0.02, "inf", "'inf' is not above 0% and below 100%; write it like 0.02 or 2%"),
        (0.02, "", "'' is no share; write it like 0.02 or 2%"),
        (0.02, "two", "'two' is no share; write it like 0.02 or 2%"),
    ],
)
def test_an_error_says_what_was_probably_meant(like: float, text: str, says: str) -> None:
    with pytest.raises(typer.BadParameter) as caught:
        share_parser(like)(text)
    assert str(caught.value) == says


def _options() -> Iterator[Any]:
    """Every option of every command that is shown as a share or a level."""
    group = get_command(app)
    assert isinstance(group, LazyGroup)
    for module in pkgutil.iter_modules(mlperf_stats.cli.commands.__path__):
        importlib.import_module(f"mlperf_stats.cli.commands.{module.name}")
        context = typer.Context(group)
        _, command, _ = group.resolve_command(context, [module.name])
        for one in (command, *getattr(command, "commands", {}).values()):
            yield from (param for param in one.params if param.metavar in ("SHARE", "LEVEL", "POWER"))


def test_what_an_option_suggests_is_like_its_default() -> None:
    seen = set()
    for option in _options():
        with pytest.raises(typer.BadParameter, match="write it like") as caught:
            option.type_descriptor.parameter_info.parser("nonsense")
        suggested = float(str(caught.value).split("like ")[1].split()[0])
        seen.add(option.opts[0])
        if option.default is not None:
            assert suggested == pytest.approx(option.default, rel=0.2), option.opts
    assert seen >= {"--level", "--margin", "--assurance", "--half-width", "--failure-rate", "--power"}
