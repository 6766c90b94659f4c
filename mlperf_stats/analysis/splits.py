"""Do the intervals cover what they claim to, on real runs? — behind ``validate splits``."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from mlperf_stats.analysis.lenders import Lender, Lenders
from mlperf_stats.analysis.one_benchmark import same_workload
from mlperf_stats.errors import InputError
from mlperf_stats.store.database import Store
from mlperf_stats.store.queries import Filters, list_results

if TYPE_CHECKING:
    import pandas as pd

    from mlperf_stats.stats.splits import SplitSet

COLUMNS = (
    "benchmark",
    "by",
    "runs",
    "method",
    "submissions",
    "splits",
    "coverage",
    "coverage_low",
    "coverage_high",
    "median_half_width",
    "untied_width_ratio",
)
"""Columns of the table; names and order are a contract with whoever reads the CSV."""

By = Literal["submission", "submitter"]

FEWEST_SUBMISSIONS = 3
"""Results with logs of their own that a round's pool needs before one of them is predicted."""

_TOTAL = "ALL"


@dataclass(frozen=True)
class SplitsTable:
    """Coverage and width of each method, a row per benchmark and method; the last rows are over all."""

    rows: tuple[dict[str, Any], ...]
    columns: tuple[str, ...] = COLUMNS

    def to_frame(self) -> pd.DataFrame:
        """A DataFrame with :data:`COLUMNS`; missing figures are NaN."""
        import pandas as pd

        return pd.DataFrame.from_records(list(self.rows), columns=list(self.columns))

    def to_dict(self) -> dict[str, Any]:
        """Plain values: the rows."""
        return {"splits": [dict(row) for row in self.rows]}

    def _repr_html_(self) -> str:
        return str(self.to_frame().to_html(index=False))


def validate_splits(
    store: Store,
    filters: Filters | None = None,
    *,
    runs: int = 3,
    by: By = "submission",
    references: bool = True,
    repeats: int = 20,
    seed: int = 1,
    on_progress: Callable[[int, int], None] | None = None,
) -> SplitsTable:
    """Predict the other runs of every result from ``runs`` of its own and those of other results.

    Results that fit ``filters`` are predicted; others of the store lend, and with ``references`` the
    reference implementation does too, whose convergence is known before a round is run. A result takes
    part if it has more than ``runs`` converged runs that no earlier result has, with convergence points,
    and if its round has three results or more of its workload and division. Its splits depend on ``seed``
    and its id alone.

    Raises:
        InputError: ``by`` is neither ``submission`` nor ``submitter``.
        StatisticsError: ``runs`` or ``repeats`` is below 1, or ``seed`` below 0.
    """
    from mlperf_stats.stats.sample import check_count

    if by not in ("submission", "submitter"):
        raise InputError(f"by {by!r}: write 'submission' or 'submitter'")
    check_count(runs, minimum=1, what="runs drawn")
    check_count(repeats, minimum=1, what="repeats")
    check_count(seed, minimum=0, what="seed")
    results = list_results(store, filters)
    lenders = Lenders(store, same_workload(results), references=references)
    chosen = _taking_part(lenders, {result.key for result in results}, runs)
    judged: dict[str, list[SplitSet]] = {}
    for number, one in enumerate(chosen, start=1):
        found = _judge(lenders, one, runs, by, repeats, seed)
        judged.setdefault(one.item.result.benchmark, []).append(found)
        if on_progress:
            on_progress(number, len(chosen))
    everything = [found for of_one in judged.values() for found in of_one]
    groups = [*sorted(judged.items()), *([(_TOTAL, everything)] if everything else [])]
    return SplitsTable(
        tuple(
            {"benchmark": name, "by": by, "runs": runs, **row}
            for name, sets in groups
            for row in _rows(sets, seed)
        )
    )


def _taking_part(lenders: Lenders, wanted: set[tuple[str, int]], runs: int) -> list[Lender]:
    """Results of more than ``runs`` runs, in rounds with enough others."""
    return [
        one
        for item in lenders.sets
        if item.result.key in wanted
        for pool in [lenders.of_round(item)]
        for one in pool
        if one.key == item.result.key and one.runs.n > runs and len(pool) >= FEWEST_SUBMISSIONS
    ]


def _judge(lenders: Lenders, one: Lender, runs: int, by: By, repeats: int, seed: int) -> SplitSet:
    import numpy as np

    from mlperf_stats.stats.splits import judge_splits

    prior = lenders.prior_of(one.item, by=by, strict=True)
    rng = np.random.default_rng([seed, zlib.crc32(one.runs.label.encode())])
    return judge_splits(one.runs, prior, drawn=runs, repeats=repeats, rng=rng)


def _rows(sets: list[SplitSet], seed: int) -> list[dict[str, Any]]:
    from mlperf_stats.stats.splits import METHODS, summarise_splits

    rows = []
    for method in METHODS:
        row: dict[str, Any] = dict.fromkeys(COLUMNS[3:])
        row.update(method=method, submissions=len(sets))
        found = summarise_splits(sets, method, seed=seed)
        if found is not None:
            row.update(
                submissions=found.sets,
                splits=found.splits,
                coverage=found.coverage,
                coverage_low=found.coverage_low,
                coverage_high=found.coverage_high,
                median_half_width=found.median_half_width,
                untied_width_ratio=found.untied_width_ratio,
            )
        rows.append(row)
    return rows
