"""Values that the shell completes for filters, choices and codes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import typer

from mlperf_stats.errors import MlperfStatsError

if TYPE_CHECKING:
    from mlperf_stats.store import Store


def complete_from(*values: str) -> Callable[[str], list[str]]:
    """A completion of a fixed list of values."""

    def complete(incomplete: str) -> list[str]:
        return _starting_with(incomplete, values)

    return complete


def complete_round(incomplete: str) -> list[str]:
    """The rounds that the rules know."""
    from mlperf_stats.rules.suite import rounds

    return _starting_with(incomplete, rounds())


def complete_benchmark(incomplete: str) -> list[str]:
    """The benchmarks of all rounds."""
    from mlperf_stats.rules.suite import rounds, suite

    return _starting_with(incomplete, sorted({bench.name for name in rounds() for bench in suite(name)}))


def complete_difference(incomplete: str) -> list[str]:
    """The kinds of differences that can be taken on."""
    from mlperf_stats.analysis.like_with_like import KINDS

    return _starting_with(incomplete, KINDS)


def complete_footing(incomplete: str) -> list[str]:
    """The footings of a comparison."""
    from mlperf_stats.analysis.footings import Footing

    return _starting_with(incomplete, Footing)


def complete_filter(field: str) -> Callable[[typer.Context, str], list[str]]:
    """A completion of the values that results have for a field of the filters."""

    def complete(ctx: typer.Context, incomplete: str) -> list[str]:
        from mlperf_stats.analysis.filter_values import known_values

        return _held(ctx, incomplete, lambda store: known_values(store, field))

    return complete


def complete_result(ctx: typer.Context, incomplete: str) -> list[str]:
    """Result ids."""
    from mlperf_stats.store.queries import result_ids

    return _held(ctx, incomplete, result_ids)


def complete_system(ctx: typer.Context, incomplete: str) -> list[str]:
    """Systems: result ids without the benchmark."""
    from mlperf_stats.store.queries import result_ids

    return _held(ctx, incomplete, lambda store: sorted({one.rpartition("/")[0] for one in result_ids(store)}))


def complete_name(ctx: typer.Context, incomplete: str) -> list[str]:
    """Systems, and the results of one that is typed in full."""
    systems = complete_system(ctx, incomplete)
    return systems or complete_result(ctx, incomplete)


def complete_column(incomplete: str) -> list[str]:
    """Columns of the table of results, with their sign."""
    from mlperf_stats.analysis.results import COLUMNS

    return _starting_with(incomplete, [f"-{name}" for name in COLUMNS] if incomplete[:1] == "-" else COLUMNS)


def complete_code(incomplete: str) -> list[str]:
    """The codes of the catalogue."""
    from mlperf_stats.explanations import catalogue

    return _starting_with(incomplete, catalogue())


def _starting_with(incomplete: str, values: Iterable[str]) -> list[str]:
    return [value for value in values if value.startswith(incomplete)]


def _held(ctx: typer.Context, incomplete: str, values: Callable[[Store], Iterable[str]]) -> list[str]:
    """Values of the database that the command line names so far; none where it cannot be read."""
    from mlperf_stats.store import open_store

    path, no_published = (ctx.params.get(f"database_{name}") for name in ("path", "no_published"))
    try:
        with open_store(path, published=not no_published) as store:
            return _starting_with(incomplete, values(store))
    except (MlperfStatsError, OSError):
        return []
