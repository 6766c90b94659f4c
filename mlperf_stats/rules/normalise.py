"""Normalised results: the reference's minutes divided by the benchmark result, larger is better.

Source: MLPerf Training rules, "Benchmark Results". The organisation published reference results for
v0.5 alone (the median of five seeds of the reference implementation on one Pascal P100, in
``reference_results.md`` of its repository of December 2018). They stand in ``suites.toml``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from mlperf_stats.errors import InputError, NoReferenceError
from mlperf_stats.rules.suite import benchmark, rounds, suite


def normalise(score_minutes: float, reference_minutes: float) -> float:
    """Reference result ÷ benchmark result: how many times faster than the reference.

    Raises:
        InputError: either time is not a positive number.
    """
    _check_positive("score", score_minutes)
    _check_positive("reference result", reference_minutes)
    return reference_minutes / score_minutes


def reference(round_name: str, benchmark_name: str, named: Mapping[str, float] | None = None) -> float:
    """Reference result of a benchmark in minutes.

    Args:
        round_name: The round, however spelled.
        benchmark_name: The benchmark or one of its aliases.
        named: References of the user's choice, minutes by benchmark name; they go before published ones.

    Raises:
        NoReferenceError: the user named none and the round has none.
        RoundUnknownError, UnknownBenchmarkError: as :func:`benchmark`, unless the user named one.
        InputError: the named reference is not a positive number.
    """
    if named and benchmark_name in named:
        return _check_positive(f"reference named for {benchmark_name}", named[benchmark_name])
    found = benchmark(round_name, benchmark_name)
    if named and found.name in named:
        return _check_positive(f"reference named for {found.name}", named[found.name])
    if found.reference_minutes is not None:
        return found.reference_minutes
    raise NoReferenceError(
        f"round {found.round} has no reference result for {found.name}"
        f"{_published_elsewhere(found.name)}; name one in minutes to normalise by it"
    )


def references(round_name: str) -> dict[str, float]:
    """All published reference results of a round, minutes by benchmark; empty for most rounds.

    Raises:
        RoundUnknownError: there is no such round.
    """
    return {
        entry.name: entry.reference_minutes
        for entry in suite(round_name)
        if entry.reference_minutes is not None
    }


def _published_elsewhere(name: str) -> str:
    having = [known for known in rounds() if name in references(known)]
    return f" (published for round {', '.join(having)} only)" if having else ""


def _check_positive(what: str, minutes: float) -> float:
    if not (math.isfinite(minutes) and minutes > 0):
        raise InputError(f"{what}: {minutes} minutes is not a positive time")
    return float(minutes)
