"""The rows of a comparison: pairs and ranks, as plain values."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from mlperf_stats.analysis.contests import Contest
from mlperf_stats.analysis.footings import Footed
from mlperf_stats.analysis.lenders import identities
from mlperf_stats.analysis.run_sets import RunSet

if TYPE_CHECKING:
    from mlperf_stats.stats.simultaneous import Compared

PAIR_COLUMNS = (
    "benchmark",
    "a",
    "b",
    "a_minutes",
    "b_minutes",
    "ratio",
    "ratio_low",
    "ratio_high",
    "verdict",
    "p_value",
    "p_adjusted",
    "faster",
    "faster_low",
    "faster_high",
    "equivalence_p",
    "equivalence_p_adjusted",
    "equivalent",
    "pairs_faster",
    "rank_p_value",
    "smallest_rank_p",
    "a_runs",
    "b_runs",
    "a_gbs",
    "b_gbs",
    "footing",
    "level",
    "multiplicity",
    "family",
    "margin",
    "overrides",
    "differences",
    "warnings",
)
RANK_COLUMNS = (
    "round",
    "benchmark",
    "division",
    "result_id",
    "rank_low",
    "rank_high",
    "rank",
    "minutes",
    "runs",
    "footing",
    "level",
    "multiplicity",
    "family",
    "overrides",
    "warnings",
)

FASTER, SLOWER, TIE = "faster", "slower", "~"
"""What a pair shows of its first: less time, more time, or neither."""

SAME_LOGS = "same-logs"


@dataclass
class Group:
    """One benchmark on its way through a comparison."""

    contest: Contest
    items: list[RunSet]
    footed: Footed
    pairs: list[tuple[int, int]]
    compared: list[Compared] = field(default_factory=list)
    family_size: int = 0

    @cached_property
    def minutes(self) -> list[float]:
        """Geometric means on the footing."""
        return [math.exp(mean.mean) for mean in self.footed.means]


def pair_rows(group: Group, common: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A row per pair of :data:`PAIR_COLUMNS`; ``common`` says what all rows share."""
    rows = []
    for (first, second), found in zip(group.pairs, group.compared, strict=True):
        a, b = group.items[first], group.items[second]
        row: dict[str, Any] = dict.fromkeys(PAIR_COLUMNS)
        row.update(
            benchmark=group.contest.benchmark,
            a=group.contest.labels[first],
            b=group.contest.labels[second],
            a_minutes=group.minutes[first],
            b_minutes=group.minutes[second],
            ratio=found.ratio,
            ratio_low=found.low,
            ratio_high=found.high,
            verdict=_verdict(found, common["level"]),
            p_value=found.p_value,
            p_adjusted=found.p_adjusted,
            faster=found.faster,
            faster_low=found.faster_low,
            faster_high=found.faster_high,
            equivalence_p=found.equivalence_p,
            equivalence_p_adjusted=found.equivalence_p_adjusted,
            equivalent=found.equivalence_p_adjusted <= 1 - common["level"],
            a_runs=len(a.minutes),
            b_runs=len(b.minutes),
            a_gbs=a.gbs,
            b_gbs=b.gbs,
            **_rank_test(a, b),
            **common,
            warnings=";".join(_warnings(group, first, second)),
        )
        rows.append(row)
    return rows


def _verdict(found: Compared, level: float) -> str:
    """A tie is no finding of equality: that is what ``equivalent`` is for."""
    if found.p_adjusted > 1 - level:
        return TIE
    return FASTER if found.ratio < 1 else SLOWER


def _rank_test(a: RunSet, b: RunSet) -> dict[str, float]:
    """What the runs themselves show, without a law: pairs of runs, exact rank test, its least p value."""
    from mlperf_stats.stats.rank_sum import rank_sum_p_value

    own, other = a.minutes, b.minutes
    wins = sum((x < y) + (x == y) / 2 for x in own for y in other)
    faster = 2 * wins >= len(own) * len(other)
    tail = rank_sum_p_value(own, other) if faster else rank_sum_p_value(other, own)
    return {
        "pairs_faster": wins / (len(own) * len(other)),
        "rank_p_value": min(1.0, 2 * tail),
        "smallest_rank_p": min(1.0, 2 / math.comb(len(own) + len(other), len(own))),
    }


def _warnings(group: Group, first: int, second: int) -> list[str]:
    codes = [*group.footed.warnings[first], *group.footed.warnings[second]]
    if shared_logs(group.items[first], group.items[second]):
        codes.append(SAME_LOGS)
    return list(dict.fromkeys(codes))


def rank_rows(
    group: Group, pairs: Sequence[Mapping[str, Any]], common: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """A row per result of :data:`RANK_COLUMNS`, fastest first; ``pairs`` are all pairs of the group."""
    from mlperf_stats.stats.rank_sets import rank_sets

    faster = [
        (first, second) if row["verdict"] == FASTER else (second, first)
        for (first, second), row in zip(group.pairs, pairs, strict=True)
        if row["verdict"] != TIE
    ]
    found = rank_sets(len(group.items), faster)
    rows = []
    for number in sorted(range(len(group.items)), key=lambda index: (found[index], group.minutes[index])):
        low, high = found[number]
        item = group.items[number]
        row: dict[str, Any] = {name: common.get(name) for name in RANK_COLUMNS}
        row.update(
            round=item.result.round,
            benchmark=group.contest.benchmark,
            division=item.result.division,
            result_id=item.result.result_id,
            rank_low=low,
            rank_high=high,
            rank=str(low) if low == high else f"{low}–{high}",
            minutes=group.minutes[number],
            runs=len(item.minutes),
            warnings=";".join(dict.fromkeys(group.footed.warnings[number])),
        )
        rows.append(row)
    return rows


def shared_logs(first: RunSet, second: RunSet) -> int:
    """How many runs two results have in common: the same bytes, or the same start and stop."""
    marks = [
        {(run.start_ms, run.stop_ms) for run in item.present if run.start_ms and run.stop_ms}
        for item in (first, second)
    ]
    return max(len(identities(first) & identities(second)), len(marks[0] & marks[1]))
