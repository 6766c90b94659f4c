"""How many runs tell two systems apart, or show that they are alike.

Closed forms for rank tests (Noether 1987; Bouthillier et al. 2021) and the power of t tests on log time,
of difference and of equivalence, for any law of log time: see :class:`mlperf_stats.stats.laws.LogTimeLaw`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri, stdtrit

from mlperf_stats.errors import StatisticsError
from mlperf_stats.stats.laws import SEED, LogTimeLaw
from mlperf_stats.stats.sample import FloatArray, check_count
from mlperf_stats.stats.tied_convergence import hidden_variance

REPETITIONS = 10_000
SIMULATED_TO = 64
"""Runs per system up to which power is simulated; above, the t statistic is as good as normal."""

MOST_RUNS = 100_000


def sign_test_runs(probability: float, alpha: float, power: float) -> float:
    """Runs for a one-sided sign test when one outcome has ``probability`` ≠ 1/2. Source: Noether 1987."""
    return _quantiles(alpha, power) ** 2 / (4 * _advantage(probability) ** 2)


def mann_whitney_total_runs(probability: float, alpha: float, power: float, share: float = 0.5) -> float:
    """Runs of both systems together for a one-sided Mann-Whitney test. Source: Noether 1987.

    ``probability`` is P(a run of A is faster than one of B), ``share`` the part of all runs that A has.
    """
    if not 0 < share < 1:
        raise StatisticsError(f"share {share!r} is not between 0 and 1; 0.5 for equal numbers")
    return _quantiles(alpha, power) ** 2 / (12 * share * (1 - share) * _advantage(probability) ** 2)


def superiority_runs(threshold: float, alpha: float = 0.05, beta: float = 0.05) -> float:
    """Runs per system to show P(A faster than B) ≥ ``threshold``. Source: Bouthillier et al. 2021, eq. 12."""
    return (_quantiles(alpha, 1 - beta) / (math.sqrt(6) * _advantage(threshold))) ** 2


def _quantiles(alpha: float, power: float) -> float:
    for what, value in (("alpha", alpha), ("power", power)):
        if not 0 < value < 1:
            raise StatisticsError(
                f"{what} {value!r} is not between 0 and 1; certainty takes infinitely many runs"
            )
    if power <= alpha:
        raise StatisticsError(f"power {power:g} is not above alpha {alpha:g}: that needs no runs at all")
    return float(ndtri(1 - alpha) + ndtri(power))


def _advantage(probability: float) -> float:
    if not 0 < probability < 1 or probability == 0.5:
        raise StatisticsError(f"probability {probability!r} must lie between 0 and 1 and differ from 1/2")
    return abs(probability - 0.5)


@dataclass(frozen=True, slots=True)
class Contrast:
    """What is to be shown of two systems with the same number of runs, by t tests on log time."""

    ratio: float
    """True ratio of the times of the two systems."""
    margin: float = 0.0
    """Above 0: to show that the ratio is between 1 / (1 + margin) and 1 + margin (two one-sided tests)."""
    alpha: float = 0.05
    sides: int = 2
    """Of the test of difference: 1 where only one direction counts."""


def detection_power(
    law: LogTimeLaw, contrast: Contrast, runs: int, *, repetitions: int = REPETITIONS, seed: int = SEED
) -> float:
    """Probability that ``runs`` runs of each system show what ``contrast`` says.

    Both systems have times of ``law``, each with its own draw of the spread where the law is not sure of it.
    Runs that all converge at one evaluation count with what one more would add, as intervals do: their
    mean is as unsure as that.
    """
    runs = check_count(runs, minimum=2, what="runs per system")
    rng = np.random.default_rng([seed, min(runs, SIMULATED_TO + 1)])
    if runs > SIMULATED_TO:
        return _normal_power(law, contrast, runs, rng, repetitions)
    systems = [law.draws(rng, repetitions, runs) for _ in range(2)]
    first, second = (one.log_times.mean(axis=1) for one in systems)
    hidden = sum(hidden_variance(one.steps, runs) for one in systems) / runs
    unseen = np.sqrt(hidden) * rng.standard_normal(repetitions)
    difference = first - second + unseen + math.log(contrast.ratio)
    variance = sum(one.log_times.var(axis=1, ddof=1) for one in systems) / runs + hidden
    # Where all runs tie the test says nothing.
    reach = float(stdtrit(2 * runs - 2, 1 - _tail(contrast))) * np.sqrt(variance)
    return float(np.mean(_shown(difference, reach, contrast) & (variance > 0)))


def _normal_power(
    law: LogTimeLaw, contrast: Contrast, runs: int, rng: np.random.Generator, repetitions: int
) -> float:
    """Power from the central limit theorem and t's quantile, given the spreads of both systems."""
    systems = [law.large_sets(rng, repetitions) for _ in range(2)]
    error = np.sqrt(sum(spread**2 + hidden_variance(steps, runs) for spread, steps, _ in systems) / runs)
    shift, reach = math.log(contrast.ratio), float(stdtrit(2 * runs - 2, 1 - _tail(contrast)))
    # As where it is simulated: pairs of systems without a spread show nothing.
    known, error = error > 0, np.where(error > 0, error, 1.0)
    if contrast.margin:
        bound = math.log1p(contrast.margin)
        above = ndtr((bound - shift) / error - reach)
        power = np.maximum(above - ndtr((-bound - shift) / error + reach), 0.0)
    else:
        power = ndtr(abs(shift) / error - reach)
        if contrast.sides == 2:
            power = power + ndtr(-abs(shift) / error - reach)
    return float(np.mean(np.where(known, power, 0.0)))


