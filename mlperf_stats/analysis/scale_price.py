"""The price of scale, taken apart: lost efficiency = throughput loss × convergence loss.

For two results of one family (submitter, kind of accelerator, round, benchmark, division) of different size:

- *loss*: accelerator-minutes of the larger over those of the smaller, as measured;
- *throughput loss*: the same for the time that a unit of training takes, start-up and evaluations included;
- *convergence loss*: how much more training the larger needs to the target, which a larger batch makes it.

Convergence is what own runs and those of others say together. The check uses less: what all others but these
two results say of convergence at both batch sizes, times own throughput, *foresees* the loss of as many runs;
``agrees`` says whether the measured one lies in that interval. The parts make up the product by construction;
the foreseen loss can miss.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from mlperf_stats.analysis.lenders import Lenders, accelerator_kind, as_converged_runs
from mlperf_stats.analysis.one_benchmark import sets_of_one_benchmark
from mlperf_stats.analysis.run_sets import Key, RunSet
from mlperf_stats.analysis.summaries import DEFAULT_LEVEL
from mlperf_stats.analysis.tables import Columns, Tables
from mlperf_stats.errors import RoundUnknownError, RulesError
from mlperf_stats.rules.wording import DERIVED
from mlperf_stats.store.database import Store
from mlperf_stats.store.queries import Filters

if TYPE_CHECKING:
    from mlperf_stats.stats.interval import Interval
    from mlperf_stats.stats.scaling import TimeParts

_PARTS = ("loss", "throughput", "convergence", "product", "foreseen", "reference")
COLUMNS = (
    "round",
    "division",
    "benchmark",
    "submitter",
    "accelerator_kind",
    "smaller",
    "larger",
    "smaller_accelerators",
    "larger_accelerators",
    "smaller_gbs",
    "larger_gbs",
    *(f"{name}{end}" for name in _PARTS for end in ("", "_low", "_high")),
    "agrees",
    "note",
)
"""Columns per pair. ``product`` is throughput × convergence; ``foreseen`` the same with the convergence of
others alone, for as many runs; ``reference`` the convergence loss of the reference (RCPs)."""

Pair = tuple[RunSet, RunSet]


@dataclass(frozen=True)
class ScalePrice(Tables):
    """Pairs of results, each with its lost efficiency and the parts of it."""

    TABLES: ClassVar[Columns] = {"rows": COLUMNS}

    rows: tuple[dict[str, Any], ...]
    level: float
    columns: tuple[str, ...] = COLUMNS
    disclosure: str = DERIVED

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "level": self.level,
            "disclosure": self.disclosure,
            "pairs": [dict(row) for row in self.rows],
        }


def scale_price(
    store: Store,
    filters: Filters,
    *,
    all_pairs: bool = False,
    level: float = DEFAULT_LEVEL,
    on_progress: Callable[[int, int], None] | None = None,
) -> ScalePrice:
    """Lost efficiency of one benchmark's results and its parts.

    Args:
        store: Any open store; all of it lends.
        filters: They must leave one benchmark.
        all_pairs: Every pair of a family; by default the smallest with each larger one.
        level: Confidence level of every interval.
        on_progress: Called with pairs done and in all.

    Raises:
        NotFoundError: no result fits.
        InputError: several benchmarks fit.
        StatisticsError: ``level`` is not between 0 and 1.
    """
    from mlperf_stats.stats.sample import check_level

    level = check_level(level)
    lenders, chosen = sets_of_one_benchmark(store, filters)
    families: dict[tuple[str, ...], list[RunSet]] = {}
    for item in chosen:
        if item.result.accelerators and item.minutes:
            families.setdefault(_family(item), []).append(item)
    parts: dict[Key, TimeParts | None] = {}
    rows = []
    pairs = [pair for group in families.values() for pair in _pairs(group, all_pairs)]
    for number, pair in enumerate(pairs, start=1):
        for item in pair:
            if item.result.key not in parts:
                parts[item.result.key] = _parts_of(lenders, item)
        row = _row(pair)
        of_smaller, of_larger = (parts[item.result.key] for item in pair)
        if of_smaller is None or of_larger is None or _unit(pair[0]) != _unit(pair[1]):
            row["note"] = "convergence is not known well enough to be told apart"
        else:
            row |= _losses(pair, of_smaller, of_larger, level) | _check(lenders, pair, level)
        reference = reference_loss(pair, level)
        rows.append(row if reference is None else row | _columns("reference", reference))
        if on_progress:
            on_progress(number, len(pairs))
    return ScalePrice(tuple(rows), level)


def _parts_of(lenders: Lenders, item: RunSet) -> TimeParts | None:
    """The parts of a result's time; None where they cannot be told apart."""
    from mlperf_stats.stats.scaling import time_parts

    runs, prior = as_converged_runs(item), lenders.prior_of(item)
    return None if runs is None or prior is None else time_parts(runs, prior)


