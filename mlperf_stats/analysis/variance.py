"""Where does the run-to-run variance come from, and is a score good to ±2.5 %? — behind ``variance``."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from mlperf_stats.analysis.own_intervals import score_interval
from mlperf_stats.analysis.run_sets import Codes, Key, RunSet, outlying_codes, run_sets
from mlperf_stats.analysis.summaries import DEFAULT_LEVEL
from mlperf_stats.errors import InputError
from mlperf_stats.rules.rule_of_thumb import rule_of_thumb
from mlperf_stats.rules.suite import Benchmark
from mlperf_stats.store.database import Store
from mlperf_stats.store.evaluation_grid import evaluation_steps
from mlperf_stats.store.queries import Filters, duplicate_hashes, list_results

if TYPE_CHECKING:
    import pandas as pd

Table = Literal["benchmarks", "rounds", "results"]

_WITH_OUTLYING = (
    "run_sd",
    "throughput_sd",
    "convergence_share",
    "throughput_share",
    "between_sd",
    "between_share",
    "score_sd",
    "half_width",
    "holds",
)
POOL_COLUMNS = (
    "benchmark",
    "rounds",
    "results",
    "results_outlying",
    "runs",
    "runs_converged",
    "nonconverged_share",
    "nonconverged_low",
    "nonconverged_high",
    "cv_median",
    "convergence_points_median",
    "one_point_share",
    *_WITH_OUTLYING,
    "between_df",
    "rule",
    "own_half_width_median",
    "own_within_rule",
    *(f"{name}_all" for name in _WITH_OUTLYING),
    "warnings",
)
"""Columns per benchmark and per round. ``…_all`` is with outlying results, the plain name without."""

RESULT_COLUMNS = (
    "result_id",
    "round",
    "division",
    "submitter",
    "system",
    "benchmark",
    "gbs",
    "runs",
    "runs_converged",
    "nonconverged_share",
    "nonconverged_low",
    "nonconverged_high",
    "cv",
    "convergence_points",
    "run_sd",
    "throughput_sd",
    "convergence_share",
    "throughput_share",
    "convergence_ratio",
    "score_sd",
    "half_width",
    "rule",
    "holds",
    "warnings",
)
"""Columns per result. ``convergence_ratio`` is to the median result of its cell."""

_COLUMNS: dict[Table, tuple[str, ...]] = {
    "benchmarks": POOL_COLUMNS,
    "rounds": POOL_COLUMNS,
    "results": RESULT_COLUMNS,
}


@dataclass(frozen=True)
class VarianceReport:
    """What the variance of times to train is made of. Deviations and widths are fractions of the time."""

    benchmarks: tuple[dict[str, Any], ...]
    """A row per workload (a benchmark with its target; renamed ones are one), over all its rounds."""
    rounds: tuple[dict[str, Any], ...]
    """A row per benchmark and round."""
    results: tuple[dict[str, Any], ...]
    """A row per result."""
    level: float
    """Confidence level of every interval and half-width."""

    def to_frame(self, table: Table = "benchmarks") -> pd.DataFrame:
        """One of the three tables as a DataFrame; missing figures are NaN.

        Raises:
            InputError: there is no such table.
        """
        import pandas as pd

        if table not in _COLUMNS:
            raise InputError(f"there is no table {table!r}; there are {', '.join(_COLUMNS)}")
        rows: tuple[dict[str, Any], ...] = getattr(self, table)
        return pd.DataFrame.from_records(list(rows), columns=list(_COLUMNS[table]))

    def to_dict(self) -> dict[str, Any]:
        """Plain values: the level and the rows of the three tables."""
        return {
            "level": self.level,
            **{name: [dict(row) for row in getattr(self, name)] for name in _COLUMNS},
        }

    def _repr_html_(self) -> str:
        return str(self.to_frame().to_html(index=False))


def variance_report(
    store: Store, filters: Filters | None = None, *, level: float = DEFAULT_LEVEL
) -> VarianceReport:
    """The variance of log time of all results that fit ``filters``, by benchmark, by round and by result.

    What is typical of a benchmark, and so which results are outlying, is judged from the whole store. Pools
    count every run once, however often its bytes were filed.

    Raises:
        StatisticsError: ``level`` is not between 0 and 1.
    """
    from mlperf_stats.stats.sample import check_level

    level = check_level(level)
    everything = run_sets(store, list_results(store))
    wanted = {result.key for result in list_results(store, filters)}
    chosen = [item for item in everything if item.result.key in wanted]
    codes, ratios = outlying_codes(everything)
    duplicated = duplicate_hashes(store)
    steps = evaluation_steps(store, [item.result for item in chosen if item.on_one_point])
    results = tuple(
        _result_row(item, codes[item.result.key], ratios.get(item.result.key), duplicated, level)
        | _own_half_width(item, steps.get(item.result.key), level)
        for item in chosen
    )
    once = _counted_once(chosen)
    own = {item.result.key: row for item, row in zip(chosen, results, strict=True)}

    def pooled(key: Callable[[RunSet], Any]) -> tuple[dict[str, Any], ...]:
        groups: dict[Any, list[RunSet]] = {}
        for item in once:
            groups.setdefault(key(item), []).append(item)
        rows = [_pool_row(group, own, codes, level) for group in groups.values()]
        return tuple(sorted(rows, key=lambda row: str(row["benchmark"])))

    return VarianceReport(
        benchmarks=pooled(lambda item: item.rules.workload),
        rounds=pooled(lambda item: (item.rules.workload, item.result.benchmark, item.result.round)),
        results=results,
        level=level,
    )


def _counted_once(sets: Iterable[RunSet]) -> list[RunSet]:
    """The sets without runs whose bytes an earlier one has."""
    seen: set[str] = set()
    return [item.without(seen) for item in sets]


def _result_row(
    item: RunSet, codes: Sequence[str], ratio: float | None, duplicated: Collection[str], level: float
) -> dict[str, Any]:
    from mlperf_stats.stats.variance_components import variance_components

    result, minutes = item.result, item.minutes
    row: dict[str, Any] = {name: getattr(result, name, None) for name in RESULT_COLUMNS}
    warnings = list(codes)
    if item.mixed_gbs:
        warnings.append("mixed-gbs")
    if any(run.content_hash in duplicated for run in item.present):
        warnings.append("duplicate-runs")
    row |= _convergence(len(item.present), len(item.converged), level)
    row.update(
        gbs=item.gbs,
        cv=statistics.stdev(minutes) / statistics.fmean(minutes) if len(minutes) > 1 else None,
        convergence_points=len(set(item.points)),
        convergence_ratio=ratio,
        rule=rule_of_thumb(item.rules),
        warnings=";".join(warnings),
    )
    if item.spread is not None:
        components = variance_components([item.spread], [None])
        row["run_sd"] = _root(components.variance)
        row["throughput_sd"] = _root(components.throughput_variance)
        row["convergence_share"] = components.convergence_share
        row["throughput_share"] = components.throughput_share
        row["score_sd"], _ = _score_deviation(item.rules, [item])
    return row


def _pool_row(
    sets: Sequence[RunSet], own_rows: Mapping[Key, Mapping[str, Any]], codes: Codes, level: float
) -> dict[str, Any]:
    """The row of a pool of sets counted once; what is said of single results is said of all their runs."""
    own = [own_rows[item.result.key] for item in sets]
    fitting = [item for item in sets if not codes[item.result.key]]
    raised = [code for item in sets for code in codes[item.result.key]]
    newest = sets[-1].rules
    present, converged = (sum(len(getattr(item, name)) for item in sets) for name in ("present", "converged"))
    # 0 stands for points that are not known.
    points = [row["convergence_points"] for row in own if row["runs_converged"] > 1]
    points = [count for count in points if count]
    half_widths = [row["half_width"] for row in own if row["half_width"] is not None]
    rule = rule_of_thumb(newest)
    row: dict[str, Any] = dict.fromkeys(POOL_COLUMNS)
    row |= _convergence(present, converged, level)
    row |= _components(fitting, newest, rule, level)
    with_outlying = _components(sets, newest, rule, level)
    row |= {f"{name}_all": with_outlying[name] for name in _WITH_OUTLYING}
    row.update(
        benchmark="/".join(dict.fromkeys(item.result.benchmark for item in sets)),
        rounds=list(dict.fromkeys(item.result.round for item in sets)),
        results=len(sets),
        results_outlying=len(sets) - len(fitting),
        cv_median=_median([row["cv"] for row in own if row["cv"] is not None]),
        convergence_points_median=_median(points),
        one_point_share=_share(count == 1 for count in points),
        rule=rule,
        own_half_width_median=_median(half_widths),
        own_within_rule=None if rule is None else _share(width <= rule for width in half_widths),
        warnings=";".join(dict.fromkeys(raised)),
    )
    return row


def _components(sets: Sequence[RunSet], rules: Benchmark, rule: float | None, level: float) -> dict[str, Any]:
    """The columns that depend on whether outlying sets are in."""
    from mlperf_stats.stats.t_log import t_quantile
    from mlperf_stats.stats.variance_components import variance_components

    known = [item for item in sets if item.spread is not None]
    found = variance_components(
        [item.spread for item in known if item.spread is not None], [item.cell for item in known]
    )
    score_sd, df = _score_deviation(rules, sets)
    half_width = None if score_sd is None else t_quantile(level, df) * score_sd
    return {
        "run_sd": _root(found.variance),
        "throughput_sd": _root(found.throughput_variance),
        "convergence_share": found.convergence_share,
        "throughput_share": found.throughput_share,
        "between_sd": _root(found.between_variance),
        "between_share": found.between_share,
        "between_df": found.between_df,
        "score_sd": score_sd,
        "half_width": half_width,
        "holds": _holds(half_width, rule),
    }


def _convergence(runs: int, converged: int, level: float) -> dict[str, Any]:
    from mlperf_stats.stats.proportions import convergence_probability

    found: dict[str, Any] = {"runs": runs, "runs_converged": converged}
    if runs:
        interval = convergence_probability(converged, runs, level)
        found.update(
            nonconverged_share=(runs - converged) / runs,
            nonconverged_low=1.0 - interval.high,
            nonconverged_high=1.0 - interval.low,
        )
    return found


def _score_deviation(rules: Benchmark, sets: Sequence[RunSet]) -> tuple[float | None, int]:
    """Relative standard deviation of a score of the official number of runs, and its degrees of freedom."""
    from mlperf_stats.stats.score_spread import score_variance

    if rules.scored_runs <= 2 * rules.dropped_each_side:
        return None, 0
    minutes = [item.minutes for item in sets if item.minutes]
    variance, df = score_variance(minutes, rules.scored_runs, rules.dropped_each_side)
    return _root(variance), df


def _own_half_width(item: RunSet, step: float | None, level: float) -> dict[str, Any]:
    """Relative half-width of the interval for the expected score as results show it, and whether it holds."""
    interval = score_interval(item, step, level)
    half_width = None if interval is None else interval.half_width_relative
    return {"half_width": half_width, "holds": _holds(half_width, rule_of_thumb(item.rules))}


def _holds(half_width: float | None, rule: float | None) -> bool | None:
    return None if half_width is None or rule is None else half_width <= rule


def _root(variance: float | None) -> float | None:
    return None if variance is None else float(variance**0.5)


def _median(values: Sequence[float]) -> float | None:
    return statistics.median(values) if values else None


def _share(marks: Iterable[bool]) -> float | None:
    counted = list(marks)
    return sum(counted) / len(counted) if counted else None
