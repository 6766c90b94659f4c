from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from scipy.stats import norm

from mlperf_stats.errors import SampleError, StatisticsError
from mlperf_stats.stats.performance_profile import performance_profile

NONE = np.inf


def test_exact_times_give_the_profile_of_dolan_and_more() -> None:
    # Three solvers on four problems; the ratios to the best are written beside.
    times = np.array(
        [
            [10.0, 20.0, 30.0, 40.0],  # 1, 2, 1, 1
            [20.0, 10.0, 45.0, NONE],  # 2, 1, 1.5, never
            [40.0, 10.0, 60.0, 80.0],  # 4, 1, 2, 2
        ]
    )
    found = performance_profile(np.log(times), np.zeros((3, 4)), [1.2, 1.6, 2.1, 4.1])
    expected = [[0.75, 0.75, 1, 1], [0.25, 0.5, 0.75, 0.75], [0.25, 0.25, 0.75, 1]]
    assert found.shares.tolist() == expected
    assert found.expected == pytest.approx(np.array(expected))
    assert found.lows.tolist() == expected
    assert found.highs.tolist() == expected


@pytest.mark.parametrize("factor", [1.0, 1.02, 1.3])
def test_two_solvers_have_a_closed_form(factor: float) -> None:
    times, spreads = np.array([[0.0], [0.05]]), np.array([[0.03], [0.04]])
    found = performance_profile(times, spreads, [factor])
    # P(X - min(X, Y) <= c) = P(X - Y <= c).
    first = norm.cdf((math.log(factor) + 0.05) / 0.05)
    second = norm.cdf((math.log(factor) - 0.05) / 0.05)
    assert found.expected[:, 0] == pytest.approx([first, second], abs=1e-3)


def test_chances_of_being_the_best_add_up_to_one() -> None:
    rng = np.random.default_rng(2)
    times, spreads = rng.normal(0, 0.05, (6, 3)), rng.uniform(0.01, 0.08, (6, 3))
    found = performance_profile(times, spreads, [1.0])
    assert found.expected.sum() == pytest.approx(1, abs=2e-3)


def test_bands_are_quantiles_of_the_poisson_binomial_law() -> None:
    times = np.array([[0.0, 0.0, 0.0], [0.02, -0.01, 0.05]])
    spreads = np.full((2, 3), 0.03)
    found = performance_profile(times, spreads, [1.0], level=0.8)
    chances = [norm.cdf(gap / (0.03 * math.sqrt(2))) for gap in times[1]]
    law = np.zeros(4)
    for outcome in product((0, 1), repeat=3):
        law[sum(outcome)] += math.prod(
            chance if hit else 1 - chance for chance, hit in zip(chances, outcome, strict=True)
        )
    below = np.cumsum(law)
    assert found.lows[0, 0] == np.searchsorted(below, 0.1) / 3
    assert found.highs[0, 0] == np.searchsorted(below, 0.9) / 3


def test_against_a_simulation() -> None:
    rng = np.random.default_rng(4)
    times, spreads = rng.normal(0, 0.1, (4, 5)), rng.uniform(0.02, 0.06, (4, 5))
    factors = [1.0, 1.05, 1.2]
    drawn = times + spreads * rng.standard_normal((20_000, 4, 5))
    close = (drawn - drawn.min(1, keepdims=True))[..., None] <= np.log(factors)
    shares = close.mean(2)
    found = performance_profile(times, spreads, factors)
    assert found.expected == pytest.approx(shares.mean(0), abs=0.01)
    inside = (shares >= found.lows - 1e-9) & (shares <= found.highs + 1e-9)
    assert inside.mean(0).min() >= 0.94


def test_order_and_units_do_not_matter() -> None:
    rng = np.random.default_rng(6)
    times, spreads = rng.normal(0, 0.1, (4, 3)), rng.uniform(0.02, 0.06, (4, 3))
    one = performance_profile(times, spreads, [1.0, 1.1])
    order, problems = [2, 0, 3, 1], [1, 2, 0]
    moved = times[np.ix_(order, problems)] + np.array([5.0, -3.0, 1.0])
    other = performance_profile(moved, spreads[np.ix_(order, problems)], [1.0, 1.1])
    assert other.expected == pytest.approx(one.expected[order])
    assert other.shares.tolist() == one.shares[order].tolist()


def test_shares_grow_with_the_factor_and_stay_below_what_is_missing() -> None:
    times = np.array([[0.0, NONE], [0.1, 0.0]])
    found = performance_profile(times, np.full((2, 2), 0.02), [1, 1.1, 2, 16])
    assert (np.diff(found.expected) >= -1e-12).all()
    assert found.highs[0].max() == 0.5
    assert found.lows[1, -1] == 1


def test_refusals() -> None:
    good = np.zeros((2, 2))
    for times, spreads in (
        (np.zeros(2), np.zeros(2)),
        (good, np.zeros((2, 3))),
        (np.array([[np.nan, 0], [0, 0]]), good),
        (np.array([[NONE, 0], [NONE, 0]]), good),
        (good, np.full((2, 2), -1.0)),
    ):
        with pytest.raises(SampleError):
            performance_profile(times, spreads, [1.0])
    for factors in ([], [0.5], [2.0, 1.0]):
        with pytest.raises(StatisticsError):
            performance_profile(good, good, factors)
