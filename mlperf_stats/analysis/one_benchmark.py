"""The results of one benchmark that filters choose, and what to say where they choose none or several."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from dataclasses import replace

from mlperf_stats.analysis.filter_values import nothing_fits
from mlperf_stats.analysis.lenders import Lenders
from mlperf_stats.analysis.run_sets import RunSet
from mlperf_stats.errors import InputError
from mlperf_stats.rules.suite import rounds, rules_for, suite
from mlperf_stats.store.database import Store
from mlperf_stats.store.queries import Filters, StoredResult, list_results


def workload_of(result: StoredResult) -> str:
    """Identity of what the result trains to which quality; see :attr:`Benchmark.workload`."""
    return rules_for(result.round, result.benchmark, 1).workload


def require_one_benchmark(store: Store, filters: Filters, results: Sequence[StoredResult]) -> None:
    """Refuse a choice of results that is empty or of several benchmarks.

    Raises:
        NotFoundError: there is none.
        InputError: there are several benchmarks that are not one workload renamed.
    """
    if not results:
        raise nothing_fits(store, filters)
    names = sorted({result.benchmark for result in results})
    if len(names) > 1 and len({workload_of(result) for result in results}) > 1:
        raise InputError(
            f"one benchmark at a time, and these filters fit {', '.join(names)}; "
            f"add --benchmark {names[0]}, for example"
        )


def same_workload(results: Sequence[StoredResult]) -> Filters:
    """Filters that fit all results which may lend to ``results``: their benchmarks under all their names."""
    wanted = {workload_of(result) for result in results}
    names = {entry.name for name in rounds() for entry in suite(name) if entry.workload in wanted}
    names.update(result.benchmark for result in results)
    return Filters(benchmarks=tuple(glob.escape(name) for name in sorted(names)))


def sets_of_one_benchmark(store: Store, filters: Filters) -> tuple[Lenders, list[RunSet]]:
    """What may lend to the results that ``filters`` choose, and those results as sets of runs.

    Raises NotFoundError and InputError as :func:`require_one_benchmark`.
    """
    results = list_results(store, filters)
    require_one_benchmark(store, filters, results)
    wanted = {result.key for result in results}
    lenders = Lenders(store, same_workload(results))
    return lenders, [item for item in lenders.sets if item.result.key in wanted]


def closed_by_default(store: Store, filters: Filters) -> list[StoredResult]:
    """What ``filters`` choose; of the closed division where they name none and it has any."""
    if not filters.divisions:
        closed = list_results(store, replace(filters, divisions=("closed",)))
        if closed:
            return closed
    return list_results(store, filters)
