"""Splits of a set and their summary, on sets where the answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from mlperf_stats.errors import StatisticsError, TooFewRunsError
from mlperf_stats.stats.controlled import PeerPrior, peer_prior
from mlperf_stats.stats.converged_runs import ConvergedRuns
from mlperf_stats.stats.pool import pool
from mlperf_stats.stats.splits import METHODS, SplitSet, judge_splits, summarise_splits


def a_set(number: int, runs: int = 12) -> ConvergedRuns:
    rng = np.random.default_rng([4, number])
    work = rng.normal(0, 0.1, runs)
    return ConvergedRuns(work + 1 + rng.normal(0, 0.003, runs), work, 8.0, f"l{number % 3}", str(number))


def prior_of(number: int) -> PeerPrior | None:
    return peer_prior(pool([a_set(k) for k in range(10) if k != number], 0.05), [], 8.0, "")


def judged(number: int, drawn: int, repeats: int = 40) -> SplitSet:
    rng = np.random.default_rng(number)
    return judge_splits(a_set(number), prior_of(number), drawn=drawn, repeats=repeats, rng=rng)


def test_every_method_covers_where_its_assumptions_hold() -> None:
    sets = [judged(number, 3) for number in range(10)]
    for method in METHODS:
        found = summarise_splits(sets, method, seed=1)
        assert found is not None
        assert (found.sets, found.splits) == (10, 400)
        assert found.coverage_low <= found.coverage <= found.coverage_high
        assert found.coverage > 0.9
    own, controlled = (summarise_splits(sets, name, seed=1) for name in ("t_log", "controlled"))
    assert own is not None
    assert controlled is not None
    assert own.untied_width_ratio == 1.0
    assert controlled.untied_width_ratio is not None
    assert controlled.untied_width_ratio < 0.3


def test_one_run_has_no_t_interval_but_a_controlled_one() -> None:
    sets = [judged(0, 1)]
    assert summarise_splits(sets, "t_log", seed=1) is None
    found = summarise_splits(sets, "controlled", seed=1)
    assert found is not None
    assert found.untied_width_ratio is None
    assert np.isfinite(found.median_half_width)


def test_without_a_prior_all_methods_are_t_on_log_times() -> None:
    found = judge_splits(a_set(1), None, drawn=4, repeats=5, rng=np.random.default_rng(1))
    widths = [found.methods[name].half_width for name in METHODS]
    assert widths[1] == pytest.approx(widths[0])
    assert widths[2] == pytest.approx(widths[0])


def test_the_same_generator_draws_the_same_splits() -> None:
    assert np.array_equal(judged(2, 3).methods["t_log"].half_width, judged(2, 3).methods["t_log"].half_width)


@pytest.mark.parametrize(("drawn", "repeats"), [(0, 5), (-1, 5), (3, 0)])
def test_unusable_counts_are_refused(drawn: int, repeats: int) -> None:
    with pytest.raises(StatisticsError):
        judge_splits(a_set(1), None, drawn=drawn, repeats=repeats, rng=np.random.default_rng(1))


def test_a_set_must_have_a_run_left_to_predict() -> None:
    with pytest.raises(TooFewRunsError, match="3: 12 runs"):
        judge_splits(a_set(3), None, drawn=12, repeats=5, rng=np.random.default_rng(1))


def test_unknown_methods_are_refused() -> None:
    with pytest.raises(StatisticsError, match="t_log"):
        summarise_splits([], "bootstrap", seed=1)


def test_no_sets_no_summary() -> None:
    assert summarise_splits([], "controlled", seed=1) is None
