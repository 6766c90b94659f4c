"""How much single runs of a benchmark scatter, and how often they fail: what planning starts from.

A run that is filed in several places counts once. Spreads *within* sets of different rounds may stand
side by side as long as the workload is the same; sets that mix batch sizes are left out.
"""

from __future__ import annotations

import math
import os
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from mlperf_stats.analysis.at_hand import logs_at_hand
from mlperf_stats.analysis.filter_values import require_fitting
from mlperf_stats.analysis.run_sets import RunSet, run_sets
from mlperf_stats.analysis.show import find_result
from mlperf_stats.errors import InputError, NotFoundError
from mlperf_stats.rules.suite import LOCAL_ROUND, Benchmark, rules_for
from mlperf_stats.store.database import Store
from mlperf_stats.store.evaluation_grid import evaluation_steps
from mlperf_stats.store.queries import Filters, StoredResult, list_results

if TYPE_CHECKING:
    from mlperf_stats.stats.laws import LogTimeLaw

FEWEST_RUNS = 3
"""Converged runs from which a set says something of its spread."""

FEWEST_SETS = 3
"""Sets from which others' spreads are borrowed."""


@dataclass(frozen=True)
class Spread:
    """The published sets of a benchmark and, if there is one, the user's pilot."""

    benchmark: Benchmark
    rounds: tuple[str, ...]
    sets: tuple[RunSet, ...]
    pilot: RunSet | None = None
    steps: Mapping[str, float] = field(default_factory=dict)
    """Gap between evaluations by result id, in the unit of convergence, where it is known."""

    def law(self, *, equal_convergence: bool = False) -> LogTimeLaw:
        """Log time of one run (or time per unit of convergence), its spread as unsure as the sets differ.

        Published sets are resampled whole; a pilot weighs them by how like it they are.

        Raises:
            InputError: nothing is known of the spread; the message says what would help.
        """
        from mlperf_stats.stats.laws import lognormal_law, resampled_law

        values = log_rates if equal_convergence else log_minutes
        own = values(self.pilot) if self.pilot else []
        lending = [entry for entry in self.lending if values(entry)]
        published = [values(entry) for entry in lending]
        if len(published) >= FEWEST_SETS and any(len(set(sample)) > 1 for sample in published):
            if equal_convergence:
                return resampled_law(published, own)
            steps = [self._relative_steps(entry) for entry in lending]
            return resampled_law(
                published,
                own,
                steps=steps,
                pilot_steps=self._relative_steps(self.pilot) if self.pilot else (),
            )
        if len(set(own)) > 1:
            return lognormal_law(statistics.stdev(own), len(own) - 1)
        raise InputError(
            f"{self.benchmark.name}: fewer than {FEWEST_SETS} published sets of {FEWEST_RUNS} runs; "
            "name a pilot of your own runs that differ with --pilot, or choose published ones more broadly"
        )

    @property
    def lending(self) -> Sequence[RunSet]:
        """The published sets that say something of the spread."""
        return [entry for entry in self.sets if len(entry.converged) >= FEWEST_RUNS]

    def _relative_steps(self, entry: RunSet) -> list[float]:
        """The gap to the next evaluation as a share of the work, of each converged run; 0 if not known."""
        step = self.steps.get(entry.result.result_id, 0.0)
        if entry.on_one_point:
            return [step / entry.points[0]] * len(entry.minutes)
        if len(entry.points) != len(entry.minutes):
            return [0.0] * len(entry.minutes)
        return [step / point for point in entry.points]

    @property
    def failed(self) -> int:
        """Runs that did not reach the target, of the pilot as well."""
        return sum(len(entry.present) - len(entry.converged) for entry in self._witnesses)

    @property
    def observed(self) -> int:
        """Runs that were started."""
        return sum(len(entry.present) for entry in self._witnesses)

    @property
    def _witnesses(self) -> Sequence[RunSet]:
        return (*self.sets, self.pilot) if self.pilot else self.sets


