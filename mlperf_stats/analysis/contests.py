"""Who is compared with whom: results of one benchmark, found by name or by filters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from mlperf_stats.analysis.like_with_like import Difference, allowed, require_comparable
from mlperf_stats.analysis.machines import Catalogue, Machine
from mlperf_stats.analysis.run_sets import run_sets
from mlperf_stats.errors import InputError, NotComparableError, NotFoundError
from mlperf_stats.rules.suite import rules_for
from mlperf_stats.store.database import Store
from mlperf_stats.store.queries import Filters, StoredResult, list_results


@dataclass(frozen=True)
class Contest:
    """Results of one benchmark that are compared with each other."""

    benchmark: str
    results: tuple[StoredResult, ...]
    labels: tuple[str, ...]
    """What the user called each: result ids, or machines."""
    overrides: tuple[Difference, ...]
    left_out: tuple[str, ...] = ()
    """Ids of results that the filters fit and that have no run that converged."""

    def position(self, text: str) -> int | None:
        """Which of the results the text names: by label, by id, or as the only one it is part of."""
        wanted = text.strip().strip("/").lower()
        ids = [result.result_id for result in self.results]
        for names in (self.labels, ids):
            exact = [number for number, name in enumerate(names) if name.lower() == wanted]
            found = exact or [number for number, name in enumerate(names) if wanted in name.lower()]
            if len(found) == 1:
                return found[0]
        return None


def contests(
    store: Store, names: Sequence[str], filters: Filters, allow: Iterable[str], gbs: int | None = None
) -> list[Contest]:
    """The contests that names or filters ask for, of results with global batch size ``gbs`` if it is given.

    Raises:
        NotComparableError: results differ in what must agree, or systems share no benchmark.
        NotFoundError: a name fits nothing, or several things, or no result is of that batch size.
        InputError: one name alone, or results and systems mixed; neither names nor filters.
    """
    kinds = allowed(allow)
    if not names:
        if filters == Filters():
            raise InputError("nothing to compare: name two results or systems, or give filters")
        timed, timeless = _with_times(store, _of_size(store, list_results(store, filters), gbs))
        groups = _by_family(timed)
        return [
            replace(_checked(store, results, [], kinds, ()), left_out=_of_family(results[0], timeless))
            for results in groups
        ]
    if len(names) < 2:
        raise InputError(f"{names[0]} alone cannot be compared; name two results or systems, or give filters")
    catalogue = Catalogue(store)
    named = [catalogue.named(name, kinds) for name in names]
    machines = [one for one in named if isinstance(one, Machine)]
    singles = [one for one in named if not isinstance(one, Machine)]
    if machines and singles:
        raise InputError(
            f"{machines[0].label} is a system and {singles[0].result_id} a result; name either, not both"
        )
    if singles:
        _require_distinct([one.result_id for one in singles])
        for one in singles:
            _of_size(store, [one], gbs)
        return [_checked(store, singles, [], kinds, ())]
    _require_distinct([one.label for one in machines])
    joined = tuple(dict.fromkeys(one for machine in machines for one in machine.overrides))
    fitting = {result.key for result in list_results(store, filters)}
    left = [_of_size(store, [one for one in m.results if one.key in fitting], gbs) for m in machines]
    shared = _shared_benchmarks(left)
    if not shared:
        having = "; ".join(f"{one.label}: {', '.join(one.benchmarks)}" for one in machines)
        raise NotComparableError(f"these systems share no benchmark ({having}); name systems that do")
    return [_checked(store, results, [one.label for one in machines], kinds, joined) for results in shared]


def _require_distinct(labels: Sequence[str]) -> None:
    twice = next((label for label in labels if labels.count(label) > 1), None)
    if twice:
        raise InputError(f"{twice} is named twice; name each once")


def _of_size(store: Store, results: Sequence[StoredResult], gbs: int | None) -> list[StoredResult]:
    """Those of a global batch size; all where none is given."""
    if gbs is None:
        return list(results)
    sizes = {item.result.key: item.gbs for item in run_sets(store, results)}
    found = [one for one in results if sizes[one.key] == gbs]
    if results and not found:
        known = sorted({size for size in sizes.values() if size is not None})
        listed = ", ".join(map(str, known)) or "none that is logged"
        if len(results) == 1:
            raise NotFoundError(f"{results[0].result_id} has global batch size {listed}, not {gbs}")
        raise NotFoundError(f"none of {len(results)} results has global batch size {gbs}; they have {listed}")
    return found


def _with_times(
    store: Store, results: Sequence[StoredResult]
) -> tuple[list[StoredResult], list[StoredResult]]:
    """Those with a run that converged, and the others; refuses if there are others alone."""
    known = {item.result.key for item in run_sets(store, results) if item.minutes}
    timed = [one for one in results if one.key in known]
    if results and not timed:
        raise InputError(
            f"none of {len(results)} results has a run that converged; there is no time to compare"
        )
    return timed, [one for one in results if one.key not in known]


def _family(result: StoredResult) -> tuple[str, str, str]:
    return result.round, result.benchmark, result.division


def _of_family(one: StoredResult, results: Sequence[StoredResult]) -> tuple[str, ...]:
    return tuple(other.result_id for other in results if _family(other) == _family(one))


def _by_family(results: Sequence[StoredResult]) -> list[list[StoredResult]]:
    """By round, benchmark and division; families of one are left out."""
    groups: dict[tuple[str, str, str], list[StoredResult]] = {}
    for result in results:
        groups.setdefault(_family(result), []).append(result)
    families = [members for members in groups.values() if len(members) > 1]
    if not families:
        raise InputError(
            f"{len(results)} results fit, and no two of them are of one round, benchmark and division; "
            "widen the filters, or name results"
        )
    return families


def _shared_benchmarks(machines: Sequence[Sequence[StoredResult]]) -> list[list[StoredResult]]:
    """For each benchmark that all have, by workload or else by name, the result of each."""
    shared = []
    for first in machines[0]:
        workload = _workload(first)
        row = [first]
        for others in machines[1:]:
            same = [one for one in others if _workload(one) == workload]
            same = same or [one for one in others if one.benchmark == first.benchmark]
            row += same[:1]
        if len(row) == len(machines):
            shared.append(row)
    return shared


def _workload(result: StoredResult) -> str:
    return rules_for(result.round, result.benchmark, 1).workload


def _checked(
    store: Store,
    results: Sequence[StoredResult],
    labels: Sequence[str],
    kinds: frozenset[str],
    joined: tuple[Difference, ...],
) -> Contest:
    overrides = require_comparable(run_sets(store, results), kinds)
    names = list(dict.fromkeys(result.benchmark for result in results))
    return Contest(
        "/".join(names),
        tuple(results),
        tuple(labels) or tuple(result.result_id for result in results),
        (*joined, *overrides),
    )
