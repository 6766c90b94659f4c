"""Problems of one input, told once per kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from mlperf_stats.model import Problem


def merge_problems(problems: Iterable[Problem]) -> Iterator[Problem]:
    """One problem per code, with the first detail and the total count."""
    first: dict[str, Problem] = {}
    counts: Counter[str] = Counter()
    for problem in problems:
        first.setdefault(problem.code, problem)
        counts[problem.code] += problem.count
    for code, problem in first.items():
        yield Problem(code, problem.detail, counts[code])