def log_minutes(entry: RunSet) -> list[float]:
    """Log times of the converged runs."""
    return [math.log(minutes) for minutes in entry.minutes]


def log_rates(entry: RunSet) -> list[float]:
    """Log time per unit of convergence: what varies at equal convergence; empty where that is not known."""
    if len(entry.points) != len(entry.minutes):
        return []
    return [math.log(time / point) for time, point in zip(entry.minutes, entry.points, strict=True)]


def benchmark_spread(
    store: Store,
    name: str,
    *,
    rounds: Sequence[str] = (),
    gbs: int | None = None,
    pilot: RunSet | None = None,
    pilot_step: float | None = None,
) -> Spread:
    """The closed-division sets of a benchmark, of all rounds with the workload of a pilot or the latest one.

    Own campaigns are a workload of their own, whatever they are called: they count where the pilot is one, or
    nothing else is there. They are planned with the runs of the pilot or of the last of them.

    Args:
        store: Where results are.
        name: The benchmark, or another name of it.
        rounds: Only these rounds; none for all.
        gbs: Only sets with this global batch size.
        pilot: The user's own runs; the same result is left out of the pool.
        pilot_step: Gap between its evaluations, in its unit of convergence, where it is known.

    Raises:
        InputError: the pilot ran another benchmark.
        NotFoundError: there is nothing to plan from; the message lists what there is.
    """
    if pilot is not None and not _is_named(pilot.result, name):
        raise _other_benchmark([pilot.result], name)
    every = [
        result for result in list_results(store, Filters(rounds=tuple(rounds))) if result.division != "open"
    ]
    results = [result for result in every if _is_named(result, name)]
    if not results and pilot is None:
        require_fitting(store, Filters(rounds=tuple(rounds)))
        known = ", ".join(sorted({result.benchmark for result in every})) or "none"
        raise NotFoundError(f"no published runs of {name!r} to plan from; there are {known}")
    own_step = {pilot.result.result_id: pilot_step} if pilot is not None and pilot_step else {}
    if not results and pilot is not None:
        return Spread(_scorable(pilot.rules), (), (), pilot, own_step)
    official = [result for result in results if result.round != LOCAL_ROUND]
    last = (official or results)[-1]
    latest = rules_for(last.round, last.benchmark, 1)
    if pilot is not None and (pilot.rules.workload != latest.workload or latest.round == LOCAL_ROUND):
        latest = pilot.rules
    same = [r for r in results if rules_for(r.round, r.benchmark, 1).workload == latest.workload]
    sets = distinct_sets(store, [r for r in same if pilot is None or r.result_id != pilot.result.result_id])
    chosen = tuple(entry for entry in sets if gbs is None or entry.gbs == gbs)
    if not sets and pilot is None:
        raise NotFoundError(
            f"{name}: every published set mixes global batch sizes; name a pilot of your own runs"
        )
    if not chosen and pilot is None:
        sizes = ", ".join(map(str, sorted({entry.gbs for entry in sets if entry.gbs})))
        raise NotFoundError(f"{name}: no published runs at global batch size {gbs}; there are {sizes}")
    rounds_of = tuple(dict.fromkeys(result.round for result in same))
    if latest.round == LOCAL_ROUND and pilot is None:
        latest = chosen[-1].rules
    return Spread(_scorable(latest), rounds_of, chosen, pilot, steps_of(store, chosen) | own_step)


def _scorable(rules: Benchmark) -> Benchmark:
    """The rules; a campaign of so few runs that dropping leaves none gets the fewest that have a score."""
    return replace(rules, runs=max(rules.runs, 2 * rules.dropped_each_side + 1))


def steps_of(store: Store, sets: Sequence[RunSet]) -> dict[str, float]:
    """Gaps between evaluations by result id: exact where all runs converged at one, else of the first run."""
    tied = [entry.result for entry in sets if entry.on_one_point]
    others = [entry.result for entry in sets if not entry.on_one_point]
    steps = evaluation_steps(store, tied) | evaluation_steps(store, others, first_runs=True)
    return {result.result_id: steps[result.key] for result in (*tied, *others) if result.key in steps}