def _tail(contrast: Contrast) -> float:
    return contrast.alpha / (1 if contrast.margin else contrast.sides)


def _shown(
    difference: FloatArray, reach: FloatArray, contrast: Contrast
) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    if contrast.margin:
        return np.asarray(np.abs(difference) + reach < math.log1p(contrast.margin))
    if contrast.sides == 1:
        return np.asarray(difference * math.copysign(1.0, math.log(contrast.ratio)) > reach)
    return np.asarray(np.abs(difference) > reach)


def runs_for_power(law: LogTimeLaw, contrast: Contrast, power: float) -> int:
    """The fewest runs per system with that power.

    Raises StatisticsError: nothing can be shown (no difference, one beyond the margin), or it takes more
    than 100 000 runs.
    """
    _check_contrast(contrast, power)
    return _smallest(lambda runs: detection_power(law, contrast, runs) >= power, 2, "this power")


def rank_power(
    law: LogTimeLaw, contrast: Contrast, runs: int, *, repetitions: int = REPETITIONS, seed: int = SEED
) -> float:
    """Probability that a Mann-Whitney test of ``runs`` runs of each system finds the difference.

    By Noether's formula, for normal log times, averaged over the spreads of both systems; what ties hide
    counts as in :func:`detection_power`. 0 where so few runs cannot reject at all.
    """
    runs = check_count(runs, minimum=1, what="runs per system")
    if runs < SIMULATED_TO and contrast.sides / math.comb(2 * runs, runs) > contrast.alpha:
        return 0.0
    rng = np.random.default_rng([seed, SIMULATED_TO + 1])
    systems = [law.large_sets(rng, repetitions) for _ in range(2)]
    variance = sum(spread**2 + hidden_variance(steps, runs) for spread, steps, _ in systems)
    with np.errstate(divide="ignore"):
        faster = ndtr(abs(math.log(contrast.ratio)) / np.sqrt(variance))
    return float(np.mean(ndtr(math.sqrt(6 * runs) * (faster - 0.5) - ndtri(1 - _tail(contrast)))))


def runs_for_rank_power(law: LogTimeLaw, contrast: Contrast, power: float) -> int:
    """The fewest runs per system with that :func:`rank_power`.

    Raises StatisticsError: as :func:`runs_for_power`, and with a margin, which the test does not know.
    """
    _check_contrast(contrast, power)
    if contrast.margin:
        raise StatisticsError("a Mann-Whitney test shows differences; plan equivalence by runs_for_power")
    return _smallest(lambda runs: rank_power(law, contrast, runs) >= power, 2, "this power")


def _check_contrast(contrast: Contrast, power: float) -> None:
    _quantiles(contrast.alpha, power)
    if not (math.isfinite(contrast.ratio) and contrast.ratio > 0):
        raise StatisticsError(f"ratio {contrast.ratio!r} must be above 0")
    if contrast.margin < 0 or contrast.sides not in (1, 2):
        raise StatisticsError("the margin must be 0 or above and a test has one side or two")
    if not contrast.margin and contrast.ratio == 1:
        raise StatisticsError("a difference of 0 cannot be detected; ask for an equivalence margin instead")
    if contrast.margin and abs(math.log(contrast.ratio)) >= math.log1p(contrast.margin):
        raise StatisticsError(
            f"systems that differ by {contrast.ratio - 1:.2%} are not within {contrast.margin:.2%}: "
            "no number of runs shows that they are"
        )


def _smallest(reached: Callable[[int], bool], first: int, what: str) -> int:
    """Bisect for the smallest count that reaches a goal which more runs bring nearer."""
    low, high = first - 1, first
    while not reached(high):
        low, high = high, 2 * high
        if high > MOST_RUNS:
            raise StatisticsError(f"{what} takes more than {MOST_RUNS:,} runs; ask for less")
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if reached(middle) else (middle, high)
    return high
