"""Which results differ, which by a factor of two, and which only by chance? — each against the best.

The best is chosen by its estimate, after looking; so the intervals are made simultaneous over all comparisons
with it (Bonferroni), within one round, division and benchmark.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar

from mlperf_stats.analysis.controlled import ControlledEstimates
from mlperf_stats.analysis.lenders import accelerator_kind
from mlperf_stats.analysis.one_benchmark import require_one_benchmark, same_workload
from mlperf_stats.analysis.summaries import DEFAULT_LEVEL
from mlperf_stats.analysis.tables import Columns, Tables
from mlperf_stats.errors import InputError
from mlperf_stats.rules.wording import DERIVED
from mlperf_stats.store.database import Store
from mlperf_stats.store.queries import Filters, StoredResult, list_results

if TYPE_CHECKING:
    from mlperf_stats.stats.interval import Interval

COLUMNS = (
    "result_id",
    "round",
    "division",
    "benchmark",
    "submitter",
    "accelerator_kind",
    "accelerators",
    "measure",
    "value",
    "best",
    "ratio",
    "ratio_low",
    "ratio_high",
    "verdict",
)
"""Columns per result. ``ratio`` is to the best of its round and division, which has none itself."""


class Measure(StrEnum):
    """What is compared; less is better."""

    ACCELERATOR_MINUTES = "accelerator-minutes"
    MINUTES = "minutes"


class Verdict(StrEnum):
    """What the interval of a ratio says."""

    BEST = "best"
    NOISE = "noise"
    """It holds 1."""
    DIFFERS = "differs"
    """It leaves out 1."""
    FACTOR = "factor"
    """All of it is at the factor asked for or above."""


@dataclass(frozen=True)
class ScaleDifferences(Tables):
    """Results against the best of their round and division, the best first."""

    TABLES: ClassVar[Columns] = {"rows": COLUMNS}

    rows: tuple[dict[str, Any], ...]
    measure: Measure
    factor: float
    level: float
    """Simultaneous confidence level within a round and division."""
    columns: tuple[str, ...] = COLUMNS
    disclosure: str = DERIVED

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "measure": str(self.measure),
            "factor": self.factor,
            "level": self.level,
            "disclosure": self.disclosure,
            "results": [dict(row) for row in self.rows],
        }


def scale_differences(
    store: Store,
    filters: Filters,
    *,
    by: str = Measure.ACCELERATOR_MINUTES,
    factor: float = 2.0,
    level: float = DEFAULT_LEVEL,
) -> ScaleDifferences:
    """Results of one benchmark against the best of each round and division.

    Args:
        store: Any open store; all of it lends.
        filters: They must leave one benchmark.
        by: A :class:`Measure`.
        factor: What counts as a large difference, above 1.
        level: Simultaneous confidence level.

    Raises:
        NotFoundError: no result fits.
        InputError: several benchmarks fit, there is no such measure, or the factor is not above 1.
        StatisticsError: ``level`` is not between 0 and 1.
    """
    from mlperf_stats.stats.sample import check_level

    level = check_level(level)
    if by not in list(Measure):
        raise InputError(f"there is no measure {by!r}; there are {', '.join(Measure)}")
    if not (math.isfinite(factor) and factor > 1):
        raise InputError(f"factor {factor:g} is not above 1; 2 finds results that take twice as much")
    results = list_results(store, filters)
    require_one_benchmark(store, filters, results)
    estimates = ControlledEstimates(store, same_workload(results))
    groups: dict[tuple[str, str, str], list[StoredResult]] = {}
    for result in results:
        groups.setdefault((result.round, result.division, result.benchmark), []).append(result)
    rows = []
    for group in groups.values():
        each = 1 - (1 - level) / max(len(group) - 1, 1)
        found = [(one, amount) for one in group if (amount := _amount(one, estimates, Measure(by), each))]
        rows.extend(_rows(found, Measure(by), factor))
    return ScaleDifferences(tuple(rows), Measure(by), factor, level)


def _amount(
    result: StoredResult, estimates: ControlledEstimates, measure: Measure, level: float
) -> tuple[Interval, float] | None:
    """The expected time in minutes and what to multiply it by; None where either is not known."""
    estimate = estimates.of(result.key, level)
    times = result.accelerators if measure is Measure.ACCELERATOR_MINUTES else 1
    return None if estimate is None or not times else (estimate.geometric_mean, float(times))


def _rows(
    found: Sequence[tuple[StoredResult, tuple[Interval, float]]], measure: Measure, factor: float
) -> list[dict[str, Any]]:
    from mlperf_stats.stats.recovered_variances import ratio_interval

    ordered = sorted(found, key=lambda one: one[1][0].estimate * one[1][1])
    rows: list[dict[str, Any]] = []
    for result, (time, times) in ordered:
        row: dict[str, Any] = {name: getattr(result, name, None) for name in COLUMNS}
        row.update(
            accelerator_kind=accelerator_kind(result.accelerator),
            measure=str(measure),
            value=time.estimate * times,
            best=ordered[0][0].result_id,
            verdict=Verdict.BEST,
        )
        if rows:
            least, least_times = ordered[0][1]
            ratio = ratio_interval(time, least, factor=times / least_times)
            row.update(ratio=ratio.estimate, ratio_low=ratio.low, ratio_high=ratio.high)
            row["verdict"] = _verdict(ratio, factor)
        rows.append(row)
    return rows


def _verdict(ratio: Interval, factor: float) -> Verdict:
    if ratio.low <= 1:
        return Verdict.NOISE
    return Verdict.FACTOR if ratio.low >= factor else Verdict.DIFFERS
