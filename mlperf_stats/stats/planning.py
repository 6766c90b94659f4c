"""How many runs make an interval narrow enough, with the assurance that it will be.

The half-width of an interval is itself random; *assurance* is the probability that it turns out at most
as wide as wanted, what is not known of the spread included. Where a closed form exists it is used (the
geometric mean of lognormal times, :func:`geometric_mean_half_width`), otherwise the interval is computed on
simulated runs of the law. Half-widths are relative: half of what lies between the ends, over the estimate.

Simulated runs that all converge at one evaluation get the interval that such results get, with what one
evaluation more or less would add (:mod:`mlperf_stats.stats.tied_convergence`). Promises are for a further
set, not for those that the law was made of (:mod:`mlperf_stats.stats.predictive`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtr, fdtr, fdtri, gammaincinv

from mlperf_stats.errors import StatisticsError
from mlperf_stats.stats.expected_score import L_STATISTIC_FROM, check_scoring
from mlperf_stats.stats.l_statistics import (
    influence_standard_error,
    lognormal_score_shift,
    unbiased_weights,
)
from mlperf_stats.stats.laws import SEED, Draws, LogTimeLaw
from mlperf_stats.stats.order_statistics import median_ranks, order_statistics_bounds
from mlperf_stats.stats.power import MOST_RUNS
from mlperf_stats.stats.predictive import Origins, predictive_probability, predictive_quantile
from mlperf_stats.stats.sample import FloatArray, check_count, check_level
from mlperf_stats.stats.t_log import t_quantile
from mlperf_stats.stats.tied_convergence import hidden_variance

REPETITIONS = 4_000
"""Simulated sets, at least; of small ones as many more as cost the same."""

_SIMULATED_RUNS = 60_000
SIMULATED_TO = 64
"""Runs up to which sets are simulated run by run; above, only their standard deviations are."""

ESTIMANDS = ("geometric-mean", "median", "expected-score")

_MEDIAN_EFFICIENCY = {"normal": math.pi / 2, "logistic": 12 / math.pi**2, "laplace": 0.5}
"""n times the variance of the sample median, in units of the law's variance."""


def median_runs(variance: float, width: float, level: float = 0.95, law: str = "normal") -> int:
    """Runs for an interval for the median that is ``width`` wide (both ends apart), on the raw scale.

    ``variance`` of one run and ``law`` (``normal``, ``logistic``, ``laplace``) are taken as known. Equals
    ``size.ci.median`` of R's statpsych (Bonett). Raises StatisticsError.
    """
    if law not in _MEDIAN_EFFICIENCY:
        raise StatisticsError(f"law {law!r} is unknown; it is one of {', '.join(_MEDIAN_EFFICIENCY)}")
    if not (variance > 0 and width > 0):
        raise StatisticsError(f"variance {variance!r} and width {width!r} must be above 0")
    quantile = t_quantile(check_level(level), math.inf)
    return math.ceil(4 * _MEDIAN_EFFICIENCY[law] * variance * (quantile / width) ** 2)


@dataclass(frozen=True, slots=True)
class WidthQuestion:
    """Which interval, of which estimand, how surely."""

    estimand: str = "expected-score"
    level: float = 0.95
    assurance: float = 0.8
    scored_runs: int = 10
    """N of the score whose expectation is asked for."""
    dropped: int = 1


@dataclass(frozen=True, slots=True)
class Widths:
    """Relative half-widths on simulated sets, (repetitions,), and the published set that each is from."""

    values: FloatArray
    origins: Origins | None
    """None where the law weighs its sets, or has none: there is no further one to allow for."""

    def quantile(self, probability: float) -> float:
        """What a further set stays within."""
        if self.origins is None:
            return float(np.quantile(self.values, probability, method="inverted_cdf"))
        return predictive_quantile(self.values, self.origins, probability)

    def probability(self, wanted: float) -> float:
        """That a further set stays within ``wanted``."""
        if self.origins is None:
            return float(np.mean(self.values <= wanted))
        return predictive_probability(self.values, self.origins, wanted)


def half_width(law: LogTimeLaw, runs: int, question: WidthQuestion) -> float:
    """The relative half-width that ``runs`` runs stay within with the assurance asked for; ∞ if none does.

    For the median it is what every larger number keeps as well.
    """
    check_question(question)
    runs = check_count(runs, minimum=2, what="runs")
    if question.estimand == "median":
        counts = _counts_of_wide_medians(runs, question.level)
        return max((_assured_width(law, n, question) for n in counts), default=math.inf)
    if question.estimand == "geometric-mean" and not law.sets:
        return geometric_mean_half_width(law, runs, question.level, question.assurance)
    return _assured_width(law, runs, question)


