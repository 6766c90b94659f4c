"""The figures of one result: score by the rules, own intervals, spread, warnings.

They are computed when first asked for after a change of the data and then kept in the database, because
a list of a thousand results must not wait for statistics twice.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mlperf_stats.analysis.controlled import ControlledEstimates
from mlperf_stats.analysis.one_benchmark import same_workload
from mlperf_stats.analysis.own_intervals import own_interval
from mlperf_stats.analysis.run_sets import distinct_runs
from mlperf_stats.model import RunStatus
from mlperf_stats.rules.scoring import olympic_energy, score
from mlperf_stats.rules.suite import Benchmark, rules_for
from mlperf_stats.store.database import Store
from mlperf_stats.store.evaluation_grid import evaluation_steps
from mlperf_stats.store.queries import (
    Filters,
    StoredResult,
    StoredRun,
    duplicate_hashes,
    list_results,
    runs_of,
)
from mlperf_stats.store.schema import SUMMARY_COLUMNS
from mlperf_stats.store.summaries import keep_summaries

if TYPE_CHECKING:
    from mlperf_stats.stats.choice import Estimand
    from mlperf_stats.stats.controlled_estimate import ControlledEstimate
    from mlperf_stats.stats.interval import Interval

STATISTICS_VERSION = "12"
"""Raise it whenever a summary of the same runs would come out differently."""

DEFAULT_LEVEL = 0.95

_OWN_ESTIMANDS: dict[str, Estimand] = {"gmean": "geometric-mean", "expected": "expected-score"}

_RUN_PROBLEMS_SHOWN = ("file-unreadable", "line-unparsable", "power-log-unsound", "stop-before-start")
"""Problems of single runs that a reader of the result should know of."""


def listed(
    store: Store,
    filters: Filters | None = None,
    level: float = DEFAULT_LEVEL,
    on_progress: Callable[[int, int], None] | None = None,
) -> list[tuple[StoredResult, Mapping[str, Any]]]:
    """The results that fit, with their summaries; at the usual level, new ones are kept where possible."""
    version = store.data_version()
    usual = level == DEFAULT_LEVEL
    results = list_results(store, filters, level=level, computed_by=STATISTICS_VERSION if usual else "")
    missing = [result for result in results if result.summary is None]
    computed = summarise(store, missing, level, on_progress)
    if usual:
        _keep(store, computed, version)
    return [(result, result.summary or computed[result.key]) for result in results]


def with_summary(store: Store, result: StoredResult, level: float = DEFAULT_LEVEL) -> Mapping[str, Any]:
    """The summary of a result: the stored one if there is one, else computed now."""
    return result.summary or summarise(store, [result], level)[result.key]


def refresh(store: Store, on_progress: Callable[[int, int], None] | None = None) -> int:
    """Compute and keep what is missing in a database open for writing; returns how many were missing."""
    results = list_results(store, Filters(), level=DEFAULT_LEVEL, computed_by=STATISTICS_VERSION)
    missing = [result for result in results if result.layer == "main" and result.summary is None]
    _keep(store, summarise(store, missing, DEFAULT_LEVEL, on_progress), store.data_version())
    return len(missing)


def _keep(store: Store, computed: Mapping[tuple[str, int], Mapping[str, Any]], version: int) -> None:
    own = {key: summary for (layer, key), summary in computed.items() if layer == "main"}
    if own:
        keep_summaries(store, own, level=DEFAULT_LEVEL, computed_by=STATISTICS_VERSION, data_version=version)


def summarise(
    store: Store,
    results: Sequence[StoredResult],
    level: float = DEFAULT_LEVEL,
    on_progress: Callable[[int, int], None] | None = None,
) -> dict[tuple[str, int], dict[str, Any]]:
    """Compute the summaries of ``results`` from their runs, by :attr:`StoredResult.key`."""
    if not results:
        return {}
    runs = runs_of(store, results)
    duplicated = duplicate_hashes(store, (run for own in runs.values() for run in own))
    controlled = ControlledEstimates(store, same_workload(results))
    steps = evaluation_steps(store, [one for one in results if len(_points(runs.get(one.key, []))) == 1])
    summaries = {}
    for number, result in enumerate(results, start=1):
        own = runs.get(result.key, [])
        step = steps.get(result.key)
        summary = summarise_result(result, own, duplicated, level, step)
        _add_controlled(summary, controlled.of(result.key, level))
        summaries[result.key] = summary
        if on_progress:
            on_progress(number, len(results))
    return summaries


def summarise_result(
    result: StoredResult,
    runs: Sequence[StoredRun],
    duplicated: Collection[str],
    level: float = DEFAULT_LEVEL,
    evaluation_step: float | None = None,
) -> dict[str, Any]:
    """What one result's own runs tell (columns of ``SUMMARY_COLUMNS``); None where there is no figure.

    Args:
        result: The result.
        runs: All its runs.
        duplicated: Content hashes that more than one run file of the store has.
        level: Confidence level of the intervals.
        evaluation_step: Training progress between evaluations, in the unit of convergence; it tells
            what runs that all converged at one evaluation do not.
    """
    benchmark = rules_for(result.round, result.benchmark, len(runs))
    official = score(
        [run.minutes for run in runs],
        [run.status for run in runs],
        benchmark,
        result.scaling_factor,
        [run.start_ms for run in runs],
    )
    converged = [run for run in runs if run.status == RunStatus.CONVERGED and run.minutes is not None]
    warnings = [*_data_warnings(result, runs, converged, duplicated), *official.warnings]
    summary: dict[str, Any] = dict.fromkeys(SUMMARY_COLUMNS)
    batch_sizes = {run.gbs for run in runs if run.gbs is not None}
    summary.update(
        gbs=batch_sizes.pop() if len(batch_sizes) == 1 else None,
        runs=sum(run.status != RunStatus.ABSENT for run in runs),
        runs_converged=len(converged),
        score_minutes=official.score_minutes,
        olympic_minutes=official.olympic_minutes,
        convergence_points=len(_points(converged)),
        energy_joules=olympic_energy([run.energy_joules for run in runs], official),
    )
    if converged:
        warnings.extend(_own_intervals(summary, runs, benchmark, level, evaluation_step))
    summary["warnings"] = ";".join(dict.fromkeys(warnings))
    return summary


def _own_intervals(
    summary: dict[str, Any],
    runs: Sequence[StoredRun],
    benchmark: Benchmark,
    level: float,
    evaluation_step: float | None,
) -> list[str]:
    """Fill in what the result's own runs tell, each once, at least one converged; returns the warnings."""
    from mlperf_stats.stats.censored_order_statistics import censored_median_interval

    present = distinct_runs(run for run in runs if run.status != RunStatus.ABSENT)
    marks = [run.status == RunStatus.CONVERGED and run.minutes is not None for run in present]
    minutes = [run.minutes for run, mark in zip(present, marks, strict=True) if mark and run.minutes]
    if len(minutes) > 1:
        summary["cv"] = statistics.stdev(minutes) / statistics.fmean(minutes)
    # By the rules a run without success is the slowest, however long it was let run.
    longest = max(run.minutes or 0.0 for run in present)
    slowest_last = [
        (run.minutes or 0.0) if mark else longest for run, mark in zip(present, marks, strict=True)
    ]
    median = censored_median_interval(slowest_last, marks, level)
    summary["median_level"] = median.level_attained
    points = _points(run for run, mark in zip(present, marks, strict=True) if mark)
    intervals: dict[str, Interval | None] = {"median": median}
    for name, estimand in _OWN_ESTIMANDS.items():
        # A campaign of one or two runs has no score: dropping the fastest and the slowest leaves none.
        intervals[name] = own_interval(
            minutes, estimand, benchmark, points=points, step=evaluation_step, level=level
        )
    warnings: list[str] = []
    for name, interval in intervals.items():
        if interval is None:
            continue
        summary[f"{name}_minutes"] = interval.estimate
        # Times are positive: an interval open to below ends at 0.
        summary[f"{name}_low"] = max(interval.low, 0.0)
        summary[f"{name}_high"] = interval.high
        warnings.extend(interval.warnings)
    # What the median says of runs without success, nonconverged-left-out says for all columns.
    return [code for code in warnings if code != "censored-runs"]


