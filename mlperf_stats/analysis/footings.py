"""On which footing times are compared: as run, at equal convergence, or each at its reference convergence."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from mlperf_stats.analysis.lenders import Lenders, as_converged_runs
from mlperf_stats.analysis.run_sets import RunSet
from mlperf_stats.errors import InputError, MlperfStatsError, NotComparableError
from mlperf_stats.rules.rcp import Basis, limit_at
from mlperf_stats.rules.rcp_data import reference_set

if TYPE_CHECKING:
    from mlperf_stats.stats.converged_runs import ConvergedRuns
    from mlperf_stats.stats.log_means import Borrowed, LogMean
    from mlperf_stats.stats.pool import Pool
    from mlperf_stats.stats.simultaneous import SharedError


class Footing(StrEnum):
    """What is compared."""

    AS_RUN = "as-run"
    EQUAL = "equal-convergence"
    REFERENCE = "reference-convergence"


SENTENCES = {
    Footing.AS_RUN: "As run: geometric mean time to train, convergence and throughput together.",
    Footing.EQUAL: "At equal convergence: the time that each takes for the same training progress.",
    Footing.REFERENCE: "At reference convergence: the time that each takes for the progress that the "
    "reference needs at its global batch size.",
}


@dataclass(frozen=True)
class Footed:
    """Mean log times of some results on one footing."""

    means: tuple[LogMean, ...]
    warnings: tuple[tuple[str, ...], ...]
    """Codes by result."""
    shared: SharedError | None = None
    at: tuple[float, ...] = ()
    """Training progress that each is taken at; empty as run."""
    unit: str = ""


def footed(lenders: Lenders, items: Sequence[RunSet], footing: Footing) -> Footed:
    """The results on a footing.

    Raises:
        NotComparableError: the footing needs what these results do not have; names one that would do.
        InputError: a result has no converged runs.
    """
    for item in items:
        if not item.minutes:
            raise InputError(f"{item.result.result_id}: no run converged; there is no time to compare")
    if footing is Footing.AS_RUN:
        return _as_run(lenders, items)
    if footing is Footing.EQUAL:
        return _at_equal_convergence(lenders, items)
    return _at_reference_convergence(lenders, items)


def as_run(lenders: Lenders, item: RunSet) -> tuple[LogMean, list[str]]:
    """Mean log time of one result as run, its spread steadied by other results, and what to know of it."""
    from mlperf_stats.stats import codes
    from mlperf_stats.stats.converged_runs import convergence_is_constant, typical_spread
    from mlperf_stats.stats.log_means import log_mean, log_mean_with_convergence

    warnings = list(_data_warnings(item))
    runs, home = as_converged_runs(item), lenders.home_pool(item)
    borrowed = _borrowed(home, item)
    if home is None or borrowed.convergence is None:
        tied = [codes.ONE_CONVERGENCE_POINT] if item.on_one_point else []
        alone = log_mean(item.minutes, borrowed, relative_step=lenders.relative_step(item))
        return alone, [*warnings, codes.NO_PEERS, *tied]
    if runs is None:
        return log_mean(item.minutes, borrowed), [*warnings, codes.CONVERGENCE_UNKNOWN]
    if convergence_is_constant(runs, typical_spread(home.sets)):
        return log_mean(item.minutes, borrowed), [*warnings, codes.CONVERGENCE_CONSTANT]
    return log_mean_with_convergence(runs, borrowed), warnings


def _as_run(lenders: Lenders, items: Sequence[RunSet]) -> Footed:
    found = [as_run(lenders, item) for item in items]
    return Footed(tuple(mean for mean, _ in found), tuple((*mean.warnings, *codes) for mean, codes in found))


def _borrowed(home: Pool | None, item: RunSet) -> Borrowed:
    from mlperf_stats.stats.log_means import NOTHING_BORROWED, borrow

    return borrow(home, float(item.gbs) if item.gbs else math.nan) if home else NOTHING_BORROWED


def _data_warnings(item: RunSet) -> list[str]:
    warnings = ["nonconverged-left-out"] if len(item.converged) < len(item.present) else []
    return [*warnings, "mixed-gbs"] if item.mixed_gbs else warnings


def _at_equal_convergence(lenders: Lenders, items: Sequence[RunSet]) -> Footed:
    from mlperf_stats.stats.log_means import log_mean_at

    sets, lent = _with_convergence(lenders, items, Footing.EQUAL)
    sizes = [str(item.gbs or "not logged") for item in items]
    if len(set(sizes)) > 1 or None in [item.gbs for item in items]:
        shared = [size for size, number in Counter(item.gbs for item in items).items() if size and number > 1]
        raise NotComparableError(
            "equal convergence needs one global batch size, because larger batches converge later; these "
            f"have {_by_value(items, sizes)}; compare --footing as-run, or --footing reference-convergence, "
            "which takes each at its own batch size" + (f", or --gbs {shared[0]} alone" if shared else "")
        )
    units = [item.converged[0].convergence_unit for item in items]
    if len(set(units)) > 1:
        raise NotComparableError(
            f"convergence is logged in different units ({_by_value(items, units)}); compare --footing as-run"
        )
    at = sum(runs.mean_convergence for runs in sets) / len(sets)
    means = tuple(log_mean_at(runs, borrowed, at) for runs, borrowed in zip(sets, lent, strict=True))
    warnings = tuple((*mean.warnings, *_data_warnings(item)) for mean, item in zip(means, items, strict=True))
    return Footed(means, warnings, at=(math.exp(at),) * len(items), unit=units[0])


def _with_convergence(
    lenders: Lenders, items: Sequence[RunSet], footing: Footing
) -> tuple[list[ConvergedRuns], list[Borrowed]]:
    """The runs of each with their convergence, and what others lend; refuses where it is not real."""
    from mlperf_stats.stats.converged_runs import convergence_is_constant, typical_spread

    sets, lent = [], []
    for item in items:
        runs, home = as_converged_runs(item), lenders.home_pool(item)
        reason = None
        if runs is None:
            reason = "some runs log no convergence point, or runs differ in batch size"
        elif home is not None and convergence_is_constant(runs, typical_spread(home.sets)):
            reason = "its logs repeat one convergence point for runs that took different work"
        if runs is None or reason:
            raise NotComparableError(
                f"{item.result.result_id} cannot be compared at {footing.value.replace('-', ' ')}: {reason}; "
                "compare --footing as-run"
            )
        sets.append(runs)
        lent.append(_borrowed(home, item))
    return sets, lent


def _by_value(items: Sequence[RunSet], values: Sequence[str]) -> str:
    """Every value with the results that have it, of several one by name."""
    groups: dict[str, list[str]] = {}
    for item, value in zip(items, values, strict=True):
        groups.setdefault(value, []).append(item.result.result_id)
    return ", ".join(
        f"{value} ({names[0]}{f' and {len(names) - 1} more' if len(names) > 1 else ''})"
        for value, names in groups.items()
    )


def _at_reference_convergence(lenders: Lenders, items: Sequence[RunSet]) -> Footed:
    from mlperf_stats.stats.log_means import log_mean_at
    from mlperf_stats.stats.simultaneous import SharedError

    sets, lent = _with_convergence(lenders, items, Footing.REFERENCE)
    points = [_reference_point(item) for item in items]
    groups = {key: number for number, key in enumerate(dict.fromkeys(point.key for point in points))}
    by_group = {point.key: point for point in points}
    means = tuple(
        log_mean_at(runs, borrowed, math.log(point.mean))
        for runs, borrowed, point in zip(sets, lent, points, strict=True)
    )
    return Footed(
        means,
        tuple((*mean.warnings, *_data_warnings(item)) for mean, item in zip(means, items, strict=True)),
        SharedError(
            tuple(groups[point.key] for point in points),
            tuple(by_group[key].variance for key in groups),
            tuple(by_group[key].df for key in groups),
        ),
        at=tuple(point.mean for point in points),
        unit=items[0].converged[0].convergence_unit,
    )


@dataclass(frozen=True, slots=True)
class _ReferencePoint:
    key: tuple[str, str, int]
    mean: float
    variance: float
    """Of the logarithm of the mean: the reference has few runs too."""
    df: float


def _reference_point(item: RunSet) -> _ReferencePoint:
    result = item.result
    way_out = "compare --footing as-run"
    if result.division != "closed":
        raise NotComparableError(
            f"{result.result_id}: reference convergence holds for the closed division; {way_out}"
        )
    try:
        references = reference_set(result.round, result.benchmark)
    except MlperfStatsError as error:
        raise NotComparableError(f"{result.result_id}: {error}; or {way_out}") from error
    unit = item.converged[0].convergence_unit
    if unit != references.unit or not item.gbs:
        logged = f"counts {unit}s, the reference {references.unit}s" if item.gbs else "has no one batch size"
        raise NotComparableError(f"{result.result_id} {logged}; {way_out}")
    basis, limit = limit_at(item.gbs, references)
    if limit is None or basis is Basis.SMALLEST:
        sizes = ", ".join(str(point.gbs) for point in references.points)
        raise NotComparableError(
            f"{result.result_id}: its global batch size {item.gbs} is outside the reference's ({sizes}); "
            f"{way_out}"
        )
    spread = limit.sd / limit.mean
    return _ReferencePoint(
        (references.benchmark.round, references.benchmark.name, item.gbs),
        limit.mean,
        spread**2 / limit.values,
        float(limit.values - 1),
    )
