"""Who may lend strength to whom: results as pools of runs that controlled estimates borrow from.

A pool is one workload, division and round. Within it, a cell is one global batch size; results with the
same kind and number of accelerators are of one lineage, since they mostly run the vendor's configuration
for that machine. Other rounds of the workload lend behind a round effect, the reference implementation as one
more lineage. Every run lends once.
"""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from mlperf_stats.analysis.run_sets import Key, RunSet, run_sets
from mlperf_stats.store.database import Store
from mlperf_stats.store.evaluation_grid import evaluation_gaps
from mlperf_stats.store.queries import Filters, StoredResult, list_results

if TYPE_CHECKING:
    from mlperf_stats.stats.controlled import PeerPrior
    from mlperf_stats.stats.converged_runs import ConvergedRuns, ReferenceRuns
    from mlperf_stats.stats.pool import Pool

Family = tuple[str, str]
"""Workload and division: what pools must have in common to lend to each other."""

_USUAL_STEP = 0.05
"""Gap of the evaluation grid as a fraction of the work, where no log shows it."""

_MODEL = re.compile(r"[a-z]+-?v?\d+[a-z]*")
_NOT_A_MODEL = re.compile(r"(sxm|hbm|pcie?|gen|nvl)\d*")


@dataclass(frozen=True)
class Lender:
    """One result as a set of runs that can lend, and what decides to whom."""

    item: RunSet
    """All its runs."""
    runs: ConvergedRuns
    """The converged ones that no earlier result has."""

    @cached_property
    def key(self) -> Key:
        """Of the result."""
        return self.item.result.key

    @cached_property
    def submitter(self) -> str:
        """Whose result it is, in one spelling."""
        return self.item.result.submitter.casefold()


def identities(item: RunSet) -> frozenset[str]:
    """By which a result's runs are known wherever they are filed."""
    return frozenset(run.identity for run in item.present if run.identity)


def accelerator_kind(accelerator: str) -> str:
    """Kind of an accelerator, whatever the spelling: ``h100``, ``a100-pcie``; empty where none is named."""
    text = accelerator.lower()
    models = [word for word in _MODEL.findall(text) if not _NOT_A_MODEL.fullmatch(word)]
    kind = models[0] if models else " ".join(re.findall(r"[a-z0-9]+", text))
    form = "-pcie" if "pci" in text or "nvl" in text else ""
    return f"{kind}{form}"


def lineage(result: StoredResult) -> str:
    """Kind and number of accelerators: ``h100x8``, ``a100-pciex16``."""
    count = result.accelerators if result.accelerators is not None else "?"
    return f"{accelerator_kind(result.accelerator)}x{count}"


def as_converged_runs(item: RunSet) -> ConvergedRuns | None:
    """The converged runs with their convergence; None unless all have a point, in one unit, at one size."""
    from mlperf_stats.stats.converged_runs import converged_runs

    minutes, points = item.minutes, item.points
    units = {run.convergence_unit for run in item.converged}
    if not minutes or len(points) != len(minutes) or len(units) != 1 or item.mixed_gbs or min(points) <= 0:
        return None
    return converged_runs(
        minutes,
        points,
        size=float(item.gbs) if item.gbs else math.nan,
        lineage=lineage(item.result),
        label=item.result.result_id,
    )


