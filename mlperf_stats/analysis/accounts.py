"""What can be said of many results in full: their runs, and the method behind every figure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlperf_stats.analysis.lenders import as_converged_runs
from mlperf_stats.analysis.results import results_table
from mlperf_stats.analysis.run_sets import RunSet, run_sets
from mlperf_stats.analysis.show import ResultDetail, detail_of
from mlperf_stats.analysis.summaries import DEFAULT_LEVEL
from mlperf_stats.store.database import Store
from mlperf_stats.store.evaluation_grid import evaluation_gaps
from mlperf_stats.store.queries import Filters, duplicate_hashes, list_results, runs_of

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Account:
    """One result with its runs, without their evaluations."""

    detail: ResultDetail
    methods: Mapping[str, str]
    """Method of each figure that the result has: ``median``, ``gmean``, ``expected``, ``controlled``."""


@dataclass(frozen=True)
class Accounts:
    """Results in the order of the results table."""

    results: tuple[Account, ...]
    level: float

    def rows(self) -> list[dict[str, Any]]:
        """Their rows of the results table, with a column ``<figure>_method`` for each figure."""
        return [
            account.detail.row | {f"{figure}_method": name for figure, name in account.methods.items()}
            for account in self.results
        ]

    def to_frame(self) -> pd.DataFrame:
        """The rows as a DataFrame."""
        import pandas as pd

        return pd.DataFrame.from_records(self.rows())

    def to_dict(self) -> dict[str, Any]:
        """Plain values: the level and the rows."""
        return {"level": self.level, "results": self.rows()}

    def _repr_html_(self) -> str:
        return str(self.to_frame().to_html(index=False))


def accounts(
    store: Store,
    filters: Filters | None = None,
    *,
    level: float = DEFAULT_LEVEL,
    on_progress: Callable[[int, int], None] | None = None,
) -> Accounts:
    """All results that fit ``filters`` with their runs and methods.

    ``on_progress`` is called with results computed and to compute, where figures are not stored.
    """
    table = results_table(store, filters, level=level, on_progress=on_progress)
    results = list_results(store, filters)
    sets = run_sets(store, results)
    runs, gaps = runs_of(store, results), evaluation_gaps(store, results)
    duplicates = duplicate_hashes(store, (run for filed in runs.values() for run in filed))
    accounted = []
    for result, row, item in zip(results, table, sets, strict=True):
        detail = detail_of(result, row, runs.get(result.key, ()), {}, duplicates, level)
        accounted.append(Account(detail, methods_of(row, item, stepped=result.key in gaps)))
    return Accounts(tuple(accounted), level)


def methods_of(row: Mapping[str, Any], item: RunSet, *, stepped: bool) -> dict[str, str]:
    """Names of the methods by which the figures of a result came about.

    Args:
        row: Its line of the results table.
        item: Its runs.
        stepped: Whether the distance between its evaluations is known.
    """
    from mlperf_stats.stats.codes import CONVERGENCE_CONSTANT, NO_PEERS
    from mlperf_stats.stats.expected_score import L_STATISTIC_FROM

    converged = row["runs_converged"]
    points = set(item.points)
    tied = stepped and converged > 1 and len(points) == 1
    # Without peers, or with a convergence that says nothing, own times alone count.
    alone = {CONVERGENCE_CONSTANT, NO_PEERS}.intersection(row["warnings"].split(";"))
    methods = {
        "median": "order-statistics" if converged == row["runs"] else "censored-order-statistics",
        "gmean": "tied-convergence" if tied else "t-log",
        "expected": "l-statistic" if converged >= L_STATISTIC_FROM else "lognormal-pivot",
        "controlled": "moderated-t-log" if alone or as_converged_runs(item) is None else "controlled",
    }
    if tied:
        methods["expected"] = "tied-convergence"
    return {figure: name for figure, name in methods.items() if row[f"{figure}_minutes"] is not None}
