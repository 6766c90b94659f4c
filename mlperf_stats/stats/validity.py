"""How likely a set of runs is to be valid, by exact computation.

A result of N runs is invalid if more than ``allowed`` of them do not converge. Who launches M > N runs
takes, of all windows of N consecutive launches, the one with the median score, windows without a score
counting as the slowest; the result is invalid if that window is.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from functools import lru_cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.special import betaln

from mlperf_stats.errors import StatisticsError
from mlperf_stats.stats.proportions import invalid_probability
from mlperf_stats.stats.sample import FloatArray, check_count

_MOST_WORK = 1.2e8
"""Windows far apart are followed run by run: states × pairs of windows that about half a second allows."""


def predictive_invalid_probability(failed: int, observed: int, runs: int, allowed: int) -> float:
    """P(invalid) of ``runs`` runs where ``failed`` of ``observed`` did not converge before.

    The failure probability has Jeffreys' prior, so the answer contains what is not known of it.
    """
    observed = check_count(observed, minimum=0, what="observed")
    failed = check_count(failed, minimum=0, what="failed")
    if failed > observed:
        raise StatisticsError(f"{failed} of {observed} runs cannot have failed; swap the arguments?")
    a, b = failed + 0.5, observed - failed + 0.5
    counts = np.arange(min(allowed, runs) + 1)
    logs = [math.log(math.comb(runs, int(k))) + betaln(a + k, b + runs - k) - betaln(a, b) for k in counts]
    return float(max(0.0, 1 - np.exp(logs).sum()))


def window_invalid_probability(failure_probability: float, runs: int, allowed: int, launched: int) -> float:
    """P(the window with the median score is invalid) when ``launched`` ≥ ``runs`` runs are launched.

    Of an even number of windows the slower of the middle two is taken. Raises StatisticsError if
    ``launched`` is too small, or so large that following the windows takes too long (unet3d: above 80).
    """
    runs = check_count(runs, minimum=1, what="runs")
    launched = check_count(launched, minimum=runs, what="launched")
    alone = invalid_probability(failure_probability, runs, allowed)
    if launched == runs or alone in (0.0, 1.0):
        return alone
    if launched <= 2 * runs:
        return _median_invalid(_overlapping_windows(failure_probability, runs, allowed, launched))
    if launched > (most := _most_launches(runs, allowed)):
        raise StatisticsError(
            f"windows of {runs} are computed up to {most} launches, not {launched}; launch fewer"
        )
    return deque(_median_invalid_by_launches(failure_probability, runs, allowed, launched), maxlen=1)[0]


def _median_invalid(law: FloatArray) -> float:
    """P(the median window is invalid) from the law of the number of invalid windows, shape (windows + 1,)."""
    return float(min(1.0, law[_middle(law.size - 1) :].sum()))


def launches_needed(
    failure_probability: float, runs: int, allowed: int, probability: float, most: int | None = None
) -> int | None:
    """As :func:`valid_launches`, without how likely."""
    found = valid_launches(failure_probability, runs, allowed, probability, most)
    return found[0] if found else None


@lru_cache(maxsize=256)
def valid_launches(
    failure_probability: float, runs: int, allowed: int, probability: float, most: int | None = None
) -> tuple[int, float] | None:
    """The fewest launches that make a valid result at least that likely, and how likely; None if ``most`` do
    not suffice.

    More launches help only where a single window is more likely valid than not. By default ``most`` is
    ten sets, or as many as can be followed in good time, two at least.
    """
    if not 0 < probability < 1:
        raise StatisticsError(f"probability {probability!r} is not between 0 and 1; write 0.95 for 95 %")
    alone = invalid_probability(failure_probability, runs, allowed)
    if 1 - alone >= probability:
        return runs, 1 - alone
    if alone >= 0.5:
        return None
    last = _most_launches(runs, allowed)
    chances: Iterator[float]
    if last > 2 * runs:
        last = min(last, 10 * runs) if most is None else min(last, most)
        chances = _median_invalid_by_launches(failure_probability, runs, allowed, last)
    else:
        counts = range(runs, (2 * runs if most is None else min(most, 2 * runs)) + 1)
        laws = (_overlapping_windows(failure_probability, runs, allowed, count) for count in counts)
        chances = map(_median_invalid, laws)
    reached = ((runs + more, 1 - chance) for more, chance in enumerate(chances) if 1 - chance >= probability)
    return next(reached, None)


def _most_launches(runs: int, allowed: int) -> int:
    """Launches up to which windows are followed; twice the runs need no following."""
    states = sum(math.comb(runs, count) for count in range(allowed + 2))
    return max(2 * runs, runs + math.isqrt(int(4 * _MOST_WORK / states)))


def _overlapping_windows(p: float, runs: int, allowed: int, launched: int) -> FloatArray:
    """Law of the number of invalid windows, shape (windows + 1,), when all share some runs (or touch).

    Moving a window by one loses one of the first launches and gains one of the last. State: failures
    among shared and gained runs (from ``allowed`` + 1 on all later windows are invalid), failures still
    to be lost, invalid windows so far. Which of the first launches failed is exchangeable given how many.
    """
    moved = launched - runs
    over = allowed + 1
    law = np.zeros((over + 1, moved + 1, moved + 2))
    shared = _binomial(runs - moved, p)
    kept = np.zeros(over + 1)
    np.add.at(kept, np.minimum(np.arange(shared.size), over), shared)
    law[:, :, 0] = np.multiply.outer(kept, _binomial(moved, p))
    invalid = np.add.outer(np.arange(over + 1), np.arange(moved + 1)) > allowed
    for step in range(moved + 1):
        law = np.where(invalid[:, :, np.newaxis], _shifted(law), law)
        if step < moved:
            law = _move(law, p, np.arange(moved + 1) / (moved - step))
    total: FloatArray = law.sum(axis=(0, 1))
    return total


def _binomial(runs: int, p: float) -> FloatArray:
    """Probabilities of 0 … ``runs`` failures."""
    return np.array([math.comb(runs, k) * p**k * (1 - p) ** (runs - k) for k in range(runs + 1)])


def _shifted(law: FloatArray) -> FloatArray:
    """One more invalid window."""
    after = np.zeros_like(law)
    after[:, :, 1:] = law[:, :, :-1]
    return after


def _move(law: FloatArray, p: float, loses: FloatArray) -> FloatArray:
    """The next window gains a launch and loses one, a failure with ``loses`` (by failures still to lose)."""
    chance = np.minimum(loses, 1.0)[np.newaxis, :, np.newaxis]
    lost = law * (1 - chance)
    lost[:, :-1] += (law * chance)[:, 1:]
    after = lost * (1 - p)
    after[1:] += lost[:-1] * p
    after[-1] += lost[-1] * p
    return np.asarray(after)


def _median_invalid_by_launches(p: float, runs: int, allowed: int, launched: int) -> Iterator[float]:
    """P(the median window is invalid) for ``runs``, ``runs`` + 1, … ``launched`` launches, run by run.

    A state is where in the window its latest ``allowed`` + 1 failures lie, and how many windows were invalid;
    more than half of all that there will be need not be told apart.
    """
    on_success, on_failure, full = _transitions(runs, allowed)
    states = np.arange(on_success.size)
    size = (states.size, states.size)
    step = coo_array((np.full(states.size, 1 - p), (on_success, states)), shape=size).tocsr()
    step = step + coo_array((np.full(states.size, p), (on_failure, states)), shape=size).tocsr()
    most = _middle(launched - runs + 1)
    law = np.zeros((states.size, 1))
    law[0, 0] = 1.0
    for run in range(1, launched + 1):
        law = np.asarray(step @ law)
        if run >= runs:
            law = _one_more_invalid(law, full, most)
            yield float(min(1.0, law[:, _middle(run - runs + 1) :].sum()))


def _middle(windows: int) -> int:
    """Invalid windows that make the median one invalid: of an even number, the slower of the middle two."""
    return windows - windows // 2


def _one_more_invalid(law: FloatArray, full: int, most: int) -> FloatArray:
    """The law (states, counts) after a window that is invalid in all states from ``full`` on.

    Counts grow by one until ``most``, where they are kept together.
    """
    counts = law.shape[1]
    after = np.empty((law.shape[0], min(counts, most) + 1))
    after[:full, :counts] = law[:full]
    after[:full, counts:] = 0.0
    after[full:, 0] = 0.0
    after[full:, 1:] = law[full:, : after.shape[1] - 1]
    if counts == after.shape[1]:
        after[full:, -1] += law[full:, -1]
    return after


@lru_cache(maxsize=8)
def _transitions(runs: int, allowed: int) -> tuple[NDArray[np.intp], NDArray[np.intp], int]:
    """State after a success, after a failure, and the first state whose window is invalid, as all later."""
    states = [ages for count in range(allowed + 2) for ages in combinations(range(runs), count)]
    index = {ages: number for number, ages in enumerate(states)}
    older = [tuple(age + 1 for age in ages if age + 1 < runs) for ages in states]
    success = np.array([index[ages] for ages in older], dtype=np.intp)
    failure = np.array([index[(0, *ages)[: allowed + 1]] for ages in older], dtype=np.intp)
    return success, failure, sum(len(ages) <= allowed for ages in states)
