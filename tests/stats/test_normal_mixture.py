"""Quantiles, moments and merging of mixtures; nodes of an unknown variance."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import ndtri
from scipy.stats import norm, t

from mlperf_stats.stats.normal_mixture import NormalMixture, variance_nodes


def mixture() -> NormalMixture:
    return NormalMixture(np.array([0.7, 0.25, 0.05]), np.array([0.0, 1.0, -4.0]), np.array([1.0, 0.25, 9.0]))


def test_moments_by_hand() -> None:
    # mean 0.25 − 0.2 = 0.05; second moment 0.7·1 + 0.25·(0.25 + 1) + 0.05·(9 + 16) = 2.2625.
    assert mixture().mean() == pytest.approx(0.05)
    assert mixture().variance() == pytest.approx(2.2625 - 0.05**2)


@pytest.mark.parametrize("probability", [0.001, 0.025, 0.5, 0.9, 0.999])
def test_quantile_solves_the_distribution_function(probability: float) -> None:
    law = mixture()
    exact = brentq(lambda x: float(law.cdf(np.array(x))) - probability, -50, 50, xtol=1e-12)
    assert float(law.quantile(probability)) == pytest.approx(exact, abs=1e-7)


def test_one_component_is_the_normal_law() -> None:
    law = NormalMixture(np.ones(1), np.array([3.0]), np.array([4.0]))
    found = law.quantile(np.array([0.025, 0.5, 0.975]))
    assert found == pytest.approx(3 + 2 * ndtri([0.025, 0.5, 0.975]), abs=1e-7)
    assert float(law.cdf(np.array(5.0))) == pytest.approx(norm.cdf(1.0))


def test_a_rare_and_very_wide_component_does_not_spoil_the_quantile() -> None:
    law = NormalMixture(np.array([1 - 1e-5, 1e-5]), np.zeros(2), np.array([1e-6, 1e9]))
    assert float(law.quantile(0.975)) == pytest.approx(1e-3 * ndtri(0.975), rel=1e-3)


def test_many_mixtures_at_once() -> None:
    law = NormalMixture(np.full((3, 2), 0.5), np.array([[0, 0], [5, 5], [-1, 1.0]]), np.ones((3, 2)))
    assert law.quantile(0.5) == pytest.approx([0, 5, 0], abs=1e-7)


def test_merging_keeps_moments_and_modes() -> None:
    rng = np.random.default_rng(3)
    weights = rng.dirichlet(np.ones(400))
    means = np.where(np.arange(400) < 200, 0.0, 30.0) + rng.normal(0, 0.2, 400)
    law = NormalMixture(weights, means, rng.uniform(0.5, 2.0, 400))
    merged = law.merged(0.4)
    assert merged.weights.size < 40
    assert merged.mean() == pytest.approx(law.mean())
    assert merged.variance() == pytest.approx(law.variance())
    for probability in (0.01, 0.3, 0.7, 0.99):
        assert merged.quantile(probability) == pytest.approx(law.quantile(probability), abs=0.05)


@pytest.mark.parametrize(("df", "count"), [(2.0, 7), (3.0, 5), (5.0, 5), (10.0, 5), (60.0, 5)])
def test_variance_nodes_give_t_quantiles(df: float, count: int) -> None:
    nodes, weights = variance_nodes(df, count)
    law = NormalMixture(weights, np.zeros(count), nodes)
    for probability in (0.9, 0.975, 0.99):
        assert float(law.quantile(probability)) == pytest.approx(t.ppf(probability, df), rel=2e-3)


def test_variance_nodes_of_several_degrees_of_freedom() -> None:
    nodes, weights = variance_nodes(np.array([3.0, 8.0]), 5)
    assert nodes.shape == (2, 5)
    assert weights.sum() == pytest.approx(1.0)
    assert nodes[1] == pytest.approx(variance_nodes(8.0, 5)[0])
