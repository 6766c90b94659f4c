"""Exact probabilities of invalid results, by enumeration and by the rules room's own selection."""

from __future__ import annotations

from itertools import product

import pytest
from scipy.stats import binom

from mlperf_stats.errors import StatisticsError
from mlperf_stats.rules.scoring import ScoreState
from mlperf_stats.rules.selection import select
from mlperf_stats.rules.suite import benchmark
from mlperf_stats.stats.proportions import convergence_probability, invalid_probability
from mlperf_stats.stats.validity import (
    launches_needed,
    predictive_invalid_probability,
    window_invalid_probability,
)


@pytest.mark.parametrize(
    ("p", "runs", "expected"), [(0.05, 3, 0.0072), (0.05, 5, 0.0226), (0.05, 10, 0.0861), (0.1, 10, 0.264)]
)
def test_table_of_invalid_results(p: float, runs: int, expected: float) -> None:
    assert invalid_probability(p, runs, 1) == pytest.approx(expected, abs=0.00051 if p == 0.1 else 0.00005)


def test_unet3d_forgives_four_of_forty() -> None:
    assert invalid_probability(0.05, 40, 4) == pytest.approx(binom.sf(4, 40, 0.05))


@pytest.mark.parametrize(
    ("runs", "one_sided", "two_sided"), [(3, 0.632, 0.708), (5, 0.451, 0.522), (10, 0.259, 0.308)]
)
def test_no_failure_bounds(runs: int, one_sided: float, two_sided: float) -> None:
    assert 1 - convergence_probability(runs, runs, 0.90).low == pytest.approx(one_sided, abs=0.0005)
    assert 1 - convergence_probability(runs, runs, 0.95).low == pytest.approx(two_sided, abs=0.0006)


@pytest.mark.parametrize("launched", range(5, 14))
def test_window_rule_equals_enumeration_with_the_rules(launched: int) -> None:
    """Every pattern of failures, judged by the rules room (resnet: five runs, one forgiven)."""
    rules, p, total = benchmark("4.0", "resnet"), 0.2, 0.0
    for failed in product((False, True), repeat=launched):
        statuses = ["not_converged" if bad else "converged" for bad in failed]
        chosen = select([10.0] * launched, statuses, list(range(launched)), rules)
        if chosen.state is ScoreState.INVALID:
            total += p ** sum(failed) * (1 - p) ** (launched - sum(failed))
    assert window_invalid_probability(p, 5, 1, launched) == pytest.approx(total)


def test_both_computations_agree_where_both_apply() -> None:
    """Up to 20 launches windows of 10 overlap or touch; beyond, the other computation goes on from there."""
    below, above = (window_invalid_probability(0.08, 10, 1, launched) for launched in (20, 22))
    assert 0 < above < below < invalid_probability(0.08, 10, 1)


def test_launches_needed() -> None:
    assert launches_needed(0.05, 5, 1, 0.95) == 5
    needed = launches_needed(0.1, 5, 1, 0.95)
    assert needed is not None
    assert window_invalid_probability(0.1, 5, 1, needed) <= 0.05
    assert all(window_invalid_probability(0.1, 5, 1, count) > 0.05 for count in range(5, needed))
    assert launches_needed(0.4, 5, 1, 0.95) is None
    assert launches_needed(0.05, 40, 4, 0.95) == 40
    unet3d = launches_needed(0.06, 40, 4, 0.93)
    assert unet3d is not None
    assert 40 < unet3d <= 80


def test_predictive_probability_contains_what_is_not_known() -> None:
    known = invalid_probability(0.01, 10, 1)
    assert predictive_invalid_probability(1_000_000, 100_000_000, 10, 1) == pytest.approx(known, rel=1e-3)
    assert predictive_invalid_probability(0, 3, 10, 1) > 5 * known
    assert predictive_invalid_probability(0, 10, 1, 1) == 0


def test_impossible_requests() -> None:
    with pytest.raises(StatisticsError, match="swap"):
        predictive_invalid_probability(3, 2, 10, 1)
    with pytest.raises(StatisticsError, match="at least 5"):
        window_invalid_probability(0.1, 5, 1, 4)
    with pytest.raises(StatisticsError, match="launch fewer"):
        window_invalid_probability(0.1, 40, 4, 100)
    with pytest.raises(StatisticsError, match=r"0\.95 for 95 %"):
        launches_needed(0.1, 5, 1, 1)
