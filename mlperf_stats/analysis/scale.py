"""What does a larger system buy? — time, accelerator-minutes, energy and cost against accelerator count.

Results are compared within a *family*: one submitter's results of a benchmark in one round and division, on
one kind of accelerator. Times are expected times of a run (controlled for convergence), on raw minutes.
Everything here is derived from MLPerf results and none of it is an official metric.
"""

from __future__ import annotations

import glob
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from mlperf_stats.analysis.lenders import accelerator_kind
from mlperf_stats.analysis.one_benchmark import require_one_benchmark
from mlperf_stats.analysis.results import ResultsTable, results_table
from mlperf_stats.analysis.summaries import DEFAULT_LEVEL
from mlperf_stats.analysis.tables import Columns, Tables
from mlperf_stats.errors import InputError
from mlperf_stats.rules.wording import DERIVED
from mlperf_stats.store.database import Store
from mlperf_stats.store.queries import Filters, list_results

if TYPE_CHECKING:
    from mlperf_stats.stats.interval import Interval
    from mlperf_stats.stats.power_law import PowerLaw, SizedTimes

Table = Literal["results", "fits"]
Family = tuple[str, str, str, str, str]
"""Round, division, benchmark, submitter (in one spelling), kind of accelerator."""

RESULT_COLUMNS = (
    "result_id",
    "round",
    "division",
    "availability",
    "submitter",
    "system",
    "benchmark",
    "accelerator_kind",
    "accelerators",
    "gbs",
    "runs_converged",
    "minutes",
    "minutes_low",
    "minutes_high",
    "accelerator_minutes",
    "accelerator_minutes_low",
    "accelerator_minutes_high",
    "energy_joules",
    "cost",
    "cost_low",
    "cost_high",
    "efficiency",
    "efficiency_low",
    "efficiency_high",
    "differs",
    "base",
    "warnings",
)
"""Columns per result. ``efficiency`` is accelerator-minutes of ``base``, the family's smallest system, over
the result's own; ``differs`` says whether its interval leaves out 1."""

FIT_COLUMNS = (
    "round",
    "division",
    "benchmark",
    "submitter",
    "accelerator_kind",
    "results",
    "from_accelerators",
    "to_accelerators",
    "exponent",
    "exponent_low",
    "exponent_high",
    "doubling",
    "doubling_low",
    "doubling_high",
    "efficiency",
    "efficiency_low",
    "efficiency_high",
    "scatter",
    "differs",
    "warnings",
)
"""Columns per family of two sizes or more: time ∝ accelerators^−``exponent``; ``doubling`` and
``efficiency`` are the shares of ideal speed-up left after one doubling and from smallest to largest."""


@dataclass(frozen=True)
class ScaleReport(Tables):
    """Results of one benchmark against accelerator count, and the law of each family."""

    TABLES: ClassVar[Columns] = {"results": RESULT_COLUMNS, "fits": FIT_COLUMNS}

    results: tuple[dict[str, Any], ...]
    """By family and accelerators; those without a converged run or a count have no figures."""
    fits: tuple[dict[str, Any], ...]
    level: float
    price_per_hour: float | None
    """Money per accelerator-hour, where the user gave it."""
    disclosure: str = DERIVED

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "level": self.level,
            "price_per_hour": self.price_per_hour,
            "disclosure": self.disclosure,
            "results": [dict(row) for row in self.results],
            "fits": [dict(row) for row in self.fits],
        }


def scale_report(
    store: Store,
    filters: Filters,
    *,
    price_per_hour: float | None = None,
    level: float = DEFAULT_LEVEL,
    on_progress: Callable[[int, int], None] | None = None,
) -> ScaleReport:
    """Results of one benchmark that fit ``filters``, by accelerator count.

    Args:
        store: Any open store.
        filters: They must leave one benchmark.
        price_per_hour: Money per accelerator-hour, positive; None leaves cost out.
        level: Confidence level of every interval.
        on_progress: Called with results done and in all, where figures are not stored at ``level``.

    Raises:
        NotFoundError: no result fits.
        InputError: several benchmarks fit, or the price is not a positive number.
        StatisticsError: ``level`` is not between 0 and 1.
    """
    from mlperf_stats.stats.sample import check_level

    level = check_level(level)
    if price_per_hour is not None and not (math.isfinite(price_per_hour) and price_per_hour > 0):
        raise InputError(f"price {price_per_hour:g} per accelerator-hour is not positive; give one above 0")
    require_one_benchmark(store, filters, list_results(store, filters))
    table = results_table(store, filters, level=level, on_progress=on_progress)
    families = by_family([Member.of(row, level) for row in table])
    bases = {family: _base(group) for family, group in families.items()}
    rows = [
        _result_row(one, bases[family], price_per_hour) for family, group in families.items() for one in group
    ]
    return ScaleReport(tuple(rows), _fits(families, _lenders(store, table), level), level, price_per_hour)


def _lenders(store: Store, table: ResultsTable) -> dict[Family, list[Member]]:
    """All families of the table's rounds, filtered out or not: their scatter says what to expect."""
    benchmarks = sorted({row["benchmark"] for row in table})
    filters = Filters(
        rounds=tuple(sorted({row["round"] for row in table})), benchmarks=tuple(map(glob.escape, benchmarks))
    )
    return by_family([Member.of(row, DEFAULT_LEVEL) for row in results_table(store, filters)])


