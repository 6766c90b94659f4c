"""The words of the Python interface: ``import mlperf_stats as ms; ms.published().filter(…)``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from mlperf_stats.analysis.at_hand import logs_at_hand
from mlperf_stats.analysis.audit import plan_audit as _plan_audit
from mlperf_stats.analysis.check import CheckReport
from mlperf_stats.analysis.check import check as _check
from mlperf_stats.analysis.compare import Comparison
from mlperf_stats.analysis.compare import compare as _compare
from mlperf_stats.analysis.filter_values import filters_of
from mlperf_stats.analysis.history import History
from mlperf_stats.analysis.history import history as _history
from mlperf_stats.analysis.plan import Plan
from mlperf_stats.analysis.plan import plan_detect as _plan_detect
from mlperf_stats.analysis.plan import plan_width as _plan_width
from mlperf_stats.analysis.plan_controlled import controlled_widths
from mlperf_stats.analysis.plan_cost import plan_cost as _plan_cost
from mlperf_stats.analysis.plan_cost import plan_valid as _plan_valid
from mlperf_stats.analysis.plan_cost import price_of
from mlperf_stats.analysis.profile import Profile
from mlperf_stats.analysis.profile import profile as _profile
from mlperf_stats.analysis.rcp import RcpReport, rcp_of
from mlperf_stats.analysis.results import ResultsTable, results_table
from mlperf_stats.analysis.scale import ScaleReport, scale_report
from mlperf_stats.analysis.scale_curve import ScaleCurve
from mlperf_stats.analysis.scale_curve import scale_curve as _scale_curve
from mlperf_stats.analysis.scale_differences import ScaleDifferences
from mlperf_stats.analysis.scale_differences import scale_differences as _scale_differences
from mlperf_stats.analysis.scale_price import ScalePrice, scale_price
from mlperf_stats.analysis.show import ResultDetail, show_result
from mlperf_stats.analysis.spread import Spread, spread_for
from mlperf_stats.analysis.summaries import DEFAULT_LEVEL
from mlperf_stats.analysis.summary_score import SummaryReport
from mlperf_stats.analysis.summary_score import combine as _combine
from mlperf_stats.rules.rcp import Variant
from mlperf_stats.store.database import open_snapshot, open_store

__all__ = [
    "check",
    "combine",
    "compare",
    "history",
    "plan_audit",
    "plan_cost",
    "plan_detect",
    "plan_valid",
    "plan_width",
    "profile",
    "published",
    "rcp",
    "results",
    "scale",
    "scale_curve",
    "scale_differences",
    "scale_parts",
    "show",
    "spread",
]


def published(*, level: float = DEFAULT_LEVEL) -> ResultsTable:
    """All published results that come with the package, with intervals at ``level``."""
    with open_snapshot() as store:
        return results_table(store, level=level)


def results(
    db: str | os.PathLike[str] | None = None, *, include_published: bool = True, level: float = DEFAULT_LEVEL
) -> ResultsTable:
    """The results of a database (None: the user's default one), over the published ones."""
    with open_store(db, published=include_published) as store:
        return results_table(store, level=level)


def show(
    result_id: str, db: str | os.PathLike[str] | None = None, *, level: float = DEFAULT_LEVEL
) -> ResultDetail:
    """Everything about one result: its runs, evaluations, problems and sources."""
    with open_store(db) as store:
        return show_result(store, result_id, level=level)


def spread(
    benchmark: str = "",
    *,
    rounds: Sequence[str] = (),
    gbs: int | None = None,
    pilot: str | os.PathLike[str] | None = None,
    db: str | os.PathLike[str] | None = None,
) -> Spread:
    """How single runs scatter, to plan from: published runs of a benchmark, a pilot, or both."""
    with open_store(db) as store:
        return spread_for(store, benchmark, rounds=rounds, gbs=gbs, pilot=pilot)


def plan_width(source: str | Spread, half_width: float, **options: Any) -> Plan:
    """Runs for an interval that narrow; ``source`` is a benchmark or what :func:`spread` gave.

    ``options`` as of :func:`mlperf_stats.analysis.plan.plan_width`; the other plans likewise. A benchmark
    that is named is planned with the convergence-controlled estimate as well.
    """
    if isinstance(source, str) and "controlled" not in options:
        with open_store() as store:
            found = spread_for(store, source)
            return _plan_width(found, half_width, controlled=controlled_widths(store, found), **options)
    return _plan_width(_spread_of(source), half_width, **options)


def plan_detect(source: str | Spread, difference: float, **options: Any) -> Plan:
    """Runs per system to detect a difference, or (``equivalence=``) to show equality."""
    return _plan_detect(_spread_of(source), difference, **options)


def plan_valid(source: str | Spread, **options: Any) -> Plan:
    """How likely results are invalid, and how many runs to launch."""
    return _plan_valid(_spread_of(source), **options)


def plan_cost(
    source: str | Spread,
    half_width: float,
    *,
    minutes: float | None = None,
    accelerators: int | None = None,
    price_per_hour: float | None = None,
    **options: Any,
) -> Plan:
    """Runs that are probably valid and narrow, with their costs."""
    found = _spread_of(source)
    return _plan_cost(found, half_width, price_of(found, minutes, accelerators, price_per_hour), **options)


def plan_audit(db: str | os.PathLike[str] | None = None, **options: Any) -> Plan:
    """What the official number of runs buys, benchmark by benchmark."""
    with open_store(db) as store:
        return _plan_audit(store, **options)


def _spread_of(source: str | Spread) -> Spread:
    return spread(source) if isinstance(source, str) else source


def compare(
    *names: str,
    db: str | os.PathLike[str] | None = None,
    filters: dict[str, Any] | None = None,
    **options: Any,
) -> Comparison:
    """Is A faster than B? ``ms.compare("5.0/…/bert", "5.0/…/bert", footing="equal-convergence")``.

    ``names``: results, or systems on every benchmark they share; without any, all results that fit
    ``filters`` (``{"round": "5.0", "benchmark": "bert"}``). ``options`` as of
    :func:`mlperf_stats.analysis.compare.compare`.
    """
    with open_store(db) as store:
        return _compare(store, names, filters_of(**(filters or {})), **options)


def combine(*submissions: str, db: str | os.PathLike[str] | None = None, **options: Any) -> SummaryReport:
    """The custom summary result of each submission: ``ms.combine("5.0/QCT/D74H-7U", weights={"bert": 2})``.

    ``options`` as of :func:`mlperf_stats.analysis.summary_score.combine`.
    """
    with open_store(db) as store:
        return _combine(store, submissions, **options)


def rcp(
    target: str | os.PathLike[str],
    db: str | os.PathLike[str] | None = None,
    *,
    variant: str = Variant.OFFICIAL_CODE,
    round: str | None = None,
) -> RcpReport:
    """Convergence of a result, or of a folder of logs, against the reference."""
    with open_store(db) as store:
        return rcp_of(store, target, Variant(variant), round_name=round)


def check(folder: str | os.PathLike[str], *, round: str | None = None) -> CheckReport:
    """Pre-flight of a submission's logs, or the reviewer's list of a round's."""
    with logs_at_hand(folder, round) as (store, _):
        return _check(store)


def scale(
    benchmark: str,
    *,
    price_per_hour: float | None = None,
    db: str | os.PathLike[str] | None = None,
    level: float = DEFAULT_LEVEL,
    **filters: Any,
) -> ScaleReport:
    """Time, accelerator-minutes, energy and cost against accelerator count; all derived.

    ``filters`` by the names of the command line: ``round="5.0"``, ``submitter=["dell", "nvidia"]``, …
    """
    with open_store(db) as store:
        chosen = filters_of(benchmark=benchmark, **filters)
        return scale_report(store, chosen, price_per_hour=price_per_hour, level=level)


def scale_differences(
    benchmark: str,
    *,
    by: str = "accelerator-minutes",
    factor: float = 2.0,
    db: str | os.PathLike[str] | None = None,
    level: float = DEFAULT_LEVEL,
    **filters: Any,
) -> ScaleDifferences:
    """Each result against the best: noise, different, or a factor of two; ``filters`` as of :func:`scale`."""
    with open_store(db) as store:
        chosen = filters_of(benchmark=benchmark, **filters)
        return _scale_differences(store, chosen, by=by, factor=factor, level=level)


def scale_parts(
    benchmark: str,
    *,
    all_pairs: bool = False,
    db: str | os.PathLike[str] | None = None,
    level: float = DEFAULT_LEVEL,
    **filters: Any,
) -> ScalePrice:
    """Lost efficiency = throughput loss × convergence loss; ``filters`` as of :func:`scale`."""
    with open_store(db) as store:
        chosen = filters_of(benchmark=benchmark, **filters)
        return scale_price(store, chosen, all_pairs=all_pairs, level=level)


def scale_curve(
    benchmark: str,
    *,
    db: str | os.PathLike[str] | None = None,
    level: float = DEFAULT_LEVEL,
    **filters: Any,
) -> ScaleCurve:
    """Work to the target against batch size, with its law; ``filters`` as of :func:`scale`."""
    with open_store(db) as store:
        return _scale_curve(store, filters_of(benchmark=benchmark, **filters), level=level)


def profile(
    benchmark: str | Sequence[str] = (),
    *,
    per_accelerator: bool = False,
    complete_only: bool = False,
    join_frameworks: bool = False,
    db: str | os.PathLike[str] | None = None,
    level: float = DEFAULT_LEVEL,
    **filters: Any,
) -> Profile:
    """Performance profiles of one round's systems on these benchmarks (all that they have).

    ``filters`` as of :func:`scale`; other options as of :func:`mlperf_stats.analysis.profile.profile`.
    """
    names = [benchmark] if isinstance(benchmark, str) else list(benchmark)
    with open_store(db) as store:
        return _profile(
            store,
            filters_of(benchmark=names, **filters),
            per_accelerator=per_accelerator,
            complete_only=complete_only,
            join_frameworks=join_frameworks,
            level=level,
        )


def history(
    benchmark: str,
    *,
    db: str | os.PathLike[str] | None = None,
    level: float = DEFAULT_LEVEL,
    **filters: Any,
) -> History:
    """The best of a benchmark by round, in stretches of one definition; ``filters`` as of :func:`scale`."""
    with open_store(db) as store:
        return _history(store, filters_of(benchmark=benchmark, **filters), level=level)
