"""Values that the shell completes for filters, choices and codes."""

from __future__ import annotations

from collections.abc import Callable, Iterable


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


def complete_code(incomplete: str) -> list[str]:
    """The codes of the catalogue."""
    from mlperf_stats.explanations import catalogue

    return _starting_with(incomplete, catalogue())


def _starting_with(incomplete: str, values: Iterable[str]) -> list[str]:
    return [value for value in values if value.startswith(incomplete.lower())]
