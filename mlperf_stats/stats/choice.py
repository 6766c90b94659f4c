"""Which one-sample method to use, from what is known of the sample, and why.

The choice looks at the number of runs, ties, runs that did not converge and distinct convergence
points, never at the widths: picking the narrower of two intervals destroys the coverage of both.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from mlperf_stats.errors import SampleError, StatisticsError
from mlperf_stats.stats import codes
from mlperf_stats.stats.censored_lognormal import censored_lognormal_interval, fit_lognormal
from mlperf_stats.stats.censored_order_statistics import censored_median_interval
from mlperf_stats.stats.expected_score import check_scoring, expected_score_interval, lognormal_score
from mlperf_stats.stats.interval import Interval
from mlperf_stats.stats.kaplan_meier import kaplan_meier_median
from mlperf_stats.stats.order_statistics import hettmansperger_sheather, median_interval, median_ranks
from mlperf_stats.stats.sample import FloatArray, Marks, SampleLike, as_vector, check_level, check_outcomes
from mlperf_stats.stats.t_log import geometric_mean_interval
from mlperf_stats.stats.tied_convergence import tied_convergence_interval, tied_sigma

Estimand = Literal["median", "geometric-mean", "expected-score"]


@dataclass(frozen=True, slots=True)
class Choice:
    """The interval of the method chosen, and why that method."""

    interval: Interval
    reason: str
    """One sentence for a reader."""


@dataclass(frozen=True, slots=True)
class _Question:
    """A validated sample with what is known of it."""

    times: NDArray[np.float64]
    converged: NDArray[np.bool_]
    points: int | None
    """Distinct convergence points of the converged runs; None if unknown."""
    relative_step: float | None
    """Distance between evaluations ÷ convergence point, if there is one point and the step is known."""
    level: float

    @property
    def finished(self) -> int:
        """Runs that converged."""
        return int(self.converged.sum())

    @property
    def complete(self) -> bool:
        return self.finished == self.times.size

    @property
    def on_one_point(self) -> bool:
        return self.points == 1 and self.finished >= 2


def best(
    times: SampleLike,
    estimand: Estimand,
    *,
    converged: Marks | None = None,
    convergence_points: SampleLike | None = None,
    evaluation_step: float | None = None,
    runs: int | None = None,
    dropped: int = 1,
    level: float = 0.95,
) -> Choice:
    """The interval to print for ``estimand``, by the best method these runs alone allow.

    ``times``: shape (n,), positive, any unit, the time trained for a run that did not converge.
    ``converged``: shape (n,), by default all did. ``convergence_points``: shape (n,), training
    progress at the evaluation that reached the target (of no account for runs that did not), and
    ``evaluation_step`` the progress between evaluations, in the same unit. ``runs``, ``dropped``:
    N and m of the official score, by default the runs at hand and 1.

    - median: order statistics below six runs (at 95 %) or on one or two convergence points,
      Hettmansperger-Sheather else; with runs that did not converge, order statistics if those ran
      longest, else Kaplan-Meier.
    - geometric mean: t of log times; on one convergence point with a step known, that plus what
      one step would add; with runs that did not converge, the censored lognormal fit.
    - expected score: ``expected_score_interval``; otherwise as for the geometric mean.
    - no converged run: the lower bound of the median, whatever was asked; nothing else is known.

    Raises SampleError, TooFewRunsError, StatisticsError.
    """
    if estimand not in get_args(Estimand):
        raise StatisticsError(f"no estimand {estimand!r}; there are {', '.join(get_args(Estimand))}")
    question = _check(times, converged, convergence_points, evaluation_step, level)
    if not question.finished or (question.finished < 2 and not question.complete):
        interval = censored_median_interval(question.times, question.converged, question.level)
        few = "No run" if not question.finished else "One run only"
        return Choice(interval, f"{few} converged: only bounds of the median can be given.")
    if estimand == "median":
        return _best_median(question)
    if estimand == "geometric-mean":
        choice = _best_geometric_mean(question)
    else:
        scored = question.times.size if runs is None else runs
        choice = _best_score(question, *check_scoring(scored, dropped))
    if question.on_one_point and codes.ONE_CONVERGENCE_POINT not in choice.interval.warnings:
        warned = (*choice.interval.warnings, codes.ONE_CONVERGENCE_POINT)
        return Choice(replace(choice.interval, warnings=warned), choice.reason)
    return choice


def _check(
    times: SampleLike,
    converged: Marks | None,
    convergence_points: SampleLike | None,
    evaluation_step: float | None,
    level: float,
) -> _Question:
    vector = as_vector(times)
    if vector.size and vector.min() <= 0:
        raise SampleError(f"times: {vector.min():g} is not above 0; leave out what is no run")
    marks = np.ones(vector.shape, dtype=np.bool_) if converged is None else np.asarray(converged)
    ordered, ordered_marks = check_outcomes(vector, marks)
    distinct = _distinct_points(convergence_points, marks.astype(np.bool_))
    step = None
    if evaluation_step is not None:
        if not math.isfinite(evaluation_step) or evaluation_step <= 0:
            raise StatisticsError(f"evaluation_step {evaluation_step!r} is not a number above 0")
        if distinct is not None and distinct.size == 1:
            step = float(evaluation_step / distinct[0])
    points = None if distinct is None else distinct.size
    return _Question(ordered, ordered_marks, points, step, check_level(level))


def _distinct_points(points: SampleLike | None, converged: NDArray[np.bool_]) -> FloatArray | None:
    if points is None:
        return None
    if np.shape(points) != converged.shape:
        raise SampleError(f"{converged.size} runs but convergence points of shape {np.shape(points)}")
    reached = as_vector([point for point, mark in zip(points, converged, strict=True) if mark], "points")
    if reached.size and reached.min() <= 0:
        raise SampleError(f"convergence points: {reached.min():g} is not above 0")
    return np.unique(reached)


def _best_median(question: _Question) -> Choice:
    times, marks, level, n = question.times, question.converged, question.level, question.times.size
    reachable = median_ranks(n, level).coverage >= level
    if not reachable:
        # Without runs that did not converge this is median_interval.
        reason = f"Too few runs for {level:.0%}: order statistics state the level they do attain."
        return Choice(censored_median_interval(times, marks, level), reason)
    if not question.complete:
        if times[~marks].min() >= times[marks].max():
            interval = censored_median_interval(times, marks, level)
            return Choice(
                interval, "Runs that did not converge were slower than all that did: ranks suffice."
            )
        interval = kaplan_meier_median(times, marks, level)
        return Choice(
            interval, "Some runs were stopped early without converging: Kaplan-Meier allows for it."
        )
    if (question.points is not None and question.points <= 2) or np.any(times[1:] == times[:-1]):
        reason = "Runs tie or converged at one or two points only; only order statistics hold for such a law."
        return Choice(median_interval(times, level), reason)
    reason = "Enough runs without ties: interpolated order statistics attain the level asked for."
    return Choice(hettmansperger_sheather(times, level), reason)


def _best_geometric_mean(question: _Question) -> Choice:
    times, level = question.times, question.level
    if not question.complete:
        interval = replace(
            censored_lognormal_interval(times, question.converged, level), estimand="geometric-mean"
        )
        return Choice(
            interval, "Some runs did not converge: a lognormal law is fitted to what is known of them."
        )
    if question.on_one_point and question.relative_step is not None:
        interval = tied_convergence_interval(times, question.relative_step, level)
        return Choice(
            interval, "All runs converged at one evaluation: what one step would add is allowed for."
        )
    reason = "All runs converged: Student's t of log times is exact for lognormal times and robust near them."
    return Choice(geometric_mean_interval(times, level), reason)


def _best_score(question: _Question, runs: int, dropped: int) -> Choice:
    times, level = question.times, question.level
    plain = _best_geometric_mean(question)
    if not question.complete:
        sigma = fit_lognormal(times, np.where(question.converged, times, np.inf)).sigma
        return Choice(lognormal_score(plain.interval, sigma, runs, dropped), plain.reason)
    interval = expected_score_interval(times, runs, dropped, level)
    if plain.interval.method == "tied-convergence":
        sigma = tied_sigma(times, question.relative_step or 0.0).item()
        shifted = lognormal_score(plain.interval, sigma, runs, dropped)
        # The unbiased estimate may lie beyond an end that outlying runs have moved.
        low, high = min(shifted.low, interval.estimate), max(shifted.high, interval.estimate)
        return Choice(replace(shifted, estimate=interval.estimate, low=low, high=high), plain.reason)
    if interval.method == "l-statistic":
        return Choice(interval, "Enough runs for the unbiased estimate and its own error, whatever the law.")
    return Choice(interval, "Few runs: Student's t of log times, exact for lognormal times.")