@dataclass(frozen=True, eq=False)
class Member:
    """One result with its time."""

    row: Mapping[str, Any]
    """Of the results table."""
    time: Interval | None
    """Expected time of a run in minutes; None without a converged run."""

    @classmethod
    def of(cls, row: Mapping[str, Any], level: float) -> Member:
        """A row of the results table at ``level``, with the controlled time in it."""
        from mlperf_stats.stats.interval import Interval

        if row["controlled_minutes"] is None:
            return cls(row, None)
        minutes, low, high = (float(row[f"controlled_{name}"]) for name in ("minutes", "low", "high"))
        n = int(row["runs_converged"])
        return cls(row, Interval(minutes, low, high, level, level, "controlled", "geometric-mean", n))

    @property
    def count(self) -> int | None:
        """Accelerators of the whole system."""
        known: int | None = self.row["accelerators"]
        return known or None

    @property
    def kind(self) -> str:
        """Of accelerator."""
        return accelerator_kind(self.row["accelerator"])

    @property
    def family(self) -> Family:
        """With whom it is compared."""
        one = self.row
        return one["round"], one["division"], one["benchmark"], one["submitter"].casefold(), self.kind

    @property
    def accelerator_minutes(self) -> float:
        """∞ where time or count is not known."""
        return self.time.estimate * self.count if self.time and self.count else math.inf


def by_family(members: Sequence[Member]) -> dict[Family, list[Member]]:
    """Members by family, in the order of the results; within a family by accelerators."""
    families: dict[Family, list[Member]] = {}
    for one in members:
        families.setdefault(one.family, []).append(one)
    for group in families.values():
        group.sort(key=lambda one: (one.count or math.inf, one.accelerator_minutes))
    return families


def _base(group: Sequence[Member]) -> Member | None:
    """The smallest system of a family; of several the one that takes the fewest accelerator-minutes."""
    known = [one for one in group if math.isfinite(one.accelerator_minutes)]
    return known[0] if known else None


def _result_row(one: Member, base: Member | None, price: float | None) -> dict[str, Any]:
    from mlperf_stats.stats.recovered_variances import ratio_interval

    row: dict[str, Any] = {name: one.row.get(name) for name in RESULT_COLUMNS}
    row["accelerator_kind"] = one.kind
    if one.time is None:
        return row
    row |= _columns("minutes", one.time)
    if one.count is None:
        return row
    row |= _columns("accelerator_minutes", one.time, one.count)
    if price is not None:
        row |= _columns("cost", one.time, one.count * price / 60)
    if base is not None and base.time and base.count and base.count < one.count:
        left = ratio_interval(base.time, one.time, factor=base.count / one.count)
        row |= _columns("efficiency", left)
        row.update(base=base.row["result_id"], differs=not left.low <= 1 <= left.high)
    return row


def _columns(name: str, interval: Interval, factor: float = 1.0) -> dict[str, float]:
    return {
        name: factor * interval.estimate,
        f"{name}_low": factor * interval.low,
        f"{name}_high": factor * interval.high,
    }


def _fits(
    families: Mapping[Family, Sequence[Member]], lenders: Mapping[Family, Sequence[Member]], level: float
) -> tuple[dict[str, Any], ...]:
    from mlperf_stats.stats.power_law import power_law, scatter_prior

    lent = {family: found for family, group in lenders.items() if (found := _sized(group)) is not None}
    rows = []
    for family, group in families.items():
        own = _sized(group)
        if own is not None:
            others = [one for other, one in lent.items() if other[:3] == family[:3] and other != family]
            rows.append(_fit_row(group, power_law(own, scatter_prior(others), level)))
    return tuple(rows)


def _sized(group: Sequence[Member]) -> SizedTimes | None:
    """The family's times by size; None with fewer than two sizes."""
    from mlperf_stats.stats.power_law import sized_times
    from mlperf_stats.stats.recovered_variances import log_deviation

    known = _measured(group)
    if len({one.count for one in known}) < 2:
        return None
    times = [one.time for one in known if one.time]
    return sized_times(
        [one.count or 0 for one in known],
        [time.estimate for time in times],
        [log_deviation(time) ** 2 for time in times],
    )


def _measured(group: Sequence[Member]) -> list[Member]:
    """Members with a count and a time whose interval is bounded."""
    return [
        one for one in group if one.time and one.count and one.time.low > 0 and math.isfinite(one.time.high)
    ]


def _fit_row(group: Sequence[Member], law: PowerLaw) -> dict[str, Any]:
    known = _measured(group)
    smallest, largest = known[0].count or 1, known[-1].count or 1
    row: dict[str, Any] = {name: known[0].row.get(name) for name in FIT_COLUMNS}
    row.update(
        accelerator_kind=known[0].kind,
        results=len(known),
        from_accelerators=smallest,
        to_accelerators=largest,
        scatter=None if law.exponent.warnings else law.scatter,
        differs=not law.exponent.low <= 1 <= law.exponent.high,
        warnings=";".join(law.exponent.warnings),
    )
    row |= _columns("exponent", law.exponent)
    row |= _columns("doubling", law.efficiency(2))
    row |= _columns("efficiency", law.efficiency(largest / smallest))
    return row
