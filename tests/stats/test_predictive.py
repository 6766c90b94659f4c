"""Quantiles for a further set: exact where theory is, unchanged where there is nothing to allow for."""

from __future__ import annotations

import numpy as np
import pytest

from mlperf_stats.stats.predictive import predictive_probability, predictive_quantile


def test_sets_that_are_points_take_the_order_statistic() -> None:
    """Of m exchangeable points the k-th is not exceeded by a further one with k / (m + 1)."""
    values = np.repeat(np.arange(1.0, 20.0), 50)
    origins = np.repeat(np.arange(19), 50)
    assert predictive_quantile(values, origins, 0.8) == 16  # 16 / 20
    assert predictive_quantile(values, origins, 0.5) == 10  # 10 / 20
    assert predictive_probability(values, origins, 16.0) == pytest.approx(0.8)


def test_sets_that_are_alike_take_the_plain_quantile() -> None:
    rng = np.random.default_rng(3)
    values, origins = rng.standard_normal(40_000), np.tile(np.arange(10), 4_000)
    plain = float(np.quantile(values, 0.8))
    assert predictive_quantile(values, origins, 0.8) == pytest.approx(plain, abs=0.01)
    assert predictive_probability(values, origins, plain) == pytest.approx(0.8, abs=0.003)


def test_one_set_has_nothing_to_allow_for() -> None:
    values, origins = np.arange(100.0), np.zeros(100, dtype=np.intp)
    assert predictive_quantile(values, origins, 0.8) == np.quantile(values, 0.8, method="inverted_cdf")
    assert predictive_probability(values, origins, 79.0) == pytest.approx(0.8)


@pytest.mark.parametrize("within", [0.0, 0.3, 1.0])
def test_a_further_set_keeps_the_promise(within: float) -> None:
    """600 families of ten sets: the plain quantile keeps 80 % for 75 to 79 % of the next set's values."""
    rng = np.random.default_rng(5)
    plain, kept = [], []
    for _ in range(600):
        centres = rng.standard_normal(11)
        values = (centres[:10, None] + within * rng.standard_normal((10, 100))).ravel()
        further = centres[10] + within * rng.standard_normal(100)
        plain.append(np.mean(further <= np.quantile(values, 0.8)))
        kept.append(np.mean(further <= predictive_quantile(values, np.repeat(np.arange(10), 100), 0.8)))
    error = np.std(kept) / 600**0.5
    assert np.mean(plain) < np.mean(kept)
    # A whole number of sets cannot give 80 % exactly: nine of eleven is the next.
    assert -2 * error < np.mean(kept) - 0.8 < 9 / 11 - 0.8 + 2 * error


def test_few_sets_go_half_of_the_way_to_certainty() -> None:
    values, origins = np.repeat([1.0, 2.0, 3.0], 100), np.repeat(np.arange(3), 100)
    assert predictive_quantile(values, origins, 0.8) == 3
    assert predictive_probability(values, origins, 3.0) == pytest.approx(3 / 4)
    assert predictive_probability(values, origins, 0.5) == 0
