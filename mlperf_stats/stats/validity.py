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
from scipy.stats import binom

from mlperf_stats.errors import StatisticsError
from mlperf_stats.stats.proportions import invalid_probability
from mlperf_stats.stats.sample import FloatArray, check_count

_MOST_STATES = 6_000
"""Windows far apart are followed run by run; with more states than this that takes too long."""


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
    ``launched`` is too small, or so large that the windows have too many states (unet3d: above 80).
    """
    runs = check_count(runs, minimum=1, what="runs")
    launched = check_count(launched, minimum=runs, what="launched")
    alone = invalid_probability(failure_probability, runs, allowed)
    if launched == runs or alone in (0.0, 1.0):
        return alone
    if launched <= 2 * runs:
        return _median_invalid(_overlapping_windows(failure_probability, runs, allowed, launched))
    if _state_count(runs, allowed) > _MOST_STATES:
        raise StatisticsError(
            f"windows of {runs} are computed up to {2 * runs} launches, not {launched}; launch fewer"
        )
    laws = _window_laws(failure_probability, runs, allowed, launched)
    return _median_invalid(deque(laws, maxlen=1)[0])


def _median_invalid(law: FloatArray) -> float:
    """P(the median window is invalid) from the law of the number of invalid windows, shape (windows + 1,)."""
    windows = law.size - 1
    return float(min(1.0, law[windows - windows // 2 :].sum()))


def launches_needed(
    failure_probability: float, runs: int, allowed: int, probability: float, most: int | None = None
) -> int | None:
    """The fewest launches that make a valid result at least that likely; None if ``most`` do not suffice.

    More launches help only where a single window is more likely valid than not. By default ``most`` is
    ten sets, or two where windows have too many states.
    """
    if not 0 < probability < 1:
        raise StatisticsError(f"probability {probability!r} is not between 0 and 1; write 0.95 for 95 %")
    alone = invalid_probability(failure_probability, runs, allowed)
    if 1 - alone >= probability:
        return runs
    if alone >= 0.5:
        return None
    few = _state_count(runs, allowed) > _MOST_STATES
    last = (2 if few else 10) * runs if most is None else most
    laws: Iterator[FloatArray]
    if few:
        counts = range(runs, min(last, 2 * runs) + 1)
        laws = (_overlapping_windows(failure_probability, runs, allowed, count) for count in counts)
    else:
        laws = _window_laws(failure_probability, runs, allowed, last)
    reached = (runs + more for more, law in enumerate(laws) if 1 - _median_invalid(law) >= probability)
    return next(reached, None)


def _state_count(runs: int, allowed: int) -> int:
    return sum(math.comb(runs, count) for count in range(allowed + 2))


def _overlapping_windows(p: float, runs: int, allowed: int, launched: int) -> FloatArray:
    """Law of the number of invalid windows, shape (windows + 1,), when all share some runs (or touch).

    Moving a window by one loses one of the first launches and gains one of the last. State: failures
    among shared and gained runs (from ``allowed`` + 1 on all later windows are invalid), failures still
    to be lost, invalid windows so far. Which of the first launches failed is exchangeable given how many.
    """
    moved = launched - runs
    over = allowed + 1
    law = np.zeros((over + 1, moved + 1, moved + 2))
    shared = binom.pmf(np.arange(runs - moved + 1), runs - moved, p)
    kept = np.zeros(over + 1)
    np.add.at(kept, np.minimum(np.arange(shared.size), over), shared)
    law[:, :, 0] = np.multiply.outer(kept, binom.pmf(np.arange(moved + 1), moved, p))
    invalid = np.add.outer(np.arange(over + 1), np.arange(moved + 1)) > allowed
    for step in range(moved + 1):
        law = np.where(invalid[:, :, np.newaxis], _shifted(law), law)
        if step < moved:
            law = _move(law, p, np.arange(moved + 1) / (moved - step))
    total: FloatArray = law.sum(axis=(0, 1))
    return total


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


def _window_laws(p: float, runs: int, allowed: int, launched: int) -> Iterator[FloatArray]:
    """The same law for ``runs``, ``runs`` + 1, … ``launched`` launches, run by run.

    A state is where in the window its latest ``allowed`` + 1 failures lie.
    """
    on_success, on_failure, full = _transitions(runs, allowed)
    states = np.arange(on_success.size)
    size = (states.size, states.size)
    step = coo_array((np.full(states.size, 1 - p), (on_success, states)), shape=size).tocsr()
    step = step + coo_array((np.full(states.size, p), (on_failure, states)), shape=size).tocsr()
    law = np.zeros((states.size, launched - runs + 2))
    law[0, 0] = 1.0
    for run in range(1, launched + 1):
        law = np.asarray(step @ law)
        if run >= runs:
            law[full, 1:] = law[full, :-1]
            law[full, 0] = 0.0
            yield law[:, : run - runs + 2].sum(axis=0)


@lru_cache(maxsize=8)
def _transitions(runs: int, allowed: int) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """State after a success, after a failure, and the states whose window is invalid."""
    states = [ages for count in range(allowed + 2) for ages in combinations(range(runs), count)]
    index = {ages: number for number, ages in enumerate(states)}
    older = [tuple(age + 1 for age in ages if age + 1 < runs) for ages in states]
    success = np.array([index[ages] for ages in older], dtype=np.intp)
    failure = np.array([index[(0, *ages)[: allowed + 1]] for ages in older], dtype=np.intp)
    full = np.array([index[ages] for ages in states if len(ages) == allowed + 1], dtype=np.intp)
    return success, failure, full
