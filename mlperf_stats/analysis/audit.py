"""What the official number of runs buys, benchmark by benchmark, and what the rule of thumb would take.

The rule of thumb that goes with published results since 2018, "roughly ±2.5 %" for vision and "±5 %" for
the rest, is read as the half-width of the 95 % interval for the expected score.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mlperf_stats.analysis.own_intervals import score_interval
from mlperf_stats.analysis.plan import Plan, width_question
from mlperf_stats.analysis.spread import FEWEST_RUNS, FEWEST_SETS, Spread, distinct_sets, steps_of
from mlperf_stats.errors import NotFoundError, StatisticsError
from mlperf_stats.rules.rule_of_thumb import OTHERS, VISION, rule_of_thumb
from mlperf_stats.rules.suite import rules_for
from mlperf_stats.store.database import Store
from mlperf_stats.store.queries import Filters, StoredResult, list_results

AUDIT_COLUMNS = (
    "benchmark",
    "area",
    "rounds",
    "sets",
    "official_runs",
    "standard_deviation",
    "half_width_typical",
    "half_width_assured",
    "rule",
    "sets_within_rule",
    "runs_for_2_5_percent",
    "runs_for_5_percent",
)


def plan_audit(
    store: Store, filters: Filters | None = None, *, level: float = 0.95, assurance: float = 0.8
) -> Plan:
    """A row per benchmark and workload: what N runs give at the real spread of its sets.

    Half-widths: of the typical set (median) and of the share ``assurance`` of all sets. Runs for ±2.5 %
    and ±5 % are with that assurance as well.

    Raises:
        NotFoundError: no benchmark has enough sets.
    """
    from mlperf_stats.stats.laws import SEED

    rows = [_audit_row(spread, level, assurance) for spread in _families(store, filters)]
    if not rows:
        raise NotFoundError(
            f"no benchmark has {FEWEST_SETS} sets of {FEWEST_RUNS} converged runs here; widen the filters"
        )
    basis = (
        f"Half-width of the {level:.0%} interval for the expected score, as results show it (where all runs "
        f"converged at one evaluation it allows for one more or less); assurance {assurance:.0%}.",
        "Rule: the published rule of thumb, ±2.5 % for vision and ±5 % for other benchmarks. Within: share "
        "of sets whose own interval, as filed, is within the rule.",
        "Closed division, sets of three converged runs or more; a run that is filed in several places counts "
        "once. Not official figures.",
    )
    return Plan(tuple(rows), AUDIT_COLUMNS, basis, seed=SEED)


def _families(store: Store, filters: Filters | None) -> Iterator[Spread]:
    """Usable sets by workload and official N, in the order of the workloads' names."""
    families: dict[tuple[str, int], list[StoredResult]] = {}
    for result in list_results(store, filters):
        if result.division != "open":
            rules = rules_for(result.round, result.benchmark, 1)
            families.setdefault((rules.workload, rules.scored_runs), []).append(result)
    for _, results in sorted(families.items()):
        rules = rules_for(results[-1].round, results[-1].benchmark, 1)
        rounds = tuple(dict.fromkeys(result.round for result in results))
        usable = [one for one in distinct_sets(store, results) if len(one.converged) >= FEWEST_RUNS]
        if len(usable) >= FEWEST_SETS and rules.scored_runs > 2 * rules.dropped_each_side:
            yield Spread(rules, rounds, tuple(usable), steps=steps_of(store, usable))


def _audit_row(spread: Spread, level: float, assurance: float) -> dict[str, Any]:
    from mlperf_stats.stats.planning import half_width

    rules, law = spread.benchmark, spread.law()
    runs, rule = rules.scored_runs, rule_of_thumb(rules)
    sure = width_question(spread, "expected-score", level, assurance)
    typical = width_question(spread, "expected-score", level, 0.5)
    return {
        "benchmark": rules.name,
        "area": rules.area,
        "rounds": ";".join(spread.rounds),
        "sets": len(spread.sets),
        "official_runs": runs,
        "standard_deviation": law.typical_spread,
        "half_width_typical": half_width(law, runs, typical),
        "half_width_assured": half_width(law, runs, sure),
        "rule": rule,
        "sets_within_rule": None if rule is None else _share_within(spread, rule, level),
        "runs_for_2_5_percent": _runs(spread, VISION, level, assurance),
        "runs_for_5_percent": _runs(spread, OTHERS, level, assurance),
    }


def _share_within(spread: Spread, rule: float, level: float) -> float:
    """Share of sets whose own interval is within the rule: the same as in the variance report."""
    found = [score_interval(one, spread.steps.get(one.result.result_id), level) for one in spread.sets]
    within = [one.half_width_relative <= rule for one in found if one is not None]
    return sum(within) / len(within)


def _runs(spread: Spread, wanted: float, level: float, assurance: float) -> int | None:
    """Runs that the rule takes; None beyond what anybody would measure."""
    from mlperf_stats.stats.planning import runs_for_width

    question = width_question(spread, "expected-score", level, assurance)
    try:
        return runs_for_width(spread.law(), wanted, question)
    except StatisticsError:
        return None