class Lenders:
    """Results of a store (or those that fit ``filters``) as pools; the prior of each from the others.

    With ``references`` the reference implementation's convergence lends as well, in the closed division.
    """

    def __init__(self, store: Store, filters: Filters | None = None, *, references: bool = True) -> None:
        results = list_results(store, filters)
        self.sets = run_sets(store, results)
        self._gaps = evaluation_gaps(store, results)
        self._pools: dict[Family, dict[str, list[Lender]]] = {}
        self._holders: dict[str, set[Key]] = {}
        seen: set[str] = set()
        for item in self.sets:
            for run in identities(item):
                self._holders.setdefault(run, set()).add(item.result.key)
            fresh = item.without(seen)
            runs = as_converged_runs(fresh)
            if runs is not None:
                rounds = self._pools.setdefault(family(item), {})
                rounds.setdefault(item.result.round, []).append(Lender(item, runs))
        self._with_references = references
        self._whole: dict[tuple[Family, str, bool], Pool] = {}
        self._steps: dict[tuple[Family, str], float] = {}

    def of_round(self, item: RunSet) -> Sequence[Lender]:
        """The lenders of the result's own pool, itself among them."""
        return self._pools.get(family(item), {}).get(item.result.round, [])

    def prior_of(
        self, item: RunSet, *, by: str = "submission", strict: bool = False, apart: Sequence[RunSet] = ()
    ) -> PeerPrior | None:
        """What others say of a result; None if there is nothing to borrow.

        Args:
            item: The result.
            by: ``submission`` leaves out whoever shares a log with it, ``submitter`` its submitter as well.
            strict: Keep the result out of what is common to its whole pool, too (:meth:`Pool.without`), as a
                validation must; it makes hardly a difference and takes several times as long.
            apart: Other results that lend nothing either, nor does what shares a log with them.
        """
        from mlperf_stats.stats.controlled import peer_prior

        lends = self._lends_to(item, by, apart)
        size = float(item.gbs) if item.gbs else math.nan
        rounds = self._pools.get(family(item), {})
        references = self._references(item)
        home = self._pool(family(item), item.result.round, lends, strict, references)
        if home is None:
            return None
        # The reference of other rounds is often the same runs again: it lends in its round only.
        away = [self._pool(family(item), name, lends, strict) for name in rounds if name != item.result.round]
        return peer_prior(home, [one for one in away if one is not None], size, lineage(item.result))

    def home_pool(self, item: RunSet) -> Pool | None:
        """The other results of its round that may lend to a result; None if there are none."""
        return self._pool(family(item), item.result.round, self._lends_to(item, "submission"), strict=False)

    def pools(self) -> Iterator[tuple[Family, str, Pool]]:
        """Every pool with its family and round, whole and without the reference."""
        for of, rounds in self._pools.items():
            for name in rounds:
                found = self._pool(of, name, lambda _: True, strict=False)
                if found is not None:
                    yield of, name, found

    def _lends_to(self, item: RunSet, by: str, apart: Sequence[RunSet] = ()) -> Callable[[Lender], bool]:
        related, submitter = self._related(item), item.result.submitter.casefold()
        related = related.union(*map(self._related, apart))
        return lambda other: other.key not in related and (by == "submission" or other.submitter != submitter)

    def _related(self, item: RunSet) -> set[Key]:
        """The result itself and all that share a log with it."""
        return {item.result.key}.union(*(self._holders.get(run, ()) for run in identities(item)))

    def _references(self, item: RunSet) -> tuple[ReferenceRuns, ...]:
        """The reference's runs on the result's benchmark, where they count convergence in its unit."""
        from mlperf_stats.rules.reference_moments import reference_moments
        from mlperf_stats.stats.converged_runs import reference_runs

        units = {run.convergence_unit for run in item.converged}
        if not self._with_references or item.result.division != "closed":
            return ()
        return tuple(
            reference_runs(
                one.runs,
                one.log_mean,
                one.log_sd,
                size=one.gbs,
                label=f"reference at batch size {one.gbs}",
            )
            for one in reference_moments(item.result.round, item.rules.name)
            if {one.unit} == units
        )

    def _pool(
        self,
        of: Family,
        round_: str,
        lends: Callable[[Lender], bool],
        strict: bool,
        references: Sequence[ReferenceRuns] = (),
    ) -> Pool | None:
        from mlperf_stats.stats.pool import pool

        members = self._pools.get(of, {}).get(round_, [])
        apart = [one for one in members if not lends(one)]
        if len(apart) == len(members) and not references:
            return None
        if strict and apart:
            kept = [one.runs for one in members if one not in apart]
            return pool(kept, self._step(of, round_), references)
        key = (of, round_, bool(references))
        if key not in self._whole:
            self._whole[key] = pool([one.runs for one in members], self._step(of, round_), references)
        whole = self._whole[key]
        return whole.without({one.runs.label for one in apart}) if apart else whole

    def step_of(self, item: RunSet) -> float:
        """Gap of the evaluation grid in the result's pool as a fraction of the work."""
        return self._step(family(item), item.result.round)

    def relative_step(self, item: RunSet) -> float | None:
        """Of a result whose runs share one convergence point, its own gap to the next as a fraction of it."""
        gap = self._gaps.get(item.result.key) if item.on_one_point else None
        return gap / item.points[0] if gap else None

    def _step(self, of: Family, round_: str) -> float:
        """Median over results of the evaluation gap as a fraction of the work: set by rules, not by peers."""
        if (of, round_) not in self._steps:
            steps = [
                gap / statistics.median(one.item.points)
                for one in self._pools.get(of, {}).get(round_, [])
                if (gap := self._gaps.get(one.key))
            ]
            self._steps[of, round_] = statistics.median(steps) if steps else _USUAL_STEP
        return self._steps[of, round_]


def family(item: RunSet) -> Family:
    """Workload and division of a result."""
    return item.rules.workload, item.result.division