def _family(item: RunSet) -> tuple[str, ...]:
    one = item.result
    return one.round, one.division, one.benchmark, one.submitter.casefold(), accelerator_kind(one.accelerator)


def _pairs(group: Sequence[RunSet], every: bool) -> Iterator[Pair]:
    """Pairs of different size, the smaller first; of several smallest the one that takes least."""
    ordered = sorted(group, key=lambda item: (item.result.accelerators, _accelerator_minutes(item)))
    for index, smaller in enumerate(ordered if every else ordered[:1]):
        for larger in ordered[index + 1 :]:
            if larger.result.accelerators != smaller.result.accelerators:
                yield smaller, larger


def _accelerator_minutes(item: RunSet) -> float:
    logs = [math.log(minutes) for minutes in item.minutes]
    return math.exp(math.fsum(logs) / len(logs)) * (item.result.accelerators or 0)


def _row(pair: Pair) -> dict[str, Any]:
    smaller, larger = (item.result for item in pair)
    row: dict[str, Any] = {name: getattr(smaller, name, None) for name in COLUMNS}
    row.update(
        accelerator_kind=accelerator_kind(smaller.accelerator),
        smaller=smaller.result_id,
        larger=larger.result_id,
        smaller_accelerators=smaller.accelerators,
        larger_accelerators=larger.accelerators,
        smaller_gbs=pair[0].gbs,
        larger_gbs=pair[1].gbs,
        note="",
    )
    return row


def _losses(pair: Pair, smaller: TimeParts, larger: TimeParts, level: float) -> dict[str, Any]:
    """The measured loss, its parts and their product."""
    from mlperf_stats.stats.scaling import ratio_of_laws

    row: dict[str, Any] = {}
    for name, above, below in (
        ("loss", larger.measured, smaller.measured),
        ("throughput", larger.throughput, smaller.throughput),
        ("convergence", larger.convergence, smaller.convergence),
        ("product", larger.product, smaller.product),
    ):
        grown = 0.0 if name == "convergence" else _growth(pair)
        n = smaller.n + larger.n
        row |= _columns(name, ratio_of_laws(above, below, log_factor=grown, level=level, estimand=name, n=n))
    return row


def _check(lenders: Lenders, pair: Pair, level: float) -> dict[str, Any]:
    """The loss that all other results foresee, and whether the measured one agrees."""
    from mlperf_stats.stats.scaling import foreseen_time, ratio_of_laws

    laws, means = [], []
    for item in pair:
        runs, prior = as_converged_runs(item), lenders.prior_of(item, apart=pair)
        law = foreseen_time(runs, prior, runs.n) if runs and prior else None
        if runs is None or law is None:
            return {"note": "nobody else says anything of convergence here"}
        laws.append(law)
        means.append(float(runs.log_time.mean()))
    growth, n = _growth(pair), sum(len(item.minutes) for item in pair)
    found = ratio_of_laws(laws[1], laws[0], log_factor=growth, level=level, estimand="foreseen", n=n)
    measured = math.exp(means[1] - means[0] + growth)
    return {**_columns("foreseen", found), "agrees": found.low <= measured <= found.high}


def _growth(pair: Pair) -> float:
    """Log of the ratio of accelerator counts."""
    smaller, larger = (item.result.accelerators or 1 for item in pair)
    return math.log(larger / smaller)


def _unit(item: RunSet) -> str:
    return item.converged[0].convergence_unit


def _columns(name: str, interval: Interval) -> dict[str, float]:
    return {name: interval.estimate, f"{name}_low": interval.low, f"{name}_high": interval.high}


def reference_loss(pair: Pair, level: float) -> Interval | None:
    """Training that the reference needs at the larger batch size over that at the smaller one.

    None unless it has points at both, measured or between two that are, and they can be read.
    """
    from mlperf_stats.stats.recovered_variances import ratio_interval

    below, above = (_reference(item, level) for item in pair)
    return None if below is None or above is None else ratio_interval(above, below)


def _reference(item: RunSet, level: float) -> Interval | None:
    from mlperf_stats.rules.rcp import Basis, Variant, limit_at
    from mlperf_stats.rules.rcp_data import reference_set
    from mlperf_stats.stats.interval import Interval
    from mlperf_stats.stats.t_log import t_quantile

    if item.gbs is None:
        return None
    try:
        references = reference_set(item.result.round, item.result.benchmark)
    except (RulesError, RoundUnknownError):
        return None
    basis, limit = limit_at(item.gbs, references, Variant.OFFICIAL_CODE)
    if limit is None or basis not in (Basis.FOUND, Basis.INTERPOLATED):
        return None
    half = t_quantile(level, limit.values - 1) * limit.sd / limit.mean / math.sqrt(limit.values)
    low, high = limit.mean * math.exp(-half), limit.mean * math.exp(half)
    return Interval(limit.mean, low, high, level, level, "t", "reference-convergence", limit.values)
