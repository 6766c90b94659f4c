"""Results as sets of runs that statistics can pool: each with its cell, its spread and how far it is off."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from mlperf_stats.model import RunStatus
from mlperf_stats.rules.suite import Benchmark, rules_for
from mlperf_stats.store.database import Store
from mlperf_stats.store.queries import StoredResult, StoredRun, runs_of

if TYPE_CHECKING:
    from mlperf_stats.stats.variance_components import SetSpread

Cell = tuple[str, str, str, int, str]
"""Round, benchmark, division, global batch size, unit of convergence: one law of convergence is expected."""


Key = tuple[str, int]
"""As :attr:`StoredResult.key`."""

Codes = dict[Key, list[str]]
"""Why a set is outlying; an empty list for one that is not."""


@dataclass(frozen=True)
class RunSet:
    """One result with its runs at hand (absent ones left out), each once."""

    result: StoredResult
    rules: Benchmark
    present: tuple[StoredRun, ...]

    @cached_property
    def converged(self) -> list[StoredRun]:
        """The runs that converged and have a time."""
        return [run for run in self.present if run.status == RunStatus.CONVERGED and run.minutes]

    @cached_property
    def minutes(self) -> list[float]:
        """Times to train of the converged runs."""
        return [run.minutes for run in self.converged if run.minutes]

    @cached_property
    def points(self) -> list[float]:
        """Convergence points of the converged runs that have one."""
        return [run.convergence_point for run in self.converged if run.convergence_point]

    @property
    def on_one_point(self) -> bool:
        """Whether all converged runs that have a convergence point, two or more, share one."""
        return len(self.minutes) > 1 and len(set(self.points)) == 1 and self.points[0] > 0

    @cached_property
    def mixed_gbs(self) -> bool:
        """Whether runs state different global batch sizes."""
        return len({run.gbs for run in self.present if run.gbs is not None}) > 1

    @cached_property
    def gbs(self) -> int | None:
        """The global batch size, if all runs that state one agree."""
        sizes = {run.gbs for run in self.present if run.gbs is not None}
        return sizes.pop() if len(sizes) == 1 else None

    @cached_property
    def cell(self) -> Cell | None:
        """Where its law of convergence is shared; None if batch size or unit are not one."""
        units = {run.convergence_unit for run in self.converged}
        if self.gbs is None or len(units) != 1:
            return None
        result = self.result
        return result.round, result.benchmark, result.division, self.gbs, units.pop()

    @cached_property
    def spread(self) -> SetSpread | None:
        """Sums of squares of the converged runs; None without any.

        Points count only where every run has a positive one, all in the same unit.
        """
        from mlperf_stats.stats.variance_components import set_spread

        if not self.minutes:
            return None
        units = {run.convergence_unit for run in self.converged}
        known = len(units) == 1 and len(self.points) == len(self.minutes) and min(self.points) > 0
        return set_spread(self.minutes, self.points if known else None)

    def without(self, seen: set[str]) -> RunSet:
        """The set without runs whose identity is in ``seen``, to which its own are added."""
        fresh = _fresh(self.present, seen)
        return self if len(fresh) == len(self.present) else RunSet(self.result, self.rules, fresh)


def run_sets(store: Store, results: Sequence[StoredResult]) -> list[RunSet]:
    """The sets of ``results``, in their order."""
    runs = runs_of(store, results)
    sets = []
    for result in results:
        filed = runs.get(result.key, [])
        rules = rules_for(result.round, result.benchmark, len(filed))
        present = [run for run in filed if run.status != RunStatus.ABSENT]
        sets.append(RunSet(result, rules, distinct_runs(present)))
    return sets


def outlying_codes(sets: Sequence[RunSet]) -> tuple[Codes, dict[Key, float]]:
    """Why sets do not fit the others of their workload, and how far each converges from its cell's median.

    The second answer is a ratio, given for sets in cells of three or more.
    """
    from mlperf_stats.stats import codes as stats_codes
    from mlperf_stats.stats.outlying_sets import (
        convergence_deviations,
        outlying_convergence,
        outlying_throughput,
    )

    codes: Codes = {item.result.key: [] for item in sets}
    ratios: dict[Key, float] = {}
    workloads: dict[str, list[RunSet]] = {}
    for item in sets:
        if item.spread is not None:
            workloads.setdefault(item.rules.workload, []).append(item)
    for members in workloads.values():
        spreads = [item.spread for item in members if item.spread is not None]
        deviations = convergence_deviations(spreads, [item.cell for item in members])
        apart, doubtful = outlying_convergence(deviations)
        for marks, code in (
            (outlying_throughput(spreads), stats_codes.OUTLYING_THROUGHPUT),
            (apart, stats_codes.OUTLYING_CONVERGENCE),
            (doubtful, stats_codes.CONVERGENCE_UNIT_DOUBTFUL),
        ):
            for index in marks.nonzero()[0]:
                codes[members[index].result.key].append(code)
        for item, deviation in zip(members, deviations, strict=True):
            if math.isfinite(deviation):
                ratios[item.result.key] = math.exp(deviation)
    return codes, ratios


def distinct_runs(runs: Iterable[StoredRun]) -> tuple[StoredRun, ...]:
    """The runs in their order, each once."""
    return _fresh(runs, set())


def _fresh(runs: Iterable[StoredRun], seen: set[str]) -> tuple[StoredRun, ...]:
    kept = []
    for run in runs:
        if run.identity and run.identity in seen:
            continue
        seen.add(run.identity)
        kept.append(run)
    return tuple(kept)
