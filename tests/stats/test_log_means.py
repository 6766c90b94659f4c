"""Mean log times with borrowed spreads: the parts by hand, and what must hold without peers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mlperf_stats.errors import TooFewRunsError
from mlperf_stats.stats.converged_runs import converged_runs
from mlperf_stats.stats.log_means import (
    NOTHING_BORROWED,
    Borrowed,
    borrow,
    cautious_variance_prior,
    log_mean,
    log_mean_at,
    log_mean_with_convergence,
)
from mlperf_stats.stats.log_sums import WelchTerms
from mlperf_stats.stats.moderated import VariancePrior
from mlperf_stats.stats.pool import pool
from mlperf_stats.stats.tied_convergence import tied_convergence_interval
from mlperf_stats.stats.time_law import time_prior


def sets(count: int = 12, runs: int = 5, seed: int = 1) -> list:
    rng = np.random.default_rng(seed)
    found = []
    for number in range(count):
        work = np.exp(rng.normal(3, 0.06, runs))
        times = work * np.exp(rng.normal(0.01 * number, 0.002, runs))
        found.append(converged_runs(times, work, size=64.0, label=str(number), lineage=str(number)))
    return found


def test_without_peers_it_is_the_sample() -> None:
    times = [10.0, 11.0, 12.5]
    found = log_mean(times)
    logs = np.log(times)
    assert (found.mean, found.variance, found.df) == pytest.approx((logs.mean(), logs.var(ddof=1) / 3, 2))
    assert log_mean([10.0]).df == 0
    # The mean of equal logarithms rounds: log 607.029… is one whose variance would come out above 0.
    for minutes, runs in ((10.0, 3), (607.0291399914126, 11), (912.842821700444, 10)):
        tied = log_mean([minutes] * runs)
        assert (tied.variance, tied.df, tied.warnings) == (0.0, 0.0, ("zero-variance",))


def test_prior_is_weighed_by_degrees_of_freedom() -> None:
    """Own variance on 2 df, prior .01 on 6: (6·.01 + 2·s²)/8."""
    borrowed = Borrowed(VariancePrior(6.0, 0.01, 5), None, time_prior([]))
    found = log_mean([10.0, 11.0, 12.5], borrowed)
    own = float(np.log([10.0, 11.0, 12.5]).var(ddof=1))
    assert (found.run_variance, found.df) == pytest.approx(((0.06 + 2 * own) / 8, 8))


def test_runs_that_tie_keep_the_spread_of_their_peers() -> None:
    """All at one point: their times agree to 0.2 %, yet the next set of runs will scatter by 6 %."""
    others = sets()
    tied = converged_runs([20.0, 20.02, 19.98], [20.0] * 3, size=64.0, label="tied")
    found = log_mean_with_convergence(tied, borrow(pool(others, 0.05), 64.0))
    assert math.sqrt(log_mean([20.0, 20.02, 19.98]).run_variance) < 0.002
    assert 0.03 < math.sqrt(found.run_variance) < 0.07


def test_a_tie_without_peers_allows_for_one_step() -> None:
    """The interval is that of runs that tie; a step of 1/20 adds 2·.05²/(3 + 1) to the variance of a run."""
    times, step = [20.0, 20.02, 19.98], 0.05
    found = log_mean(times, relative_step=step)
    low, high = WelchTerms((found,)).interval([1.0], 0.95)[1:]
    expected = tied_convergence_interval(times, step)
    assert (math.exp(low), math.exp(high)) == pytest.approx((expected.low, expected.high))
    assert found.run_variance == pytest.approx(float(np.log(times).var(ddof=1)) + 0.00125)


def test_at_convergence_follows_the_line() -> None:
    """Proportional time: 5 % more work takes 5 % longer, whatever the runs' own convergence was."""
    runs, *others = sets()
    lent = borrow(pool(others, 0.05), 64.0)
    here, there = (log_mean_at(runs, lent, math.log(20) + step) for step in (0.0, math.log(1.05)))
    assert there.mean - here.mean == pytest.approx(math.log(1.05), abs=0.005)
    assert math.sqrt(here.variance) < 0.01 < math.sqrt(log_mean_with_convergence(runs, lent).variance)


def test_slow_runs_of_others_count_as_run_and_not_at_equal_convergence() -> None:
    """One set in ten holds a run 10 % slow: its 5 runs vary by .1²/5 = .002, the mean of all is .0002."""
    steady = sets(count=20)
    disturbed = [
        converged_runs(
            np.exp(one.log_time + (0.1 if number % 10 == 0 else 0.0) * (np.arange(one.n) == 2)),
            np.exp(one.log_convergence),
            size=64.0,
            label=one.label,
            lineage=one.lineage,
        )
        for number, one in enumerate(steady)
    ]
    (alone, lent), (_, lent_by_steady) = (
        (found[1], borrow(pool([found[0], *found[2:]], 0.05), 64.0)) for found in (disturbed, steady)
    )
    as_run = log_mean_with_convergence(alone, lent).run_variance
    added = as_run - log_mean_with_convergence(alone, lent_by_steady).run_variance
    # The prior counts one degree of freedom, three are the runs' own.
    assert 0.3 * 0.0002 / 4 < added < 3 * 0.0002 / 4
    there, by_steady = (log_mean_at(alone, one, math.log(20)) for one in (lent, lent_by_steady))
    assert there.run_variance < 2 * by_steady.run_variance


def test_what_few_sets_lend_counts_little() -> None:
    """Two sets of 3 runs cannot be worth more than their own 4 degrees of freedom."""
    prior = cautious_variance_prior(sets(count=2, runs=3))
    assert prior is not None
    assert prior.df <= 4
    many = cautious_variance_prior(sets(count=60, runs=10))
    assert many is not None
    assert many.df > 8
    assert cautious_variance_prior(sets(count=1)) is None


def test_sets_that_tie_by_chance_do_not_make_the_others_look_steady() -> None:
    """Three runs at one of two evaluations 5 % apart: the variance of a run is .025², tied or not."""
    rng = np.random.default_rng(4)
    others = []
    for number in range(40):
        logs = np.where(rng.random(3) < 0.5, 0.05, 0.0) + rng.normal(0, 0.003, 3)
        others.append(converged_runs(np.exp(logs), [20.0] * 3, size=8.0, label=str(number)))
    lent = borrow(pool(others, 0.05), 8.0)
    tied = log_mean([20.0, 20.02, 19.98], lent)
    assert 0.012 < math.sqrt(tied.run_variance) < 0.04
    assert tied.df < 4


def test_nothing_to_borrow_for_convergence_is_an_error() -> None:
    with pytest.raises(TooFewRunsError):
        log_mean_with_convergence(sets()[0], NOTHING_BORROWED)
