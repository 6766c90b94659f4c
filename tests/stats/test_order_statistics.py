"""Exact and interpolated order-statistics intervals for the median."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mlperf_stats.stats.order_statistics import (
    hettmansperger_sheather,
    hettmansperger_sheather_bounds,
    median_interval,
    median_ranks,
    order_statistics_bounds,
    rank_coverage,
)


@pytest.mark.parametrize(
    ("n", "rank", "coverage"),
    # 1 - 2 P(Bin(n, 1/2) < k), by hand: k = 1 is 1 - 2/2^n, k = 2 is 1 - 2(1 + n)/2^n, …
    [
        (3, 1, 0.75),
        (4, 1, 0.875),
        (5, 1, 0.9375),
        (6, 1, 0.96875),
        (8, 2, 1 - 18 / 256),
        (9, 2, 1 - 20 / 512),
        (10, 2, 1 - 22 / 1024),
        (10, 3, 1 - 112 / 1024),
    ],
)
def test_rank_coverage_is_the_binomial_sum(n: int, rank: int, coverage: float) -> None:
    assert rank_coverage(n, rank) == coverage


def test_rank_coverage_goes_over_to_scipy_without_a_step() -> None:
    exact = 1 - 2 * sum(math.comb(240, below) for below in range(110)) / 2**240
    assert rank_coverage(240, 110) == pytest.approx(exact, abs=1e-13)


def test_ranks_are_the_narrowest_pair_that_reaches_the_level() -> None:
    for n in (2, 5, 6, 9, 40, 199, 200, 5000):
        for level in (0.5, 0.9, 0.95, 0.999):
            ranks = median_ranks(n, level)
            assert ranks.coverage >= level or ranks.rank == 1
            assert ranks.inner_coverage < level


def test_interval_of_six_is_the_range_at_its_own_level() -> None:
    # golang/perf benchmath: {-10, 2, 3, 4, 5, 6} -> [-10, 6] at 0.96875.
    found = median_interval([6, 2, 3, 4, 5, -10])
    assert (found.estimate, found.low, found.high) == (3.5, -10, 6)
    assert found.level_attained == 0.96875
    assert found.warnings == ()


def test_five_runs_get_their_range_and_a_warning_not_95_percent() -> None:
    found = median_interval([5, 1, 4, 2, 3])
    assert (found.low, found.high, found.level_attained) == (1, 5, 0.9375)
    assert found.warnings == ("level-not-attained",)
    assert median_interval([5, 1, 4, 2, 3], level=0.9).warnings == ()


def test_ten_runs_use_the_second_from_each_end() -> None:
    found = median_interval(range(1, 11))
    assert (found.low, found.high) == (2, 9)
    assert found.level_attained == pytest.approx(0.97851, abs=1e-5)


def test_hettmansperger_sheather_interpolates_between_ranks() -> None:
    # n = 10, 95 %: γ2 = 1002/1024, γ3 = 912/1024, I = (γ2 - .95)/(γ2 - γ3) = .3244…,
    # λ = 8 I / (2 + 6 I) = .65766, so the interval is [2 + λ, 9 - λ].
    share = (1002 / 1024 - 0.95) / (90 / 1024)
    weight = 8 * share / (2 + 6 * share)
    found = hettmansperger_sheather(range(1, 11))
    assert found.low == pytest.approx(2 + weight, rel=1e-14)
    assert found.high == pytest.approx(9 - weight, rel=1e-14)
    assert found.level_attained == 0.95


def test_hettmansperger_sheather_below_six_runs_is_the_widest_pair() -> None:
    found = hettmansperger_sheather([5, 1, 4, 2, 3])
    assert (found.low, found.high, found.level_attained) == (1, 5, 0.9375)
    assert "level-not-attained" in found.warnings


def test_interpolated_lies_inside_exact_and_around_the_next_narrower() -> None:
    samples = np.sort(np.random.default_rng(3).lognormal(size=(50, 17)), axis=1)
    _, low, high = order_statistics_bounds(samples, 0.95)
    _, inner_low, inner_high = hettmansperger_sheather_bounds(samples, 0.95)
    rank = median_ranks(17, 0.95).rank
    assert np.all((low < inner_low) & (inner_low < samples[:, rank]))
    assert np.all((inner_high < high) & (samples[:, 16 - rank] < inner_high))


def test_a_level_below_every_pair_gives_the_innermost() -> None:
    found = hettmansperger_sheather(range(1, 11), level=0.1)
    assert (found.low, found.high) == (5, 6)
    assert found.level_attained == rank_coverage(10, 5) > 0.1


def test_one_run_is_unbounded() -> None:
    for interval in (median_interval, hettmansperger_sheather):
        found = interval([7.0])
        assert (found.estimate, found.low, found.high) == (7, -math.inf, math.inf)
        assert found.warnings == ("single-run",)


def test_ties_are_named() -> None:
    assert median_interval([1, 1, 2, 3, 4, 5]).warnings == ("tied-runs",)
    assert median_interval([2] * 6).warnings == ("zero-variance",)