@lru_cache(maxsize=4096)
def _assured_width(law: LogTimeLaw, runs: int, question: WidthQuestion) -> float:
    """Kept, for a search and a curve ask for the same numbers of runs again and again."""
    return _half_widths(law, runs, question).quantile(question.assurance)


def assurance(law: LogTimeLaw, runs: int, wanted: float, question: WidthQuestion) -> float:
    """Probability that the half-width of ``runs`` runs is at most ``wanted``."""
    check_question(question, wanted)
    runs = check_count(runs, minimum=2, what="runs")
    if question.estimand == "geometric-mean" and not law.sets:
        return _geometric_mean_assurance(law, runs, question.level, wanted)
    return _half_widths(law, runs, question).probability(wanted)


def runs_for_width(law: LogTimeLaw, wanted: float, question: WidthQuestion) -> int:
    """The fewest runs whose half-width is at most ``wanted`` with the assurance asked for.

    Raises StatisticsError: an argument is impossible, or it takes more than 100 000 runs.
    """
    check_question(question, wanted)
    low, high = 1, 2
    while half_width(law, high, question) > wanted:
        low, high = high, 2 * high
        if high > MOST_RUNS:
            raise StatisticsError(
                f"a half-width of {wanted:.3%} takes more than {MOST_RUNS:,} runs; one run scatters by "
                f"{law.typical_spread:.2%}, ask for a wider interval"
            )
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if half_width(law, middle, question) <= wanted else (middle, high)
    return high


def check_question(question: WidthQuestion, wanted: float | None = None) -> None:
    """The door: StatisticsError says what is possible."""
    check_level(question.level)
    check_scoring(question.scored_runs, question.dropped)
    if question.estimand not in ESTIMANDS:
        raise StatisticsError(
            f"estimand {question.estimand!r} is unknown; it is one of {', '.join(ESTIMANDS)}"
        )
    if not 0 < question.assurance < 1:
        raise StatisticsError(
            f"assurance {question.assurance!r} is not between 0 and 1; no number of runs makes it certain"
        )
    if wanted is not None and not 0 < wanted < 1:
        raise StatisticsError(f"half-width {wanted!r} is not between 0 and 1; write 0.025 for 2.5 %")


def _counts_of_wide_medians(runs: int, level: float) -> Sequence[int]:
    """``runs`` and the larger numbers whose exact interval may be wider; none if no level is reached.

    Its ends move outwards with each run until their ranks move in by one: it is widest before that.
    """
    if median_ranks(runs, level).coverage < level:
        return ()
    if runs > SIMULATED_TO:
        return (runs,)
    ranks = {n: median_ranks(n, level).rank for n in range(runs, SIMULATED_TO + 2)}
    widest = [n for n in range(runs + 1, SIMULATED_TO) if ranks[n] < ranks[n + 1]]
    return (runs, *widest, SIMULATED_TO, SIMULATED_TO + 1)


def geometric_mean_half_width(law: LogTimeLaw, runs: int, level: float, probability: float) -> float:
    """Closed form for lognormal times: s² / σ² is χ² / df, or F where the spread has its own df."""
    ratio = (
        2 * gammaincinv((runs - 1) / 2, probability) / (runs - 1)
        if math.isinf(law.df)
        else fdtri(runs - 1, law.df, probability)
    )
    exponent = t_quantile(level, runs - 1) * law.sigma * math.sqrt(float(ratio) / runs)
    return math.sinh(exponent) if exponent < 700 else math.inf


def _geometric_mean_assurance(law: LogTimeLaw, runs: int, level: float, wanted: float) -> float:
    ratio = (math.asinh(wanted) * math.sqrt(runs) / (t_quantile(level, runs - 1) * law.sigma)) ** 2
    if math.isinf(law.df):
        return float(chdtr(runs - 1, ratio * (runs - 1)))
    return float(fdtr(runs - 1, law.df, ratio))