def spread_for(
    store: Store,
    benchmark: str = "",
    *,
    rounds: Sequence[str] = (),
    gbs: int | None = None,
    pilot: str | os.PathLike[str] | None = None,
) -> Spread:
    """The spread to plan from, as a user names it.

    Args:
        store: Where published results (and a pilot that is named by its id) are.
        benchmark: May be left out with a pilot, which says what it ran.
        rounds: Only these rounds; a single one is also the round of a pilot's logs.
        gbs: Only published sets with this global batch size.
        pilot: A result's id, a part or glob of it, or a folder or archive of logs.

    Raises:
        InputError: neither a benchmark nor a pilot is named, or the pilot cannot be used or ran another one.
        NotFoundError: as :func:`benchmark_spread`.
    """
    if not benchmark and not pilot:
        raise InputError("nothing to plan from: name a benchmark, a pilot of your own runs, or both")
    own, step = None, None
    if pilot and Path(pilot).exists():
        with logs_at_hand(pilot, rounds[0] if len(rounds) == 1 else None) as (logs, _):
            own = pilot_set(logs, benchmark=benchmark)
            step = pilot_step(logs, own)
    elif pilot:
        own = pilot_set(store, os.fspath(pilot))
        step = pilot_step(store, own)
    name = benchmark or (own.result.benchmark if own else "")
    return benchmark_spread(store, name, rounds=rounds, gbs=gbs, pilot=own, pilot_step=step)


def _is_named(result: StoredResult, name: str) -> bool:
    wanted, own = (text.strip().lower().replace("-", "_") for text in (name, result.benchmark))
    return wanted == own or wanted in rules_for(result.round, result.benchmark, 1).aliases


def _other_benchmark(pilots: Sequence[StoredResult], name: str) -> InputError:
    """Runs of another benchmark say nothing of this one's spread."""
    ran = ", ".join(sorted({pilot.benchmark for pilot in pilots}))
    return InputError(
        f"{pilots[0].result_id}: the pilot ran {ran}, not {name}; leave out --benchmark or name another pilot"
    )


def distinct_sets(store: Store, results: Sequence[StoredResult]) -> list[RunSet]:
    """Sets at one batch size; a run that is filed twice belongs to the first of its sets."""
    seen: set[str] = set()
    sets = [entry.without(seen) for entry in run_sets(store, results)]
    return [entry for entry in sets if entry.present and not entry.mixed_gbs]


def pilot_set(store: Store, result_id: str = "", benchmark: str = "") -> RunSet:
    """The user's pilot: the named result, or the only one of the benchmark in the store.

    Raises:
        NotFoundError: there is none, or several and none is named.
        InputError: it ran another benchmark, its runs have several batch sizes, or fewer than two converged.
    """
    if result_id:
        result = find_result(store, result_id, or_logs=True)
    else:
        held = list_results(store)
        every = [entry for entry in held if not benchmark or _is_named(entry, benchmark)]
        if held and not every:
            raise _other_benchmark(held, benchmark)
        if len(every) != 1:
            ids = ", ".join(entry.result_id for entry in every[:5]) or "none"
            raise NotFoundError(f"a pilot is one result of {benchmark or 'a benchmark'}; the logs hold {ids}")
        result = every[0]
    (entry,) = run_sets(store, [result])
    if entry.mixed_gbs:
        sizes = ", ".join(map(str, sorted({run.gbs for run in entry.present if run.gbs is not None})))
        raise InputError(
            f"{result.result_id}: the pilot mixes global batch sizes {sizes}, which are different "
            "experiments; leave the runs of one size"
        )
    if len(entry.converged) < 2:
        raise InputError(
            f"{result.result_id}: a pilot needs two converged runs to say anything of the spread, "
            f"this has {len(entry.converged)}"
        )
    return entry


def pilot_step(store: Store, pilot: RunSet) -> float | None:
    """The gap between a pilot's evaluations, from the store that has its logs."""
    return steps_of(store, [pilot]).get(pilot.result.result_id)
