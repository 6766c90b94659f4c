"""What would a system's time be without the luck of convergence? — controlled estimates of results."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from mlperf_stats.analysis.lenders import Lenders, as_converged_runs
from mlperf_stats.analysis.run_sets import Key, RunSet
from mlperf_stats.store.database import Store
from mlperf_stats.store.queries import Filters

if TYPE_CHECKING:
    from mlperf_stats.stats.controlled_estimate import ControlledEstimate


class ControlledEstimates:
    """Controlled estimates of the results of one store, which also lends the others' runs.

    ``filters`` must let in all that may lend to the results that are asked for: their whole workload.
    """

    def __init__(self, store: Store, filters: Filters | None = None) -> None:
        self._store = store
        self._filters = filters

    @cached_property
    def _lenders(self) -> Lenders:
        return Lenders(self._store, self._filters)

    @cached_property
    def _items(self) -> Mapping[Key, RunSet]:
        return {item.result.key: item for item in self._lenders.sets}

    def of(self, key: Key, level: float) -> ControlledEstimate | None:
        """The estimate of a result; None without converged runs."""
        from mlperf_stats.stats.controlled_estimate import controlled_estimate, moderated_estimate

        item = self._items.get(key)
        if item is None or not item.minutes:
            return None
        prior = self._lenders.prior_of(item)
        runs = as_converged_runs(item)
        kept = item.rules.scored_runs > 2 * item.rules.dropped_each_side
        scored_runs = item.rules.scored_runs if kept else 1
        dropped = item.rules.dropped_each_side if kept else 0
        if runs is None:
            return moderated_estimate(
                item.minutes, prior, scored_runs=scored_runs, dropped=dropped, level=level
            )
        step = self._lenders.relative_step(item)
        return controlled_estimate(
            runs, prior, scored_runs=scored_runs, dropped=dropped, level=level, relative_step=step
        )
