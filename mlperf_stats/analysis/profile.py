"""Which system is close to the best on most benchmarks? — performance profiles of one round's systems.

A system here is one folder of a submitter, or one machine whose folders (one per framework) are joined.
Times are expected times of a run (controlled for convergence), or accelerator-minutes. A benchmark that a
system has no time for counts as never close to the best: the profile of an incomplete system ends below 1,
and the table says why.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from mlperf_stats.analysis.filter_values import nothing_fits
from mlperf_stats.analysis.lenders import accelerator_kind
from mlperf_stats.analysis.one_benchmark import closed_by_default
from mlperf_stats.analysis.results import ResultsTable, results_table
from mlperf_stats.analysis.summaries import DEFAULT_LEVEL
from mlperf_stats.analysis.tables import Columns, Tables
from mlperf_stats.errors import InputError
from mlperf_stats.rules.wording import DERIVED
from mlperf_stats.store.database import Store
from mlperf_stats.store.queries import Filters, StoredResult

if TYPE_CHECKING:
    from mlperf_stats.stats.performance_profile import PerformanceProfile

Table = Literal["systems", "curve"]

SHOWN_FACTORS = (1.0, 1.1, 1.25, 1.5, 2.0, 4.0)
"""Factors of the table of systems."""

CURVE_FACTORS = tuple(round(2 ** (step / 12), 6) for step in range(4 * 12 + 1))
"""Factors of the curve: 12 to the doubling, up to 16."""

SYSTEM_COLUMNS = (
    "submission",
    "folders",
    "frameworks",
    "round",
    "division",
    "submitter",
    "system",
    "accelerator_kind",
    "accelerators",
    "benchmarks",
    "complete",
    "missing",
    *(f"within_{factor:g}{end}" for factor in SHOWN_FACTORS for end in ("", "_low", "_high")),
)
"""Columns per system; ``folders`` and ``frameworks`` are several where folders were joined. ``within_F`` is
the share of the benchmarks on which it takes at most F times as much as the best."""

CURVE_COLUMNS = ("submission", "factor", "share", "share_low", "share_high", "expected")
"""Columns per system and factor; ``expected`` is the mean share over the uncertainty of all times."""


@dataclass(frozen=True)
class Profile(Tables):
    """Performance profiles of the systems of one round and division."""

    TABLES: ClassVar[Columns] = {"systems": SYSTEM_COLUMNS, "curve": CURVE_COLUMNS}

    systems: tuple[dict[str, Any], ...]
    """The most complete first, among those the ones most often the best, then most often close to it."""
    curve: tuple[dict[str, Any], ...]
    benchmarks: tuple[str, ...]
    """Those that the shares are of."""
    alone: tuple[str, ...]
    """Benchmarks that a single system has: it is the best of one."""
    per_accelerator: bool
    """Whether accelerator-minutes are compared instead of minutes."""
    level: float
    disclosure: str = DERIVED

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "level": self.level,
            "per_accelerator": self.per_accelerator,
            "benchmarks": list(self.benchmarks),
            "alone": list(self.alone),
            "disclosure": self.disclosure,
            "systems": [dict(row) for row in self.systems],
            "curve": [dict(row) for row in self.curve],
        }


def profile(
    store: Store,
    filters: Filters,
    *,
    per_accelerator: bool = False,
    complete_only: bool = False,
    join_frameworks: bool = False,
    level: float = DEFAULT_LEVEL,
    on_progress: Callable[[int, int], None] | None = None,
) -> Profile:
    """Performance profiles of the systems that fit ``filters``, on the benchmarks that fit them.

    Args:
        store: Any open store.
        filters: They must leave one round; without a division, the closed one is taken.
        per_accelerator: Compare accelerator-minutes.
        complete_only: Leave out systems that lack a benchmark. The best is then of those that stay.
        join_frameworks: Count folders of one submitter as one machine where they describe the same hardware
            and hold no benchmark twice. The rules' result sets have one framework; the table names all.
        level: Level of the bands.
        on_progress: Called with results done and in all, where figures are not stored at ``level``.

    Raises:
        NotFoundError: no result fits.
        InputError: several rounds or divisions fit, or fewer than two systems.
        StatisticsError: ``level`` is not between 0 and 1.
    """
    from mlperf_stats.stats.sample import check_level

    level = check_level(level)
    chosen = closed_by_default(store, filters)
    if not chosen:
        raise nothing_fits(store, filters)
    _require_one_round(chosen)
    owners = (
        _machines(chosen) if join_frameworks else {one.result_id: _folder(one.result_id) for one in chosen}
    )
    table = results_table(store, filters, level=level, on_progress=on_progress)
    systems = _by_system(table, owners, per_accelerator)
    benchmarks = tuple(sorted({name for one in systems.values() for name in one.times}))
    if complete_only:
        systems = {name: one for name, one in systems.items() if len(one.times) == len(benchmarks)}
    if len(systems) < 2:
        kind = "complete systems" if complete_only else "systems"
        left = f"leave {len(systems)} on {', '.join(benchmarks)}" if benchmarks else "leave no time of any"
        raise InputError(
            f"a profile compares two or more {kind}, and these filters {left}; widen the filters or name "
            "fewer benchmarks"
        )
    return _profile(list(systems.values()), benchmarks, per_accelerator, level)


def _require_one_round(chosen: Sequence[StoredResult]) -> None:
    for name, option in (("round", "--round"), ("division", "--division")):
        found = list(dict.fromkeys(getattr(result, name) or "not stated" for result in chosen))
        if len(found) > 1:
            raise InputError(
                f"systems are compared within one {name}, and these filters fit {', '.join(found)}; "
                f"add {option} {found[-1]}, for example"
            )


def _folder(result_id: str) -> str:
    """Round, submitter and system of a result."""
    return result_id.rpartition("/")[0]


def _machines(chosen: Sequence[StoredResult]) -> dict[str, str]:
    """By result the first folder of its machine; folders that hold a benchmark twice stay apart."""
    machines: dict[tuple[object, ...], list[StoredResult]] = {}
    for one in chosen:
        hardware = (one.accelerator, one.accelerators, one.nodes, one.host_processor, one.host_processors)
        machines.setdefault((one.submitter.casefold(), one.availability, *hardware), []).append(one)
    owners = {}
    for results in machines.values():
        once = len({one.benchmark for one in results}) == len(results)
        for one in results:
            owners[one.result_id] = _folder(results[0].result_id if once else one.result_id)
    return owners


@dataclass(frozen=True)
class _System:
    """One system's times."""

    name: str
    rows: list[dict[str, Any]]
    """Of the results table."""
    times: dict[str, tuple[float, float]]
    """By benchmark: log of the time and its standard deviation."""


