"""Screening tests against SciPy, statsmodels and simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kendalltau
from statsmodels.stats.multitest import multipletests

from mlperf_stats.errors import SampleError
from mlperf_stats.stats.screening import holm, low_among_peers_p_value, trend_p_value


@pytest.mark.parametrize("n", [3, 5, 10, 40])
def test_trend_equals_scipys_exact_test(n: int) -> None:
    for seed in range(5):
        values = np.random.default_rng(seed).normal(size=n) + 0.05 * np.arange(n) * (seed - 2)
        assert trend_p_value(values) == pytest.approx(kendalltau(np.arange(n), values, method="exact").pvalue)


def test_trend_of_many_runs_is_normal() -> None:
    values = np.random.default_rng(1).normal(size=200) + 0.004 * np.arange(200)
    expected = kendalltau(np.arange(200), values, method="asymptotic").pvalue
    assert trend_p_value(values) == pytest.approx(expected, rel=0.05)


def test_trend_of_ties_and_few_runs() -> None:
    assert trend_p_value([1, 2]) == 1
    assert trend_p_value([3, 3, 3, 3, 3]) == 1
    assert trend_p_value([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]) == pytest.approx(2 / 3628800)
    with pytest.raises(SampleError):
        trend_p_value([1, np.nan, 2])


def test_size_among_peers() -> None:
    """At most the level on normal set effects and on a discrete law, where sets differ by chance alone."""
    rng = np.random.default_rng(2)
    normal = np.exp(rng.normal(0, 0.05, (1500, 9, 1)) + rng.normal(0, 0.05, (1500, 9, 5)))
    discrete = rng.choice([34.0, 35.0, 39.0], p=[0.04, 0.88, 0.08], size=(1500, 9, 5))
    for law in (normal, discrete):
        p = np.array([low_among_peers_p_value(sets[0], list(sets[1:])) for sets in law])
        for level in (0.05, 0.005):
            assert np.mean(p <= level) <= level + 3 * np.sqrt(level / 1500)


def test_low_among_peers() -> None:
    rng = np.random.default_rng(3)
    peers = [np.exp(rng.normal(0, 0.1, 10) + rng.normal(0, 0.02)) for _ in range(12)]
    assert low_among_peers_p_value(0.6 * peers[0], peers[1:]) < 1e-4
    assert low_among_peers_p_value(peers[0], peers[1:]) > 0.01
    assert low_among_peers_p_value(0.5 * peers[0], [0.8 * peer for peer in peers] * 3) < 1e-5
    assert low_among_peers_p_value([0.5], [[1.0], [1.0], [1.0], [1.0]]) == 1
    assert low_among_peers_p_value([0.5], [[1.0], [1.1], [0.9]]) == 1


def test_holm() -> None:
    p = [0.001, 0.04, 0.012, 0.2]
    assert holm(p) == pytest.approx(multipletests(p, method="holm")[1])
    assert holm([0.001], tests=100) == pytest.approx([0.1])
