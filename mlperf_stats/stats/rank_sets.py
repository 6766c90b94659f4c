"""Ranks that know their uncertainty: from simultaneous comparisons of all pairs.

If all intervals of differences hold at once, every rank lies in its set at once: below are those shown to be
smaller, above those shown to be larger. Source: Klein, Wright and Wieczorek 2020, J. R. Stat. Soc. A 183;
Mogstad, Romano, Shaikh and Wilhelm 2024, Rev. Econ. Stud. 91.
"""

from __future__ import annotations

from collections.abc import Iterable

from mlperf_stats.errors import StatisticsError


def rank_sets(count: int, smaller: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Lowest and highest possible rank of each of ``count`` things, 1 being the smallest.

    ``smaller``: pairs (i, j) of which i was shown to be smaller than j, each shown once, all pairs tested.
    Raises StatisticsError where a pair names a thing that is not there, or contradicts another.
    """
    below, above = [0] * count, [0] * count
    shown = set(smaller)
    for first, second in shown:
        if not (0 <= first < count and 0 <= second < count) or (second, first) in shown:
            raise StatisticsError(f"pair ({first}, {second}) is no comparison of {count} things")
        above[first] += 1
        below[second] += 1
    return [(1 + low, count - high) for low, high in zip(below, above, strict=True)]