def _by_system(table: ResultsTable, owners: Mapping[str, str], per_accelerator: bool) -> dict[str, _System]:
    """Systems by name, of the results in ``owners`` that have a time."""
    systems: dict[str, _System] = {}
    for row in table:
        name = owners.get(row["result_id"])
        time = _log_time(row, table.level, per_accelerator) if name else None
        if name is not None and time is not None:
            one = systems.setdefault(name, _System(name, [], {}))
            one.rows.append(row)
            one.times[row["benchmark"]] = time
    return systems


def _log_time(row: dict[str, Any], level: float, per_accelerator: bool) -> tuple[float, float] | None:
    """Log of the expected time and its standard deviation; None where there is none, or no count to use."""
    from mlperf_stats.stats.interval import Interval
    from mlperf_stats.stats.recovered_variances import log_deviation

    estimate, low, high = (row[f"controlled_{name}"] for name in ("minutes", "low", "high"))
    factor = row["accelerators"] if per_accelerator else 1
    if estimate is None or not factor or low <= 0 or math.isinf(high):
        return None
    interval = Interval(estimate, low, high, level, level, "controlled", "geometric-mean", 1)
    return math.log(estimate * factor), log_deviation(interval)


def _profile(
    systems: Sequence[_System], benchmarks: tuple[str, ...], per_accelerator: bool, level: float
) -> Profile:
    import numpy as np

    from mlperf_stats.stats.performance_profile import performance_profile

    shape = (len(systems), len(benchmarks))
    times, deviations = np.full(shape, np.inf), np.zeros(shape)
    for row, one in enumerate(systems):
        for column, name in enumerate(benchmarks):
            if name in one.times:
                times[row, column], deviations[row, column] = one.times[name]
    factors = sorted({*SHOWN_FACTORS, *CURVE_FACTORS})
    found = performance_profile(times, deviations, factors, level)
    shown = [_system_row(one, benchmarks, found, number) for number, one in enumerate(systems)]
    order = sorted(range(len(systems)), key=lambda number: _rank(shown[number], found, number))
    counts = {name: sum(name in one.times for one in systems) for name in benchmarks}
    return Profile(
        systems=tuple(shown[number] for number in order),
        curve=tuple(row for number in order for row in _curve_rows(systems[number], found, number)),
        benchmarks=benchmarks,
        alone=tuple(name for name, count in counts.items() if count == 1),
        per_accelerator=per_accelerator,
        level=level,
    )


def _rank(row: dict[str, Any], found: PerformanceProfile, number: int) -> tuple[float, ...]:
    """The most complete first, then by the shares in the table, best first, then by the whole curve."""
    shares = (-row[f"within_{factor:g}"] for factor in SHOWN_FACTORS)
    return -row["benchmarks"], *shares, -float(found.expected[number].sum())


def _system_row(
    one: _System, benchmarks: Sequence[str], found: PerformanceProfile, number: int
) -> dict[str, Any]:
    first = one.rows[0]
    row: dict[str, Any] = {name: first.get(name) for name in SYSTEM_COLUMNS}
    missing = [name for name in benchmarks if name not in one.times]
    row.update(
        submission=one.name,
        folders=sorted({_folder(row["result_id"]) for row in one.rows}),
        frameworks=sorted({row["framework"] for row in one.rows}),
        accelerator_kind=accelerator_kind(first["accelerator"]),
        benchmarks=len(one.times),
        complete=not missing,
        missing=";".join(missing),
    )
    for factor in SHOWN_FACTORS:
        at = int(abs(found.factors - factor).argmin())
        row[f"within_{factor:g}"] = float(found.shares[number, at])
        row[f"within_{factor:g}_low"] = float(found.lows[number, at])
        row[f"within_{factor:g}_high"] = float(found.highs[number, at])
    return row


def _curve_rows(one: _System, found: PerformanceProfile, number: int) -> list[dict[str, Any]]:
    columns = (
        found.factors,
        *(part[number] for part in (found.shares, found.lows, found.highs, found.expected)),
    )
    return [
        {"submission": one.name, **dict(zip(CURVE_COLUMNS[1:], map(float, values), strict=True))}
        for values in zip(*columns, strict=True)
    ]
