"""What the official number of runs buys, benchmark by benchmark, and what the rule of thumb would take.

The rule of thumb that goes with published results since 2018, "roughly ±2.5 %" for vision and "±5 %" for
the rest, is read as the half-width of the 95 % interval for the expected score.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlperf_stats.analysis.plan import Plan, width_question
from mlperf_stats.analysis.run_sets import RunSet
from mlperf_stats.analysis.spread import FEWEST_RUNS, FEWEST_SETS, Spread, distinct_sets
from mlperf_stats.errors import NotFoundError, StatisticsError
from mlperf_stats.rules.rule_of_thumb import OTHERS, VISION, rule_of_thumb
from mlperf_stats.rules.suite import Benchmark, rules_for
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

    rows = [
        row
        for rules, rounds, sets in _families(store, filters)
        if (row := _audit_row(rules, rounds, sets, level, assurance)) is not None
    ]
    if not rows:
        raise NotFoundError(
            f"no benchmark has {FEWEST_SETS} sets of {FEWEST_RUNS} converged runs here; widen the filters"
        )
    basis = (
        f"Half-width of the {level:.0%} interval for the expected score; assurance {assurance:.0%}.",
        "Rule: the published rule of thumb, ±2.5 % for vision and ±5 % for other benchmarks.",
        "Closed division; a run that is filed in several places counts once. Not official figures.",
    )
    return Plan(tuple(rows), AUDIT_COLUMNS, basis, seed=SEED)


def _families(store: Store, filters: Filters | None) -> list[tuple[Benchmark, tuple[str, ...], list[RunSet]]]:
    """Sets by workload and official N, in the order of the latest round's suite."""
    families: dict[tuple[str, int], list[StoredResult]] = {}
    for result in list_results(store, filters):
        if result.division != "open":
            rules = rules_for(result.round, result.benchmark, 1)
            families.setdefault((rules.workload, rules.scored_runs), []).append(result)
    return [
        (
            rules_for(results[-1].round, results[-1].benchmark, 1),
            tuple(dict.fromkeys(result.round for result in results)),
            distinct_sets(store, results),
        )
        for _, results in sorted(families.items())
    ]


def _audit_row(
    rules: Benchmark, rounds: Sequence[str], sets: Sequence[RunSet], level: float, assurance: float
) -> dict[str, Any] | None:
    from mlperf_stats.stats.planning import assurance as assured
    from mlperf_stats.stats.planning import half_width

    usable = [entry for entry in sets if len(entry.converged) >= FEWEST_RUNS]
    if len(usable) < FEWEST_SETS or rules.scored_runs <= 2 * rules.dropped_each_side:
        return None
    spread = Spread(rules, tuple(rounds), tuple(usable))
    law, runs = spread.law(), rules.scored_runs
    sure = width_question(spread, "expected-score", level, assurance)
    typical = width_question(spread, "expected-score", level, 0.5)
    rule = rule_of_thumb(rules)
    return {
        "benchmark": rules.name,
        "area": rules.area,
        "rounds": ";".join(rounds),
        "sets": len(usable),
        "official_runs": runs,
        "standard_deviation": law.typical_spread,
        "half_width_typical": half_width(law, runs, typical),
        "half_width_assured": half_width(law, runs, sure),
        "rule": rule,
        "sets_within_rule": None if rule is None else assured(law, runs, rule, sure),
        "runs_for_2_5_percent": _runs(spread, VISION, level, assurance),
        "runs_for_5_percent": _runs(spread, OTHERS, level, assurance),
    }


def _runs(spread: Spread, wanted: float, level: float, assurance: float) -> int | None:
    """Runs that the rule takes; None beyond what anybody would measure."""
    from mlperf_stats.stats.planning import runs_for_width

    question = width_question(spread, "expected-score", level, assurance)
    try:
        return runs_for_width(spread.law(), wanted, question)
    except StatisticsError:
        return None
