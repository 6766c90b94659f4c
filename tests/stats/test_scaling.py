from __future__ import annotations

import math

import numpy as np
import pytest

from mlperf_stats.stats.controlled import PeerPrior, peer_prior
from mlperf_stats.stats.converged_runs import ConvergedRuns, converged_runs
from mlperf_stats.stats.normal_mixture import NormalMixture
from mlperf_stats.stats.pool import pool
from mlperf_stats.stats.scaling import foreseen_time, ratio_of_laws, time_parts

STEP = 0.05
SPEED = 0.002


def a_set(
    rng: np.random.Generator, label: str, *, mean: float = 10.0, speed: float = SPEED, runs: int = 6
) -> ConvergedRuns:
    """Runs whose work scatters by 5 % about ``mean`` and whose time is proportional to it up to 0.2 %."""
    work = mean * np.exp(rng.normal(0, 0.05, runs))
    times = 3.0 * speed * work * np.exp(rng.normal(0, 0.002, runs))
    return converged_runs(times, work, size=512.0, lineage=label, label=label)


def prior_of(rng: np.random.Generator, mean: float = 10.0) -> PeerPrior:
    prior = peer_prior(pool([a_set(rng, f"p{i}", mean=mean) for i in range(12)], STEP), [], 512.0, "own")
    assert prior is not None
    return prior


def log_ratio(first: NormalMixture, second: NormalMixture) -> float:
    found = ratio_of_laws(first, second, log_factor=0.0, level=0.95, estimand="test", n=12)
    return math.log(found.estimate)


def test_a_faster_system_differs_in_throughput_alone() -> None:
    prior = prior_of(np.random.default_rng(1))
    slow = time_parts(a_set(np.random.default_rng(2), "a"), prior)
    fast = time_parts(a_set(np.random.default_rng(2), "a", speed=SPEED / 2), prior)
    assert slow is not None
    assert fast is not None
    assert log_ratio(slow.throughput, fast.throughput) == pytest.approx(math.log(2), abs=1e-6)
    assert log_ratio(slow.product, fast.product) == pytest.approx(math.log(2), abs=1e-6)
    assert log_ratio(slow.convergence, fast.convergence) == pytest.approx(0, abs=1e-5)


def test_the_parts_make_up_the_product() -> None:
    parts = time_parts(a_set(np.random.default_rng(4), "a"), prior_of(np.random.default_rng(3)))
    assert parts is not None
    whole = parts.throughput.mean() + parts.convergence.mean()
    assert float(parts.product.mean()) == pytest.approx(float(whole), abs=1e-4)


def test_a_unit_of_work_changes_throughput_alone() -> None:
    def in_unit(factor: float) -> tuple[float, float, float]:
        rng = np.random.default_rng(5)
        prior = prior_of(rng, mean=10.0 * factor)
        own = a_set(rng, "a", mean=10.0 * factor, speed=SPEED / factor)
        parts = time_parts(own, prior)
        assert parts is not None
        return tuple(float(law.mean()) for law in (parts.throughput, parts.convergence, parts.product))

    one, other = in_unit(1.0), in_unit(1000.0)
    assert other[0] == pytest.approx(one[0] - math.log(1000), abs=1e-6)
    assert other[1] == pytest.approx(one[1] + math.log(1000), abs=1e-6)
    assert other[2] == pytest.approx(one[2], abs=1e-6)


def test_foreseen_times_cover_those_that_follow_the_others_law() -> None:
    rng = np.random.default_rng(7)
    hits, count = 0, 120
    for _ in range(count):
        prior = prior_of(rng)
        speed_runs, later = a_set(rng, "a", runs=3), a_set(rng, "a", runs=5)
        law = foreseen_time(speed_runs, prior, later.n)
        assert law is not None
        low, high = law.quantile(np.array([0.025, 0.975]))
        hits += low <= later.log_time.mean() <= high
    # Binomial standard error at 95 %: 2 points; laws that allow for differences between sets cover more.
    assert hits / count >= 0.93


def test_the_check_fails_where_convergence_is_not_the_others() -> None:
    rng = np.random.default_rng(8)
    prior = prior_of(rng)
    odd = a_set(rng, "a", mean=14.0)
    law = foreseen_time(odd, prior, odd.n)
    assert law is not None
    low, high = law.quantile(np.array([0.025, 0.975]))
    assert odd.log_time.mean() > high
    assert low < odd.log_time.mean() - math.log(1.4) < high


def test_one_run_has_no_parts() -> None:
    rng = np.random.default_rng(9)
    assert time_parts(a_set(rng, "a", runs=1), prior_of(rng)) is None


def test_a_constant_that_is_not_convergence_has_no_parts() -> None:
    rng = np.random.default_rng(10)
    times = 0.06 * np.exp(rng.normal(0, 0.05, 6))
    constant = converged_runs(times, [10.0] * 6, size=512.0, lineage="a", label="a")
    assert time_parts(constant, prior_of(rng)) is None


def test_ratio_of_two_normal_laws() -> None:
    def law(mean: float, deviation: float) -> NormalMixture:
        return NormalMixture(np.ones(1), np.array([mean]), np.array([deviation**2]))

    found = ratio_of_laws(
        law(1.0, 0.03), law(0.5, 0.04), log_factor=math.log(2), level=0.9, estimand="loss", n=10
    )
    assert found.estimate == pytest.approx(2 * math.exp(0.5))
    assert found.high / found.estimate == pytest.approx(math.exp(1.644854 * 0.05), rel=1e-6)
    assert found.low / found.estimate == pytest.approx(math.exp(-1.644854 * 0.05), rel=1e-6)
