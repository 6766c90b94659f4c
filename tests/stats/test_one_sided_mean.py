"""Limit, size and power of the one-sided tests on olympic means."""

from __future__ import annotations

import math
from typing import Any

import pytest
from scipy.stats import ttest_ind_from_stats

from mlperf_stats.errors import StatisticsError
from mlperf_stats.stats.one_sided_mean import mean_limit, simulate_tests


def test_limit_is_where_scipys_t_test_reaches_the_level() -> None:
    limit = mean_limit(20.0, 0.6, 18, 8)
    p = ttest_ind_from_stats(limit, 0.6, 8, 20.0, 0.6, 18, alternative="less").pvalue
    assert p == pytest.approx(0.05)


@pytest.mark.parametrize(("runs", "text", "code"), [(3, 0.086, 0.012), (5, 0.092, 0.034), (10, 0.077, 0.042)])
def test_size_of_both_variants(runs: int, text: float, code: float) -> None:
    """Published sizes at lognormal σ = 0.05, whose number of repetitions is not known: ± 0.006."""
    tests = simulate_tests(0.05, runs)
    assert tests.size("trimmed_sd") == pytest.approx(text, abs=0.006)
    assert tests.size("untrimmed_sd") == pytest.approx(code, abs=0.006)
    assert 0.03 < tests.size("rank_sum") <= 0.053


@pytest.mark.parametrize(
    "options", [{"sigma": 0.0}, {"sigma": math.nan}, {"dropped": -1}, {"alpha": 0.6}, {"repetitions": 0}]
)
def test_impossible_simulations(options: dict[str, Any]) -> None:
    with pytest.raises(StatisticsError):
        simulate_tests(**({"sigma": 0.05, "runs": 5} | options))


def test_more_runs_detect_smaller_speedups() -> None:
    found = [
        simulate_tests(0.05, runs, repetitions=4000).detectable("untrimmed_sd", 0.8) for runs in (3, 5, 10)
    ]
    assert found == sorted(found, reverse=True)
    assert found[-1] == pytest.approx(0.051, abs=0.005)  # about 2.5 σ · sqrt(1/20 + 1/10) + truncation
