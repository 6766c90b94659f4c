"""The law of one set's mean convergence: what moves it, and what widens it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mlperf_stats.stats import cells
from mlperf_stats.stats.converged_runs import ConvergedRuns
from mlperf_stats.stats.convergence_prior import ConvergencePrior, convergence_prior
from mlperf_stats.stats.pool import Pool, pool


def members(
    count: int,
    *,
    size: float = 8.0,
    mean: float = 2.0,
    between: float = 0.01,
    lineages: int = 3,
    seed: int = 1,
) -> list[ConvergedRuns]:
    rng = np.random.default_rng(seed)
    return [
        ConvergedRuns(work + 1, work, size, f"l{number % lineages}", f"{size}-{number}-{seed}")
        for number in range(count)
        for work in [mean + rng.normal(0, between) + rng.normal(0, 0.1, 8)]
    ]


def prior(
    home: list[ConvergedRuns], away: list[Pool] | None = None, lineage: str = "new"
) -> ConvergencePrior:
    return convergence_prior(pool(home, 0.04), away or [], 8.0, lineage)


def bounds(found: ConvergencePrior) -> tuple[float, float]:
    assert found.mean is not None
    low, high = found.mean.quantile(np.array([0.025, 0.975]))
    return float(low), float(high)


def width(found: ConvergencePrior) -> float:
    low, high = bounds(found)
    return high - low


def test_peers_tell_where_the_mean_lies() -> None:
    low, high = bounds(prior(members(12)))
    assert low < 2.0 < high
    # The mean of 96 runs with spread 0.1 is known to 0.01; a set effect comes on top.
    assert high - low < 0.15


def test_more_peers_say_more() -> None:
    assert width(prior(members(1))) > 1.5 * width(prior(members(20)))


def test_peers_that_differ_say_less() -> None:
    assert width(prior(members(10, between=0.15, lineages=10))) > 2 * width(prior(members(10)))


def test_the_own_lineage_counts_most() -> None:
    home = [*members(6, mean=2.0, lineages=1), *members(6, mean=2.5, lineages=1, seed=2)]
    home = [
        ConvergedRuns(one.log_time, one.log_convergence, 8.0, "a" if number < 6 else "b", one.label)
        for number, one in enumerate(home)
    ]
    low, high = bounds(prior(home, lineage="b"))
    assert low < 2.5 < high
    assert low > 2.2
    low, high = bounds(prior(home, lineage="c"))
    assert high - low > 0.5


def test_other_sizes_and_rounds_lend_where_there_is_no_peer() -> None:
    here = prior(members(8, size=16.0))
    assert here.peers == 0
    low, high = bounds(here)
    assert low < 2.0 < high
    away = [pool(members(8, seed=5), 0.04)]
    assert width(prior(members(8, size=16.0), away)) < width(here)


def test_nobody_of_a_known_size_says_nothing_of_the_mean() -> None:
    unknown = [
        ConvergedRuns(one.log_time, one.log_convergence, math.nan, one.lineage, one.label)
        for one in members(3)
    ]
    found = prior(unknown)
    assert found.mean is None
    assert found.spread == pytest.approx(0.01, rel=0.5)


def test_one_set_far_off_does_not_move_the_law() -> None:
    plain = prior(members(10))
    far = ConvergedRuns(np.full(8, 4.0), 3.0 + np.linspace(-0.1, 0.1, 8), 8.0, "odd", "odd")
    spoilt = prior([*members(10), far])
    assert np.mean(bounds(spoilt)) == pytest.approx(np.mean(bounds(plain)), abs=0.03)


def test_a_weighted_law_has_weights_that_sum_to_one() -> None:
    found = prior(members(4))
    assert found.mean is not None
    assert found.mean.weights.sum() == pytest.approx(1.0)
    assert found.mean.variances.min() > 0


def test_nodes_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounds with the usual nodes against bounds with ten times as many, in half-widths of the law."""

    def laws() -> np.ndarray:
        pools = [
            members(12, lineages=count, between=0.03, seed=seed) for count in (3, 8) for seed in range(8)
        ]
        return np.array([bounds(prior(home)) for home in pools])

    usual = laws()
    around = np.concatenate(
        [-np.geomspace(250, 5, 90), np.linspace(-4.5, 4.5, 181), np.geomspace(5, 250, 90)]
    )
    monkeypatch.setattr(cells, "_AROUND", around)
    for name in ("_NEAR_A_MEAN", "_NEAR_ONE_OF_MANY"):
        monkeypatch.setattr(cells, name, np.linspace(-3, 3, 31))
    dense = laws()
    errors = np.abs(usual - dense).max(1) / np.diff(dense).ravel() * 2
    assert np.median(errors) < 0.02
    assert errors.max() < 0.1
