"""What sets have in common, who is left out, and that a part of a pool agrees with a pool of that part."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mlperf_stats.errors import SampleError, StatisticsError
from mlperf_stats.stats.controlled import peer_prior
from mlperf_stats.stats.converged_runs import ConvergedRuns, converged_runs, reference_runs
from mlperf_stats.stats.pool import pool, scales

STEP = 0.05


def sets(sizes: list[float], runs: int = 8, between: float = 0.02, seed: int = 1) -> list[ConvergedRuns]:
    """Sets with spread 0.1 within and ``between`` between, time proportional to convergence."""
    rng = np.random.default_rng(seed)
    found = []
    for number, size in enumerate(sizes):
        work = 2.0 + rng.normal(0, between) + rng.normal(0, 0.1, runs)
        time = work + rng.normal(0, 0.002, runs)
        found.append(ConvergedRuns(time, work, size, f"l{number % 2}", f"s{number}"))
    return found


@pytest.mark.parametrize("step", [0.0, -1.0, math.nan, math.inf])
def test_unusable_steps_are_refused(step: float) -> None:
    with pytest.raises(StatisticsError):
        pool(sets([8.0] * 3), step)


def test_an_empty_pool_lends_nothing() -> None:
    empty = pool([], STEP)
    assert not empty.informative
    assert empty.cells == {}
    assert peer_prior(empty, [], 8.0, "") is None


def test_sets_of_one_run_lend_nothing() -> None:
    singles = [converged_runs([1.0], [float(value)], size=8, label=str(value)) for value in (1, 2, 3)]
    assert peer_prior(pool(singles, STEP), [], 8.0, "") is None


def test_spread_is_the_pooled_variance() -> None:
    some = sets([8.0, 8.0, 16.0])
    expected = sum(one.sum_of_squares for one in some) / sum(one.n - 1 for one in some)
    assert pool(some, STEP).spread == pytest.approx(expected)


def test_tied_runs_leave_some_variance_possible() -> None:
    tied = [converged_runs([1.0, 1.0], [4.0, 4.0], size=8, label=str(n)) for n in range(3)]
    # Six runs at one point: a further one stops a step off with a chance of 1/8 on each side.
    assert pool(tied, STEP).spread == pytest.approx(2 * STEP**2 / 8)


def test_a_cell_is_drawn_to_the_pool() -> None:
    quiet = [ConvergedRuns(one.log_time, one.log_convergence * 0.1, 16.0, "", f"q{n}")
             for n, one in enumerate(sets([8.0] * 3, seed=2))]  # fmt: skip
    both = pool([*sets([8.0] * 3), *quiet], STEP)
    assert both.spreads[16.0] < both.spread < both.spreads[8.0]


def test_alike_sets_make_the_spread_sure() -> None:
    alike = sets([8.0] * 12, runs=10)
    rng = np.random.default_rng(5)
    unlike = [
        ConvergedRuns(one.log_time, 2 + (one.log_convergence - 2) * factor, 8.0, "", one.label)
        for one, factor in zip(alike, rng.lognormal(0, 1.2, 12), strict=True)
    ]
    assert pool(alike, STEP).spread_df > 8 > 5 > pool(unlike, STEP).spread_df


def test_a_set_in_another_unit_is_left_out() -> None:
    odd = ConvergedRuns(np.zeros(5), 2.0 + math.log(140) + np.linspace(-0.1, 0.1, 5), 8.0, "", "odd")
    found = pool([*sets([8.0] * 4), odd], STEP)
    assert [(one.label, one.code) for one in found.left_out] == [("odd", "convergence-unit-doubtful")]
    assert len(found.sets) == 4


def test_a_set_whose_convergence_is_a_constant_is_left_out() -> None:
    rng = np.random.default_rng(3)
    constant = ConvergedRuns(2 + rng.normal(0, 0.1, 8), np.full(8, 2.0), 8.0, "", "constant")
    found = pool([*sets([8.0] * 4), constant], STEP)
    assert [(one.label, one.code) for one in found.left_out] == [("constant", "convergence-constant")]


def test_a_part_agrees_with_a_pool_of_that_part() -> None:
    some = sets([8.0] * 6 + [16.0] * 4 + [32.0] * 2)
    part, alone = pool(some, STEP).without({"s0"}), pool(some[1:], STEP)
    # The common part still knows the set: the spreads differ a little, nothing else does.
    assert part.spread == pytest.approx(alone.spread, rel=0.1)
    assert part.remade == {8.0}
    assert part.cells[16.0] is pool(some, STEP).cells[16.0] or part.cells.keys() == alone.cells.keys()
    theirs, own = peer_prior(part, [], 8.0, "l0"), peer_prior(alone, [], 8.0, "l0")
    assert theirs is not None
    assert own is not None
    assert theirs.peers == own.peers
    assert theirs.convergence.mean is not None
    assert own.convergence.mean is not None
    for probability in (0.025, 0.5, 0.975):
        assert float(theirs.convergence.mean.quantile(probability)) == pytest.approx(
            float(own.convergence.mean.quantile(probability)), abs=0.005
        )


def test_the_order_of_questions_does_not_matter() -> None:
    """A cell that vanishes with a set must not be remembered as if it were still there."""
    some = sets([8.0] * 3 + [16.0], seed=4)

    def centre(whole: object, without: set[str]) -> float:
        found = peer_prior(whole.without(without), [], 8.0, "x")  # type: ignore[attr-defined]
        assert found is not None
        assert found.convergence.mean is not None
        return float(found.convergence.mean.quantile(0.5))

    first, second = pool(some, STEP), pool(some, STEP)
    a = (centre(first, {"s0"}), centre(first, {"s1", "s3"}))
    b = (centre(second, {"s1", "s3"}), centre(second, {"s0"}))
    assert a == tuple(reversed(b))


def test_scales_are_a_law() -> None:
    home = pool(sets([8.0] * 4 + [16.0] * 4), STEP)
    assert scales(home, []).sum() == pytest.approx(1.0)
    assert scales(home, [home], 8.0).min() >= 0


def test_large_effects_make_large_scales() -> None:
    small = scales(pool(sets([8.0] * 10, between=0.001), STEP), []).sum(1)
    large = scales(pool(sets([8.0] * 10, between=0.2), STEP), []).sum(1)
    points = np.arange(small.size)
    assert large @ points > small @ points + 2


def test_unknown_sizes_are_cells_of_their_own() -> None:
    unknown = [
        ConvergedRuns(one.log_time, one.log_convergence, math.nan, "", one.label) for one in sets([8.0] * 3)
    ]
    assert len(pool(unknown, STEP).cells) == 3


def test_references_lend_convergence_and_no_times() -> None:
    reference = reference_runs(20, 2.05, 0.1, size=8, label="reference at 8")
    with_it = pool(sets([16.0] * 3), STEP, [reference])
    assert with_it.references == (reference,)
    found = peer_prior(with_it, [], 8.0, "l0")
    assert found is not None
    assert found.peers.same_size == ("reference at 8",)
    assert found.convergence.peers == 1
    assert found.convergence.mean is not None
    plain = peer_prior(pool(sets([16.0] * 3), STEP), [], 8.0, "l0")
    assert plain is not None
    assert plain.convergence.mean is not None
    low, middle, high = found.convergence.mean.quantile(np.array([0.025, 0.5, 0.975]))
    before = plain.convergence.mean.quantile(np.array([0.025, 0.5, 0.975]))
    # Between what the other size leads to expect and the reference, and surer than without it.
    assert before[1] < middle < 2.05
    assert high - low < before[2] - before[0]
    assert found.time == plain.time
    assert found.log_time == plain.log_time


def test_a_reference_alone_lends() -> None:
    found = peer_prior(pool([], STEP, [reference_runs(20, 2.0, 0.1, size=8, label="r")]), [], 8.0, "")
    assert found is not None
    assert found.time.slope == 1.0
    assert found.log_time is None


def test_a_reference_in_another_unit_is_left_out() -> None:
    reference = reference_runs(20, 2.0 + math.log(140), 0.1, size=8, label="r")
    found = pool(sets([8.0] * 4), STEP, [reference])
    assert [(one.label, one.code) for one in found.left_out] == [("r", "convergence-unit-doubtful")]
    assert found.references == ()


@pytest.mark.parametrize(
    ("runs", "mean", "deviation", "size"),
    [(0, 1.0, 0.1, 8), (3, math.nan, 0.1, 8), (3, 1.0, -0.1, 8), (3, 1.0, math.inf, 8), (3, 1.0, 0.1, 0)],
)
def test_unusable_references_are_refused(runs: int, mean: float, deviation: float, size: float) -> None:
    with pytest.raises(SampleError):
        reference_runs(runs, mean, deviation, size=size, label="r")
