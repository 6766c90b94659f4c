"""The Typer application. Commands are imported when they are called, not when they are listed."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer._click.exceptions import NoArgsIsHelpError, UsageError
from typer.core import TyperCommand, TyperGroup

from mlperf_stats import __version__
from mlperf_stats.cli.examples import examples_text
from mlperf_stats.cli.help import PlainCommand
from mlperf_stats.cli.parameters import expand_parameters
from mlperf_stats.cli.registry import COMMANDS, COMPANIONS, ENTRY_POINT_GROUP, CommandEntry, Companion
from mlperf_stats.cli.usage import unknown_command, usage_line
from mlperf_stats.errors import InputError, MlperfStatsError
from mlperf_stats.text.names import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

USAGE_ERROR = 2
BROKEN_PIPE = 128 + 13
"""What a shell reports for a program that a closed pipe ended."""

EPILOG = (
    "Every command has --help with examples. MLPerf is a trademark of MLCommons; this project is independent "
    "of it, and figures that MLCommons does not publish are unofficial."
)


class LazyGroup(TyperGroup):
    """The root group: placeholders are listed, the command that is called is loaded in their place."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self._sections: dict[str, list[str]] = {}
        companions = (companion for companion in COMPANIONS if find_spec(companion.package))
        listed: list[CommandEntry | Companion] = [*COMMANDS, *companions]
        for entry in listed:
            self.add_command(TyperCommand(name=entry.name, help=entry.brief, rich_markup_mode=None))
            self._sections.setdefault(entry.section, []).append(entry.name)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Replace the placeholder of the command that is called (Typer looks it up afterwards)."""
        name = args[0]
        if any(entry.name == name for entry in COMMANDS):
            module = import_module(f"mlperf_stats.cli.commands.{name}")
            self.add_command(_built(name, module.command, module.EXAMPLES))
        elif not name.startswith("-"):
            plugin = _plugin(name)
            if plugin is not None:
                self.add_command(plugin)
            elif name not in self.commands:
                raise InputError(unknown_command(ctx.command_path, name, list(self.commands)))
        return super().resolve_command(ctx, args)

    def main(self, *arguments: Any, **options: Any) -> Any:
        """Parse and run; a mistake in the arguments is one line on stderr and exit code 2."""
        standalone = options.get("standalone_mode", True)
        options["standalone_mode"] = False
        if not standalone:
            return super().main(*arguments, **options)
        try:
            code = super().main(*arguments, **options)
        except NoArgsIsHelpError as error:
            error.show()
            sys.exit(USAGE_ERROR)
        except UsageError as error:
            print(f"mlperf-stats: {clean(usage_line(error))}", file=sys.stderr)
            sys.exit(USAGE_ERROR)
        sys.exit(code if isinstance(code, int) else 0)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """One section per question, in the registry's order."""
        width = max(map(len, self.commands))
        for section, names in self._sections.items():
            with formatter.section(section):
                briefs = (self.commands[name].get_short_help_str(limit=120) for name in names)
                formatter.write_dl(
                    [(name.ljust(width), brief) for name, brief in zip(names, briefs, strict=True)]
                )

    def invoke(self, ctx: Any) -> Any:
        """Run the command; errors meant for the user become one line on stderr and exit code 2."""
        try:
            value = super().invoke(ctx)
            sys.stdout.flush()
            return value
        except BrokenPipeError:
            # The reader is gone; without a valid stdout the interpreter would complain at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(BROKEN_PIPE) from None
        except MlperfStatsError as error:
            message = str(error)
        except OSError as error:
            message = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        print(f"mlperf-stats: {clean(message)}", file=sys.stderr)
        raise typer.Exit(USAGE_ERROR)


def _built(
    name: str, command: Callable[..., Any] | typer.Typer, examples: Sequence[tuple[str, str]] = ()
) -> Any:
    """The Typer command of a function, or of an application of its own with subcommands."""
    if isinstance(command, typer.Typer):
        built = typer.main.get_command(command)
        built.name = name
        return built
    holder = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    holder.command(name, cls=PlainCommand, epilog=examples_text(examples))(expand_parameters(command))
    return typer.main.get_command(holder)


def _plugin(name: str) -> Any:
    """A command of the entry-point group, or None if no installed package brings one of that name."""
    from importlib.metadata import entry_points

    for entry_point in entry_points(group=ENTRY_POINT_GROUP, name=name):
        try:
            command = entry_point.load()
        except ModuleNotFoundError as error:
            extras = [companion.extra for companion in COMPANIONS if companion.name == name]
            remedy = f"pip install 'mlperf-stats[{extras[0]}]'" if extras else f"install {error.name}"
            raise InputError(f"'{name}' needs {error.name}, which is not installed: {remedy}") from error
        return _built(name, command, getattr(command, "examples", ()))
    return None


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"mlperf-stats {__version__}")
        raise typer.Exit


app = typer.Typer(
    name="mlperf-stats",
    cls=LazyGroup,
    epilog=EPILOG,
    no_args_is_help=True,
    # Plain help: Rich's would cost twice the time of everything else together.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"max_content_width": 100, "help_option_names": ["--help", "-h"]},
)


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit."),
    ] = False,
) -> None:
    """Statistics for MLPerf Training results: scores by the rules, with honest uncertainty."""
