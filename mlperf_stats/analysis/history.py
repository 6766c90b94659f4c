"""How have the best times of a benchmark come down? — round by round, as long as it stays the same benchmark.

A benchmark stays the same while model, data and quality target do; under a new name, too (gnn of 4.x is rgat
of 5.x). Where they change, a new stretch begins and nothing is compared across it. Times are expected times
of a run (controlled for convergence); the best is chosen by its estimate and so a little flattered.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from mlperf_stats.analysis.one_benchmark import (
    closed_by_default,
    require_one_benchmark,
    same_workload,
    workload_of,
)
from mlperf_stats.analysis.results import results_table
from mlperf_stats.analysis.scale import Member
from mlperf_stats.analysis.summaries import DEFAULT_LEVEL
from mlperf_stats.analysis.tables import Columns, Tables
from mlperf_stats.errors import InputError
from mlperf_stats.rules.suite import Benchmark, rounds, rules_for, suite
from mlperf_stats.rules.wording import DERIVED
from mlperf_stats.store.database import Store
from mlperf_stats.store.queries import Filters, list_results

if TYPE_CHECKING:
    from mlperf_stats.stats.interval import Interval

_MEASURES = ("minutes", "accelerator_minutes")
_FIGURES = ("", "_low", "_high", "_change", "_change_low", "_change_high", "_differs")

COLUMNS = (
    "stretch",
    "round",
    "benchmark",
    "division",
    "model",
    "dataset",
    "quality_target",
    "results",
    *(f"{measure}{end}" for measure in _MEASURES for end in _FIGURES),
    "minutes_result",
    "minutes_accelerators",
    "accelerator_minutes_result",
    "accelerator_minutes_accelerators",
    "changed",
)
"""Columns per round. ``…_change`` is the best over the best of the round before in the same stretch,
``…_differs`` whether its interval leaves out 1; ``changed`` says what ended the stretch before."""


@dataclass(frozen=True)
class History(Tables):
    """The best of a benchmark by round, in stretches of one definition."""

    TABLES: ClassVar[Columns] = {"rows": COLUMNS}

    rows: tuple[dict[str, Any], ...]
    absent: tuple[str, ...]
    """Rounds that had the benchmark and have no result in the database."""
    filtered: tuple[str, ...]
    """Rounds whose results of the benchmark the filters left out, all of them."""
    level: float
    columns: tuple[str, ...] = COLUMNS
    disclosure: str = DERIVED

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "level": self.level,
            "absent": list(self.absent),
            "filtered": list(self.filtered),
            "disclosure": self.disclosure,
            "rounds": [dict(row) for row in self.rows],
        }


def history(
    store: Store,
    filters: Filters,
    *,
    level: float = DEFAULT_LEVEL,
    on_progress: Callable[[int, int], None] | None = None,
) -> History:
    """The best time and the fewest accelerator-minutes of a benchmark in every round.

    Args:
        store: Any open store.
        filters: They must leave one benchmark; without a division, the closed one is taken.
        level: Confidence level of every interval.
        on_progress: Called with results done and in all, where figures are not stored at ``level``.

    Raises:
        NotFoundError: no result fits.
        InputError: several benchmarks fit, or several divisions.
        StatisticsError: ``level`` is not between 0 and 1.
    """
    from dataclasses import replace

    from mlperf_stats.stats.sample import check_level

    level = check_level(level)
    named = closed_by_default(store, filters)
    require_one_benchmark(store, filters, named)
    renamed = replace(filters, benchmarks=same_workload(named).benchmarks)
    workloads = {workload_of(result) for result in named}
    chosen = [result for result in closed_by_default(store, renamed) if workload_of(result) in workloads]
    divisions = sorted({result.division or "not stated" for result in chosen})
    if len(divisions) > 1:
        raise InputError(
            f"a history is of one division, and these filters fit {', '.join(divisions)}; "
            f"add --division {divisions[0]}"
        )
    wanted = {result.result_id for result in chosen}
    table = results_table(store, renamed, level=level, on_progress=on_progress)
    members = [Member.of(row, level) for row in table if row["result_id"] in wanted]
    lacking = _lacking(members)
    stored = {one.round for one in list_results(store, same_workload(named)) if workload_of(one) in workloads}
    return History(
        tuple(_rows(members)),
        absent=tuple(name for name in lacking if name not in stored),
        filtered=tuple(name for name in lacking if name in stored),
        level=level,
    )


def _rows(members: Sequence[Member]) -> Iterator[dict[str, Any]]:
    groups: dict[tuple[str, str], list[Member]] = {}
    for one in members:
        groups.setdefault((one.row["round"], one.row["benchmark"]), []).append(one)
    order = {name: index for index, name in enumerate(rounds())}
    keys = sorted(groups, key=lambda key: order.get(key[0], len(order)))
    stretch, before = 1, None
    for key in keys:
        rules = rules_for(*key, 1)
        changed = _changed(before[0], rules) if before else ""
        if changed:
            stretch, before = stretch + 1, None
        row, bests = _row(groups[key], rules, before[1] if before else None)
        yield row | {"stretch": stretch, "changed": changed}
        before = rules, bests


def _changed(before: Benchmark, after: Benchmark) -> str:
    """What makes it another benchmark; empty if it is the same."""
    if before.workload == after.workload:
        return ""
    facts = (
        ("model", before.model, after.model),
        ("data", before.dataset, after.dataset),
        ("target", before.quality_target, after.quality_target),
    )
    differing = [f"{name}: {old} → {new}" for name, old, new in facts if old != new]
    return "; ".join(differing) or f"workload: {before.workload} → {after.workload}"


Bests = dict[str, tuple["Interval", float] | None]


def _row(group: Sequence[Member], rules: Benchmark, before: Bests | None) -> tuple[dict[str, Any], Bests]:
    from mlperf_stats.stats.recovered_variances import ratio_interval

    first = group[0].row
    row: dict[str, Any] = dict.fromkeys(COLUMNS)
    row.update({name: first[name] for name in ("round", "benchmark", "division")})
    row.update(model=rules.model, dataset=rules.dataset, quality_target=rules.quality_target)
    row["results"] = len(group)
    bests: Bests = {}
    for measure in _MEASURES:
        best = min(group, key=lambda one: _value(one, measure))
        value = _value(best, measure)
        if best.time is None or math.isinf(value):
            bests[measure] = None
            continue
        factor = value / best.time.estimate
        bests[measure] = best.time, factor
        row.update(_columns(measure, best.time, factor))
        row[f"{measure}_result"] = best.row["result_id"]
        row[f"{measure}_accelerators"] = best.count
        earlier = before[measure] if before else None
        if earlier:
            change = ratio_interval(best.time, earlier[0], factor=factor / earlier[1])
            row.update(_columns(f"{measure}_change", change, 1.0))
            row[f"{measure}_differs"] = not change.low <= 1 <= change.high
    return row, bests


def _value(one: Member, measure: str) -> float:
    """What is compared, less is better; ∞ where it is not known."""
    if measure == "accelerator_minutes":
        return one.accelerator_minutes
    return one.time.estimate if one.time else math.inf


def _columns(name: str, interval: Interval, factor: float) -> dict[str, float]:
    return {
        name: interval.estimate * factor,
        f"{name}_low": interval.low * factor,
        f"{name}_high": interval.high * factor,
    }


def _lacking(members: Sequence[Member]) -> tuple[str, ...]:
    """Rounds whose suite has one of the workloads and of which none of ``members`` is."""
    workloads = {rules_for(one.row["round"], one.row["benchmark"], 1).workload for one in members}
    present = {one.row["round"] for one in members}
    defined = [name for name in rounds() if any(entry.workload in workloads for entry in suite(name))]
    return tuple(name for name in defined if name not in present)
