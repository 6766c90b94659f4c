"""How much more training do larger batches need? — work to the target against batch size, with its law.

A point is one global batch size in one round and division: the mean over submissions, each a geometric mean
over its runs, counted once however often its logs were filed. Reference runs (RCPs) make points of their own.
The unit of work is the logs' own (epochs or samples); a law's shape does not depend on it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from mlperf_stats.analysis.one_benchmark import sets_of_one_benchmark
from mlperf_stats.analysis.run_sets import RunSet
from mlperf_stats.analysis.summaries import DEFAULT_LEVEL
from mlperf_stats.analysis.tables import Columns, Tables
from mlperf_stats.errors import RoundUnknownError, RulesError
from mlperf_stats.rules.wording import DERIVED
from mlperf_stats.store.database import Store
from mlperf_stats.store.queries import Filters

if TYPE_CHECKING:
    from mlperf_stats.stats.converged_runs import ConvergedRuns
    from mlperf_stats.stats.size_curve import SizeCurve

Table = Literal["points", "laws"]
Source = Literal["submissions", "reference"]

POINT_COLUMNS = (
    "round",
    "division",
    "benchmark",
    "source",
    "gbs",
    "results",
    "runs",
    "unit",
    "convergence",
    "convergence_low",
    "convergence_high",
    "law",
    "law_low",
    "law_high",
)
"""Columns per batch size: mean work to the target with its interval, and what the law says, with its band."""

FEWEST_DF = 2
"""Of an interval of the work: one degree of freedom, two means, would span decades and say nothing."""

LAW_COLUMNS = (
    "round",
    "division",
    "benchmark",
    "source",
    "sizes",
    "from_gbs",
    "to_gbs",
    "unit",
    "least",
    "least_low",
    "least_high",
    "critical_gbs",
    "critical_gbs_low",
    "critical_gbs_high",
    "loss",
    "loss_low",
    "loss_high",
    "scatter",
    "differs",
    "warnings",
)
"""Columns per law, ``least · (1 + gbs / critical_gbs)``. ``loss`` is the work at the largest over that at the
smallest batch size, ``differs`` whether its interval leaves out 1."""

_FLAT = 1.01
"""The law never falls, so that no interval of its growth holds 1; less than this is none to speak of."""


@dataclass(frozen=True)
class ScaleCurve(Tables):
    """Work to the target by batch size, and the law of each round."""

    TABLES: ClassVar[Columns] = {"points": POINT_COLUMNS, "laws": LAW_COLUMNS}

    points: tuple[dict[str, Any], ...]
    laws: tuple[dict[str, Any], ...]
    level: float
    disclosure: str = DERIVED

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "level": self.level,
            "disclosure": self.disclosure,
            "points": [dict(row) for row in self.points],
            "laws": [dict(row) for row in self.laws],
        }


@dataclass(frozen=True, slots=True)
class _Point:
    """Mean log work of one batch size."""

    gbs: float
    mean: float
    variance: float
    df: float
    results: int
    runs: int


def scale_curve(store: Store, filters: Filters, *, level: float = DEFAULT_LEVEL) -> ScaleCurve:
    """Work to the target against batch size for one benchmark, with a law where three sizes are at hand.

    Args:
        store: Any open store.
        filters: They must leave one benchmark.
        level: Confidence level of every interval and band.

    Raises:
        NotFoundError: no result fits.
        InputError: several benchmarks fit.
        StatisticsError: ``level`` is not between 0 and 1.
    """
    from mlperf_stats.stats.sample import check_level

    level = check_level(level)
    lenders, chosen = sets_of_one_benchmark(store, filters)
    wanted = {item.result.key for item in chosen}
    groups: dict[tuple[str, str, str], list[RunSet]] = {}
    for item in chosen:
        one = item.result
        groups.setdefault((one.round, one.division, one.benchmark), []).append(item)
    points: list[dict[str, Any]] = []
    laws: list[dict[str, Any]] = []
    for (round_, division, benchmark), items in groups.items():
        unit = items[0].rules.convergence_unit
        told = {"round": round_, "division": division, "benchmark": benchmark, "unit": unit}
        submitted = [one.runs for one in lenders.of_round(items[0]) if one.key in wanted]
        found = _of_submissions(submitted, lenders.step_of(items[0]))
        _add(points, laws, told | {"source": "submissions"}, found, level)
        if division == "closed":
            _add(points, laws, told | {"source": "reference"}, _of_reference(round_, benchmark), level)
    return ScaleCurve(tuple(points), tuple(laws), level)


def _of_submissions(sets: Sequence[ConvergedRuns], step: float) -> list[_Point]:
    """A point per batch size, without sets whose convergence cannot be compared.

    Means of one size differ by chance and by configuration; their variance is pooled over sizes. Where no
    size has two sets, the variance within sets is all there is. Runs that tie on a grid of evaluations a
    ``step`` apart are evidence of little variance, not of none.
    """
    from mlperf_stats.stats.pool import pool

    if not sets:
        return []
    together = pool(sets, step)
    kept = [one for one in together.sets if not math.isnan(one.size)]
    cells: dict[float, list[ConvergedRuns]] = {}
    for one in kept:
        cells.setdefault(one.size, []).append(one)
    between = sum(float(np.var(_means(cell))) * len(cell) for cell in cells.values())
    between_df = len(kept) - len(cells)
    within_df = sum(one.n - 1 for one in kept)
    least = together.floor(float(sum(one.n for one in kept)))
    within = max(sum(one.sum_of_squares for one in kept) / within_df, least) if within_df else math.nan
    found = []
    for size, cell in sorted(cells.items()):
        runs = sum(one.n for one in cell)
        # Sets count alike in the mean, however many runs they have.
        variance, df = within * sum(1 / one.n for one in cell) / len(cell) ** 2, within_df
        # Single runs alone have no variance within sets: that is NaN, and never larger.
        if between_df and not between / between_df / len(cell) < variance:
            variance, df = between / between_df / len(cell), between_df
        found.append(_Point(size, float(np.mean(_means(cell))), variance, df, len(cell), runs))
    return found


def _means(cell: Sequence[ConvergedRuns]) -> list[float]:
    return [one.mean_convergence for one in cell]


def _of_reference(round_: str, benchmark: str) -> list[_Point]:
    """A point per batch size of the reference; none where there are no RCPs or they cannot be read."""
    from mlperf_stats.rules.rcp_data import reference_set

    try:
        references = reference_set(round_, benchmark)
    except (RulesError, RoundUnknownError):
        return []
    logs = [(point.gbs, np.log(point.values)) for point in references.points if len(point.values) > 1]
    df = sum(values.size - 1 for _, values in logs)
    pooled = sum(float(values.var()) * values.size for _, values in logs) / df if df else math.nan
    return [
        _Point(float(gbs), float(values.mean()), pooled / values.size, df, 1, values.size)
        for gbs, values in sorted(logs, key=lambda item: item[0])
    ]


def _add(
    points: list[dict[str, Any]],
    laws: list[dict[str, Any]],
    told: dict[str, Any],
    found: Sequence[_Point],
    level: float,
) -> None:
    curve = _curve(found, level)
    points.extend(_point_row(told, point, curve, level) for point in found)
    if curve is not None:
        laws.append(_law_row(told, found, curve, level))


def _curve(found: Sequence[_Point], level: float) -> SizeCurve | None:
    from mlperf_stats.stats.size_curve import FEWEST_SIZES, size_curve

    if len(found) < FEWEST_SIZES:
        return None
    return size_curve(
        [point.gbs for point in found],
        [math.exp(point.mean) for point in found],
        [0.0 if math.isnan(point.variance) else point.variance for point in found],
        level=level,
    )


def _point_row(told: dict[str, Any], point: _Point, curve: SizeCurve | None, level: float) -> dict[str, Any]:
    from mlperf_stats.stats.t_log import t_quantile

    row: dict[str, Any] = dict.fromkeys(POINT_COLUMNS) | told
    row.update(gbs=int(point.gbs), results=point.results, runs=point.runs, convergence=math.exp(point.mean))
    if point.df >= FEWEST_DF and math.isfinite(point.variance):
        half = t_quantile(level, point.df) * math.sqrt(point.variance)
        row.update(convergence_low=math.exp(point.mean - half), convergence_high=math.exp(point.mean + half))
    if curve is not None:
        band = curve.at(point.gbs)
        row.update(law=band.estimate, law_low=band.low, law_high=band.high)
    return row


def _law_row(told: dict[str, Any], found: Sequence[_Point], curve: SizeCurve, level: float) -> dict[str, Any]:
    smallest, largest = curve.sizes
    least, loss = curve.at(0), curve.growth(smallest, largest)
    return (
        dict.fromkeys(LAW_COLUMNS)
        | told
        | {
            "sizes": len(found),
            "from_gbs": int(smallest),
            "to_gbs": int(largest),
            "least": least.estimate,
            "least_low": least.low,
            "least_high": least.high,
            "critical_gbs": curve.critical.estimate,
            "critical_gbs_low": curve.critical.low,
            "critical_gbs_high": curve.critical.high,
            "loss": loss.estimate,
            "loss_low": loss.low,
            "loss_high": loss.high,
            "scatter": curve.scatter,
            "differs": loss.low > _FLAT,
            "warnings": ";".join(curve.critical.warnings),
        }
    )
