"""Slope and residual of a set: priors from other sets, posteriors against brute force."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mlperf_stats.stats.converged_runs import TimeLine
from mlperf_stats.stats.moderated import VariancePrior
from mlperf_stats.stats.time_law import TimePrior, time_posterior, time_prior


def test_without_sets_time_is_proportional() -> None:
    prior = time_prior([])
    assert prior.slope == 1.0
    assert prior.residual.df == 1.0


def test_tied_sets_say_nothing_of_the_slope() -> None:
    prior = time_prior([TimeLine(math.nan, math.inf, 1e-6, 4), TimeLine(math.nan, math.inf, 2e-6, 4)])
    assert prior.slope == 1.0
    assert 1e-7 < prior.residual.variance < 1e-5


def test_typical_slope_is_found_among_contended_sets() -> None:
    rng = np.random.default_rng(2)
    lines = [TimeLine(1.1 + rng.normal(0, 0.03), 0.01**2, 1e-5, 8) for _ in range(21)]
    lines += [TimeLine(3.0, 0.5, 1e-2, 8), TimeLine(-2.0, 0.8, 1e-2, 8)]
    prior = time_prior(lines)
    assert prior.slope == pytest.approx(1.1, abs=0.03)
    assert math.sqrt(prior.slope_variance) == pytest.approx(0.03, abs=0.015)


def test_tied_runs_keep_the_prior_of_the_slope() -> None:
    prior = TimePrior(0.9, 0.02**2, VariancePrior(4.0, 1e-6, 9))
    found = time_posterior(prior, np.full((1, 4), 1 / 3), np.array([[1.0, 1.001, 0.999, 1.0]]))
    assert found.slopes == pytest.approx(0.9)
    assert float((found.weights * (found.slope_variances > 0.05))[0].sum()) == pytest.approx(0.1)


def test_one_run_rests_on_the_prior() -> None:
    prior = TimePrior(1.0, 0.02**2, VariancePrior(6.0, 1e-6, 9))
    found = time_posterior(prior, np.array([[2.0]]), np.array([[1.0]]))
    # Mean of an inverse χ² variance: s0²·d0/(d0 − 2).
    mean = float((found.weights * found.residuals).sum())
    assert mean == pytest.approx(1e-6 * 6 / 4, rel=0.05)


def test_posterior_equals_brute_force() -> None:
    prior = TimePrior(1.0, 0.1**2, VariancePrior(5.0, 0.01**2, 9))
    rng = np.random.default_rng(9)
    x = rng.normal(0, 0.05, (1, 5))
    y = 1.15 * x + rng.normal(0, 0.012, (1, 5))
    found = time_posterior(prior, x, y)
    dx, dy = (x - x.mean())[0], (y - y.mean())[0]
    variances = np.geomspace(1e-7, 1e-1, 4000)
    log_prior = -(5.0 / 2) * np.log(variances) - 5.0 * 0.01**2 / 2 / variances
    log_likelihood = np.full((2, 4000), -np.inf)
    means = np.empty((2, 4000))
    for k, (share, slope_variance) in enumerate([(0.9, 0.1**2), (0.1, 0.5**2)]):
        for i, variance in enumerate(variances):
            # Four contrasts of dy are normal around slope·dx with the slope integrated out.
            precision = dx @ dx / variance + 1 / slope_variance
            means[k, i] = (dx @ dy / variance + 1.0 / slope_variance) / precision
            rest = dy - dx
            quadratic = rest @ rest - slope_variance * (dx @ rest) ** 2 / (
                variance + slope_variance * (dx @ dx)
            )
            log_likelihood[k, i] = (
                math.log(share)
                - (4 - 1) / 2 * math.log(variance)
                - math.log(variance + slope_variance * (dx @ dx)) / 2
                - quadratic / 2 / variance
            )
    weights = np.exp(log_likelihood + log_prior - (log_likelihood + log_prior).max())
    weights /= weights.sum()
    assert float((found.weights * found.slopes).sum()) == pytest.approx((weights * means).sum(), abs=2e-3)
    exact = float((weights * variances).sum())
    assert float((found.weights * found.residuals).sum()) == pytest.approx(exact, rel=0.03)