def _add_controlled(summary: dict[str, Any], estimate: ControlledEstimate | None) -> None:
    """Fill in what the result's runs and those of others tell together."""
    if estimate is None:
        return
    interval = estimate.geometric_mean
    summary.update(
        controlled_minutes=interval.estimate,
        controlled_low=interval.low,
        controlled_high=interval.high,
        controlled_own_share=estimate.own_share,
    )
    codes = [code for code in summary["warnings"].split(";") if code]
    summary["warnings"] = ";".join(dict.fromkeys((*codes, *interval.warnings)))


def _points(runs: Iterable[StoredRun]) -> set[float]:
    """Distinct convergence points of the converged runs."""
    return {
        run.convergence_point
        for run in runs
        if run.status == RunStatus.CONVERGED and run.convergence_point is not None
    }


def evaluation_step(store: Store, result: StoredResult) -> float | None:
    """The usual distance between the evaluations of a run, None if its runs were evaluated once."""
    return evaluation_steps(store, [result]).get(result.key)


def _data_warnings(
    result: StoredResult,
    runs: Sequence[StoredRun],
    converged: Sequence[StoredRun],
    duplicated: Collection[str],
) -> list[str]:
    warnings = []
    if result.covers_published:
        warnings.append("covers-published")
    if len({run.gbs for run in runs if run.gbs is not None}) > 1:
        warnings.append("mixed-gbs")
    if any(run.content_hash in duplicated for run in runs):
        warnings.append("duplicate-runs")
    if len(converged) < sum(run.status != RunStatus.ABSENT for run in runs):
        warnings.append("nonconverged-left-out")
    warnings.extend(problem.code for problem in result.problems)
    shown = {problem.code for run in runs for problem in run.problems}
    warnings.extend(code for code in _RUN_PROBLEMS_SHOWN if code in shown)
    return warnings