def _half_widths(law: LogTimeLaw, runs: int, question: WidthQuestion) -> Widths:
    """Relative half-widths of ``runs`` runs on simulated sets.

    Of large sets only the standard deviation is drawn; what another estimand than the geometric mean has
    on top of it (the median's lower efficiency, say) is taken over from the largest simulated ones.
    """
    if runs <= SIMULATED_TO:
        return simulated_half_widths(law, runs, question)
    median = question.estimand == "median"
    if median:
        # Its exact interval allows for nothing that ties hide.
        law = replace(law, steps=())
    own = simulated_half_widths(law, SIMULATED_TO, question).values
    of_means = simulated_half_widths(law, SIMULATED_TO, replace(question, estimand="geometric-mean")).values
    rng = np.random.default_rng([SEED, SIMULATED_TO + 1])
    spread, steps, origins = law.large_sets(rng, REPETITIONS)
    variance = spread**2 * rng.chisquare(runs - 1, REPETITIONS) / (runs - 1) + hidden_variance(steps, runs)
    half = t_quantile(question.level, runs - 1) * np.sqrt(variance / runs)
    ratio = np.full(REPETITIONS, np.mean(own) / np.mean(of_means))
    if median and law.sets:
        ratio = _ratios_by_set(own, of_means, _simulated(law, SIMULATED_TO, SEED).origins, len(law.sets))[
            origins
        ]
    return Widths(np.asarray(ratio * np.sinh(half)), _origins(law, origins))


def _ratios_by_set(
    widths: FloatArray, of_means: FloatArray, origins: NDArray[np.intp], sets: int
) -> FloatArray:
    """Mean width over that of means, (sets,): an outlier among a set's runs widens means, not medians.

    1 where no run of a set differs, or none was drawn.
    """
    ours, others = (np.bincount(origins, weights=values, minlength=sets) for values in (widths, of_means))
    return np.divide(ours, others, out=np.ones(sets), where=others > 0)


def _origins(law: LogTimeLaw, origins: Origins) -> Origins | None:
    return origins if law.sets and not law.weights else None


@lru_cache(maxsize=512)
def simulated_half_widths(law: LogTimeLaw, runs: int, question: WidthQuestion, seed: int = SEED) -> Widths:
    """Relative half-widths of the interval on simulated sets of ``runs`` runs.

    ∞ for a median where so few runs have no interval of that level.
    """
    drawn = _simulated(law, runs, seed)
    ordered = drawn.log_times
    variance = ordered.var(axis=1, ddof=1) + hidden_variance(drawn.steps, runs)
    half = t_quantile(question.level, runs - 1) * np.sqrt(variance / runs)
    with np.errstate(over="ignore", invalid="ignore"):
        if question.estimand == "median":
            widths = _median_widths(ordered, question.level)
        elif question.estimand == "expected-score":
            widths = _score_widths(ordered, half, drawn.steps > 0, question)
        else:
            widths = np.sinh(half)
    widths.setflags(write=False)
    return Widths(widths, _origins(law, drawn.origins))


@lru_cache(maxsize=64)
def _simulated(law: LogTimeLaw, runs: int, seed: int) -> Draws:
    """Simulated sets, the log times of each in order: the same for every estimand."""
    repetitions = max(REPETITIONS, _SIMULATED_RUNS // runs)
    drawn = law.draws(np.random.default_rng([seed, runs]), repetitions, runs)
    return replace(drawn, log_times=np.sort(drawn.log_times, axis=1))


def _median_widths(ordered: FloatArray, level: float) -> FloatArray:
    """Of the order-statistics interval of log times (repetitions, n)."""
    if median_ranks(ordered.shape[-1], level).coverage < level:
        return np.full(ordered.shape[0], np.inf)
    estimate, low, high = order_statistics_bounds(np.exp(ordered), level)
    return np.asarray((high - low) / 2 / estimate)


def _score_widths(
    ordered: FloatArray, half: FloatArray, tied: NDArray[np.bool_], question: WidthQuestion
) -> FloatArray:
    """Of the interval for the expected score, from log times (repetitions, n) and the t interval's half.

    Of samples that are tied it is that interval however many runs they have.
    """
    runs, dropped = question.scored_runs, question.dropped
    n = ordered.shape[-1]
    # The shift from geometric mean to expected score is quadratic in sigma as far as planning can tell.
    curvature = float(lognormal_score_shift(np.array([0.05]), runs, dropped)[0]) / 0.05**2
    centre = np.exp(ordered.mean(axis=1) + curvature * np.minimum(ordered.var(axis=1, ddof=1), 1.0))
    estimate = np.exp(ordered) @ unbiased_weights(n, runs, dropped) if n >= runs else centre
    pivot = np.sinh(half) * centre / estimate
    if n < L_STATISTIC_FROM:
        return np.asarray(pivot)
    error = influence_standard_error(np.exp(ordered), runs, dropped) / estimate
    return np.where(tied, pivot, np.sinh(t_quantile(question.level, n - 1) * error))


def width_curve(law: LogTimeLaw, runs: Sequence[int], question: WidthQuestion) -> list[tuple[int, float]]:
    """(runs, half-width with the assurance asked for) at each count."""
    return [(count, half_width(law, count, question)) for count in runs]
