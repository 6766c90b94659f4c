"""Weighted geometric means: exact arithmetic, invariances, and the law of their sums."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t

from mlperf_stats.errors import StatisticsError
from mlperf_stats.stats.log_means import LogMean, log_mean
from mlperf_stats.stats.log_sums import (
    WelchTerms,
    drawn_terms,
    left_one_out,
    normalised_weights,
    weight_range,
    weighted_log_mean,
)
from mlperf_stats.stats.normal_mixture import NormalMixture


def normal(mean: float, deviation: float) -> NormalMixture:
    return NormalMixture(np.ones(1), np.array([mean]), np.array([deviation**2]))


def test_welch_satterthwaite_by_hand() -> None:
    """Variances .01 and .04 on 4 and 9 df, weights ½: variance .0125, df .0125²/(.0025²/4 + .01²/9)."""
    terms = WelchTerms((LogMean(1.0, 0.01, 4, 0.05, 5), LogMean(2.0, 0.04, 9, 0.4, 10)))
    mean, variance, df = terms.moments([0.5, 0.5])
    assert (mean, variance) == pytest.approx((1.5, 0.0125))
    assert df == pytest.approx(0.0125**2 / (0.0025**2 / 4 + 0.01**2 / 9))
    half = t.ppf(0.975, df) * math.sqrt(variance)
    assert terms.interval([0.5, 0.5], 0.95) == pytest.approx((1.5, 1.5 - half, 1.5 + half))


def test_shares_where_a_spread_is_not_known() -> None:
    """Of an endless variance nobody has a share that could be told; with weight 0 it does not count."""
    terms = WelchTerms((LogMean(1.0, 0.01, 4, 0.05, 5), log_mean([10.0])))
    assert terms.shares([0.5, 0.5]) == [0.0, 0.0]
    assert terms.shares([1.0, 0.0]) == [1.0, 0.0]


def test_weights_0_and_1() -> None:
    """Weight 1 leaves the benchmark's own t interval; at weight 0 an unknown spread does not matter."""
    known, unknown = log_mean([10.0, 11.0, 12.0]), log_mean([5.0])
    half = t.ppf(0.975, 2) * math.sqrt(known.variance)
    assert weighted_log_mean([known, unknown], [1, 0]) == pytest.approx(
        (known.mean, known.mean - half, known.mean + half)
    )
    assert weighted_log_mean([known, unknown], [1, 1])[1:] == (-math.inf, math.inf)
    assert normalised_weights([2, 0, 2]) == [0.5, 0.0, 0.5]
    for wrong in ([0, 0], [-1, 2], [math.nan]):
        with pytest.raises(StatisticsError):
            normalised_weights(wrong)


def test_drawn_sum_is_the_convolution() -> None:
    """½X + ½Y of normals with sd .03 and .04 has sd .025."""
    terms = drawn_terms([normal(1.0, 0.03), normal(2.0, 0.04)], ["a", "b"])
    centre, low, high = terms.interval([0.5, 0.5], 0.95)
    assert centre == pytest.approx(1.5, abs=5e-4)
    assert (high - low) / 2 == pytest.approx(1.95996 * 0.025, rel=0.015)
    assert terms.shares([0.5, 0.5]) == pytest.approx([0.36, 0.64], abs=0.01)
    assert terms.chance_positive([1.0, -1.0]) == 0.0


def test_terms_are_drawn_by_label_and_cancel() -> None:
    first = drawn_terms([normal(0, 1), normal(5, 1)], ["a", "b"])
    second = drawn_terms([normal(5, 1), normal(0, 1)], ["b", "a"])
    assert first.interval([1, -1], 0.9) == pytest.approx(second.interval([-1, 1], 0.9))
    assert first.interval([0.0, 0.0], 0.9) == (0.0, 0.0, 0.0)


def test_heavy_tails_are_drawn_too() -> None:
    """A wide component of weight 5 % reaches further than the narrow one alone."""
    law = NormalMixture(np.array([0.95, 0.05]), np.zeros(2), np.array([1e-4, 1.0]))
    low, high = drawn_terms([law], ["x"]).interval([1.0], 0.98)[1:]
    assert high == pytest.approx(float(law.quantile(0.99)), rel=0.02)
    assert low == pytest.approx(-high, rel=0.02)


@settings(deadline=None, max_examples=60)
@given(
    values=st.lists(st.floats(-5, 5), min_size=2, max_size=6),
    data=st.data(),
)
def test_weight_range_holds_every_choice(values: list[float], data: st.DataObject) -> None:
    weights = [1.0 / len(values)] * len(values)
    low, high = weight_range(values, weights)
    factors = data.draw(st.lists(st.floats(0.5, 2), min_size=len(values), max_size=len(values)))
    mean = sum(f * v for f, v in zip(factors, values, strict=True)) / sum(factors)
    assert low - 1e-9 <= mean <= high + 1e-9


def test_weight_range_by_hand() -> None:
    """Values 0 and 1 with equal weights: at most 2 to ½, so ⅘, at least ⅕."""
    assert weight_range([0.0, 1.0], [0.5, 0.5]) == pytest.approx((0.2, 0.8))


def test_left_one_out() -> None:
    assert left_one_out([1.0, 2.0, 4.0], [0.5, 0.25, 0.25]) == pytest.approx([3.0, 2.0, 4 / 3])
    assert left_one_out([1.0, 2.0], [1.0, 0.0])[0] is None
