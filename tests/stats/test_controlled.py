"""Posteriors of mean log time: closed-form limits, and coverage by simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import t

from mlperf_stats.stats.controlled import (
    PeerPrior,
    Peers,
    controlled_posterior,
    log_time_prior,
    moderated_posterior,
    peer_prior,
    usable,
)
from mlperf_stats.stats.converged_runs import ConvergedRuns, TypicalSpread
from mlperf_stats.stats.convergence_prior import ConvergencePrior
from mlperf_stats.stats.moderated import VariancePrior
from mlperf_stats.stats.normal_mixture import NormalMixture
from mlperf_stats.stats.pool import pool
from mlperf_stats.stats.time_law import TimePrior

SURE = 1e7


def known_prior(
    mean: float, variance: float, spread: float, *, spread_df: float = SURE, residual: float = 1e-10
) -> PeerPrior:
    """Everything known but the set's own mean, which is normal: the posterior has a closed form."""
    return PeerPrior(
        ConvergencePrior(
            NormalMixture(np.ones(1), np.array([mean]), np.array([variance])), spread, spread_df, 9
        ),
        TimePrior(1.0, 1e-12, VariancePrior(SURE, residual, 9)),
        None,
        TypicalSpread(residual, spread),
        Peers(),
    )


def runs(n: int, mean: float, spread: float, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """log convergence and log time (1, n), time proportional to convergence."""
    work = mean + math.sqrt(spread) * np.random.default_rng(seed).standard_normal((1, n))
    return work, work + 5.0


@pytest.mark.parametrize("n", [2, 3, 10])
def test_one_normal_prior_gives_the_best_linear_predictor(n: int) -> None:
    spread, variance = 0.01, 0.002
    work, time = runs(n, 2.1, spread)
    found = controlled_posterior(known_prior(2.0, variance, spread), work, time)
    weight = variance / (variance + spread / n)
    mean = weight * work.mean() + (1 - weight) * 2.0 + 5.0
    half = 1.959964 * math.sqrt(weight * spread / n)
    low, high = found.bounds(0.95)
    assert (low[0] + high[0]) / 2 == pytest.approx(mean, abs=2e-4)
    assert (high[0] - low[0]) / 2 == pytest.approx(half, rel=5e-3)
    assert found.own_share[0] == pytest.approx(weight, abs=5e-3)


def test_a_further_mean_adds_the_variance_of_its_runs() -> None:
    spread, variance, n, m = 0.01, 0.002, 3, 7
    found = controlled_posterior(known_prior(2.0, variance, spread), *runs(n, 2.0, spread))
    weight = variance / (variance + spread / n)
    low, high = found.bounds(0.95, m)
    expected = 1.959964 * math.sqrt(weight * spread / n + spread / m)
    assert (high[0] - low[0]) / 2 == pytest.approx(expected, rel=5e-3)


def test_with_many_own_runs_the_own_mean_stands() -> None:
    work, time = runs(4000, 2.3, 0.01)
    found = controlled_posterior(known_prior(2.0, 0.002, 0.01), work, time)
    low, high = found.bounds(0.95)
    # The prior's mean is 7 of its deviations away and yet moves the answer by less than a tenth of its width.
    assert (low[0] + high[0]) / 2 == pytest.approx(time.mean(), abs=0.2 * (high[0] - low[0]))
    assert found.own_share[0] > 0.99


def test_with_nothing_known_of_the_mean_it_is_student_t_on_log_times() -> None:
    prior = PeerPrior(
        ConvergencePrior(None, 0.01, 4.0, 0), TimePrior(1.0, 1e-12, VariancePrior(SURE, 1e-10, 9)),
        None, TypicalSpread(1e-10, 0.01), Peers(),
    )  # fmt: skip
    work, time = runs(6, 2.0, 0.01)
    found = controlled_posterior(prior, work, time)
    low, high = found.bounds(0.95)
    variance = (4.0 * 0.01 + 5 * time.var(ddof=1)) / 9
    assert (low[0] + high[0]) / 2 == pytest.approx(time.mean(), abs=1e-6)
    assert (high[0] - low[0]) / 2 == pytest.approx(t.ppf(0.975, 9) * math.sqrt(variance / 6), rel=5e-3)
    assert found.own_share[0] == pytest.approx(1.0)


def test_a_set_that_disagrees_keeps_its_own_mean() -> None:
    rng = np.random.default_rng(7)
    others = [
        ConvergedRuns(work + 1, work, 8.0, f"l{number % 3}", str(number))
        for number in range(12)
        for work in [2.0 + rng.normal(0, 0.01) + rng.normal(0, 0.05, 10)]
    ]
    prior = peer_prior(pool(others, 0.02), [], 8.0, "own")
    assert prior is not None
    work, time = runs(5, 3.0, 0.05**2, seed=8)
    found = controlled_posterior(prior, work, time)
    low, high = found.bounds(0.95)
    assert (low[0] + high[0]) / 2 == pytest.approx(time.mean(), abs=0.02)
    assert found.agreement[0] < 0.01
    assert found.own_share[0] > 0.9


def test_tied_runs_are_widened_by_what_others_show() -> None:
    prior = known_prior(2.0, 1e-6, 0.01, spread_df=20.0)
    tied = np.full((1, 3), 2.0)
    low, high = controlled_posterior(prior, tied, tied + 5.0).bounds(0.95, 5)
    # A prediction of five further runs: their scatter cannot be less than what others lead to expect.
    assert (high[0] - low[0]) / 2 > 1.96 * math.sqrt(0.008 / 5)


def test_samples_at_once_equal_samples_one_by_one() -> None:
    prior = known_prior(2.0, 0.002, 0.01, spread_df=8.0, residual=1e-5)
    work = 2 + 0.1 * np.random.default_rng(2).standard_normal((4, 3))
    together = controlled_posterior(prior, work, work + 5).bounds(0.9)
    for row in range(4):
        alone = controlled_posterior(prior, work[[row]], work[[row]] + 5).bounds(0.9)
        assert (together[0][row], together[1][row]) == pytest.approx((alone[0][0], alone[1][0]), abs=1e-7)


def test_moderated_without_prior_is_student_t() -> None:
    values = np.array([[1.0, 1.2, 1.1, 0.7]])
    low, high = moderated_posterior(None, values).bounds(0.95)
    expected = t.ppf(0.975, 3) * values.std(ddof=1) / 2
    assert (high[0] - low[0]) / 2 == pytest.approx(expected, rel=2e-3)


def test_moderated_with_a_sure_prior_is_normal() -> None:
    prior = VariancePrior(math.inf, 0.04, 9)
    low, high = moderated_posterior(prior, np.array([[1.0, 3.0]])).bounds(0.95)
    assert (high[0] - low[0]) / 2 == pytest.approx(1.959964 * 0.2 / math.sqrt(2), rel=1e-6)


def test_equal_times_have_no_width_and_no_nan() -> None:
    low, high = moderated_posterior(None, np.zeros((1, 3))).bounds(0.95)
    assert 0 <= high[0] - low[0] < 1e-6


def test_log_time_prior_needs_two_sets_that_vary() -> None:
    one = ConvergedRuns(np.array([0.0, 0.1]), np.zeros(2), 8.0, "", "a")
    flat = ConvergedRuns(np.zeros(3), np.zeros(3), 8.0, "", "b")
    single = ConvergedRuns(np.zeros(1), np.zeros(1), 8.0, "", "c")
    assert log_time_prior([]) is None
    assert log_time_prior([one, single]) is None
    assert log_time_prior([flat, flat]) is None
    assert log_time_prior([one, flat]) is not None


def test_convergence_that_cannot_be_the_cause_is_not_used() -> None:
    prior = known_prior(2.0, 0.002, 0.01, residual=1e-6)
    work = np.array([[2.0, 2.0, 2.0], [1.9, 2.0, 2.1]])
    time = np.array([[1.0, 1.3, 0.8], [1.0, 1.3, 0.8]])
    assert usable(prior, work, time).tolist() == [False, True]


@pytest.mark.parametrize(
    ("lineages", "between", "least"),
    [(1, 0.0, 0.95), (4, 0.01, 0.95), (12, 0.1, 0.88)],
    ids=["no-effects", "usual-effects", "effects-never-seen"],
)
def test_intervals_cover_by_simulation(lineages: int, between: float, least: float) -> None:
    """Fourteen sets of eight runs, one of them seen through three: its long-run mean time lies inside.

    Effects of a tenth of the spread are what closed rounds show. Effects as large as the spread have a prior
    probability of 2 %: a single pool cannot make up for that, which costs some coverage. Two binomial
    standard errors over 150 sets are 3.6 %.
    """
    rng = np.random.default_rng([11, lineages])
    inside, widths = [], []
    for _ in range(150):
        lineage = rng.normal(0, between, lineages)
        members = []
        for number in range(14):
            mean = 2.0 + lineage[number % lineages] + rng.normal(0, between / 3)
            work = mean + rng.normal(0, 0.1, 8)
            members.append((mean, work, work + 1.0 + rng.normal(0, 0.003, 8), f"l{number % lineages}"))
        others = [
            ConvergedRuns(time, work, 8.0, name, str(k))
            for k, (_, work, time, name) in enumerate(members[1:])
        ]
        mean, work, time, name = members[0]
        prior = peer_prior(pool(others, 0.05), [], 8.0, name)
        assert prior is not None
        low, high = controlled_posterior(prior, work[None, :3], time[None, :3]).bounds(0.95)
        inside.append(bool(low[0] <= mean + 1.0 <= high[0]))
        widths.append(high[0] - low[0])
    assert np.mean(inside) > least - 0.036
    # Student's t from three runs: 2 · 4.303 · 0.1/√3 = 0.50 wide on average.
    assert np.median(widths) < (0.15 if between < 0.05 else 0.4)
