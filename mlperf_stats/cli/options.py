"""The options that commands share: filters, the database, the level, the output."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer

from mlperf_stats.cli.completion import (
    complete_benchmark,
    complete_difference,
    complete_filter,
    complete_from,
    complete_round,
)
from mlperf_stats.cli.output import Format, Output
from mlperf_stats.cli.parameters import OptionGroup
from mlperf_stats.cli.shares import share_option
from mlperf_stats.errors import InputError
from mlperf_stats.store import Filters, Store, open_store

Texts: TypeAlias = list[str] | None
"""Of an option that may be repeated."""


def text_option(
    flag: str, says: str, complete: Callable[..., list[str]] | None = None, metavar: str = "NAME"
) -> Any:
    """The option ``flag`` for a text, or for several; ``says`` is its help."""
    return typer.Option(flag, metavar=metavar, help=says, autocompletion=complete)


def choice_option(flag: str, says: str, *values: str, metavar: str = "NAME") -> Any:
    """The option ``flag`` for one of ``values``, which the shell completes."""
    return text_option(flag, says, complete_from(*values), metavar)


def text_argument(metavar: str, says: str, complete: Callable[..., list[str]]) -> Any:
    """An argument, or several, that the shell completes; ``says`` is its help."""
    return typer.Argument(metavar=metavar, help=says, autocompletion=complete)


def round_option(says: str = "For example 5.0.") -> Any:
    """``--round``."""
    return text_option("--round", says, complete_round, "ROUND")


def benchmark_option(says: str = "For example bert.") -> Any:
    """``--benchmark``."""
    return text_option("--benchmark", says, complete_benchmark)


def number_option(flag: str, says: str, least: int = 1) -> Any:
    """The option ``flag`` for a whole number of ``least`` or more."""
    return typer.Option(flag, metavar="N", min=least, help=says)


def allow_option(says: str) -> Any:
    """``--allow``, which takes on a difference that is refused otherwise."""
    return text_option("--allow", says, complete_difference, "KIND")


_CATEGORIES = ("available", "preview", "research")


def _filters(
    rounds: Annotated[Texts, round_option()] = None,
    divisions: Annotated[Texts, choice_option("--division", "closed or open.", "closed", "open")] = None,
    availabilities: Annotated[
        Texts, choice_option("--availability", "available, preview or research.", *_CATEGORIES)
    ] = None,
    submitters: Annotated[
        Texts, text_option("--submitter", "Submitter's folder.", complete_filter("submitters"))
    ] = None,
    systems: Annotated[Texts, text_option("--system", "System's folder.", complete_filter("systems"))] = None,
    accelerators: Annotated[
        Texts, text_option("--accelerator", "For example *H100*.", complete_filter("accelerators"))
    ] = None,
    benchmarks: Annotated[Texts, benchmark_option()] = None,
    min_accelerators: Annotated[
        int | None, number_option("--min-accelerators", "At least N in the whole system.", 0)
    ] = None,
    max_accelerators: Annotated[
        int | None, number_option("--max-accelerators", "At most N in the whole system.", 0)
    ] = None,
) -> Filters:
    if min_accelerators is not None and max_accelerators is not None and min_accelerators > max_accelerators:
        raise InputError(
            f"--min-accelerators {min_accelerators} is above --max-accelerators {max_accelerators}; swap them"
        )
    return Filters(
        rounds=tuple(rounds or ()),
        divisions=tuple(divisions or ()),
        availabilities=tuple(availabilities or ()),
        submitters=tuple(submitters or ()),
        systems=tuple(systems or ()),
        accelerators=tuple(accelerators or ()),
        benchmarks=tuple(benchmarks or ()),
        min_accelerators=min_accelerators,
        max_accelerators=max_accelerators,
    )


def file_option(says: str) -> Any:
    """The option that names the file to write; ``says`` is its help."""
    return typer.Option("--output", "-o", metavar="FILE", dir_okay=False, help=says)


STANDARD_OUTPUT = Path("-")
"""As a FILE, by custom."""

_EXPORTED = ("parquet", "xlsx")
"""Endings of files that ``export`` writes."""


def _output(
    form: Annotated[
        Format | None,
        typer.Option("--format", help="Form of the output (default: table, or what FILE ends in)."),
    ] = None,
    path: Annotated[Path | None, file_option("Write to FILE.")] = None,
) -> Output:
    if path == STANDARD_OUTPUT:
        path = None
    return Output(form or _form_of(path), path)


def _form_of(path: Path | None) -> Format:
    """The form that a file's ending says; a table without an ending, or for ``.txt``."""
    suffix = path.suffix.lower().removeprefix(".") if path else ""
    if suffix in _EXPORTED:
        raise InputError(
            f"{path}: 'mlperf-stats export' writes .{suffix}; here it is .csv, .json, .md or .txt"
        )
    if suffix in ("", "txt"):
        return Format.TABLE
    try:
        return Format(suffix)
    except ValueError:
        raise InputError(
            f"{path}: .{suffix} is no form of output; end it in .csv, .json, .md or .txt, or give --format"
        ) from None


@dataclass(frozen=True, slots=True)
class Database:
    """Which results a command sees: the user's database over the published snapshot."""

    path: Path | None
    published: bool

    def open(self, filters: Filters | None = None) -> Store:
        """The store, to be used as a context manager.

        Raises:
            NotFoundError: a value of ``filters`` occurs nowhere in it, or no result fits them together.
        """
        from mlperf_stats.analysis.filter_values import require_fitting

        store = open_store(self.path, published=self.published)
        if filters is not None:
            try:
                require_fitting(store, filters)
            except BaseException:
                store.close()
                raise
        return store


def _database(
    path: Annotated[Path | None, DB_OPTION] = None,
    no_published: Annotated[
        bool, typer.Option("--no-published", help="Leave out the published results that are shipped.")
    ] = False,
) -> Database:
    return Database(path, published=not no_published)


DB_OPTION = typer.Option(
    "--db", metavar="FILE", dir_okay=False, help="Your database (default: in your data directory)."
)
FilterOptions = Annotated[Filters, OptionGroup(_filters)]
OutputOptions = Annotated[Output, OptionGroup(_output)]
DatabaseOptions = Annotated[Database, OptionGroup(_database)]
LevelOption = Annotated[float, share_option("--level", 0.95, "Confidence level, 0.95 or 95%.", "LEVEL")]
