"""Stopping rules that a runner asks after each run: enough, or one more? NumPy only, no database.

    rule = SequentialRule(Width(0.025), Anytime(expected_runs=20), maximum=60)
    while not (decision := rule.update(minutes, converged)).stop: ...

A goal says what is wanted (:class:`Width`, :class:`Comparison`, :class:`Equivalence`), a design when it
may be looked at: after every run (:class:`Anytime`), at declared numbers of runs
(:class:`GroupSequential`), or once (:class:`FixedRuns`). Whatever the design, the interval that comes with
the decision to stop covers with the level asked for.

A run that did not converge is longer than every other: an interval for a median counts it as +∞, one for
a geometric mean is open above from then on. Runs compare in pairs, the first of one variant with the first
of the other, so launches may alternate or come in blocks; a pair of which neither converged says nothing, so
its ratio may be anything.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from mlperf_stats.errors import SampleError, StatisticsError
from mlperf_stats.stats.alpha_spending import look_levels
from mlperf_stats.stats.interval import Interval
from mlperf_stats.stats.sample import check_count, check_level
from mlperf_stats.stats.sequential_intervals import (
    MeanKernel,
    anytime_mean,
    anytime_median,
    ordinary_mean,
    ordinary_median,
)

DEFAULT_MAXIMUM = 200
Estimand: TypeAlias = Literal["geometric-mean", "median"]
Variant: TypeAlias = Literal["a", "b"]


@dataclass(frozen=True, slots=True)
class Width:
    """Stop when the interval's half-width is at most this share of the estimate."""

    half_width: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Stop when the ratio of variant a's time to b's is told from 1."""

    a: str = "variant a"
    """What a decision's reason calls it."""
    b: str = "variant b"


@dataclass(frozen=True, slots=True)
class Equivalence:
    """Stop when the ratio is within ``margin`` of 1 (from 1 / (1 + margin) to 1 + margin), or outside."""

    margin: float


@dataclass(frozen=True, slots=True)
class Anytime:
    """Look after every run. The interval is narrowest near ``expected_runs``, which is no promise."""

    expected_runs: int = 20
    last_run: int | None = None
    """Declared: there will be no more runs, and the interval need not hold beyond, which makes one for a
    geometric mean narrower."""


@dataclass(frozen=True, slots=True)
class GroupSequential:
    """Look at these numbers of runs alone; cheaper than looking every time."""

    looks: tuple[int, ...]
    spending: str = "obrien-fleming"


@dataclass(frozen=True, slots=True)
class FixedRuns:
    """Look once."""

    runs: int


Goal: TypeAlias = Width | Comparison | Equivalence
Design: TypeAlias = Anytime | GroupSequential | FixedRuns


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do after a run, why, and what is known so far."""

    stop: bool
    answer: str
    """``narrow``, ``a-faster``, ``b-faster``, ``equivalent``, ``different``; empty while undecided."""
    reason: str
    """One sentence for a person."""
    runs: int
    """Runs (or pairs) that the interval is from."""
    interval: Interval | None
    """Of time, of time per unit of the covariate, or of the ratio a ÷ b; None where nothing is known."""


class SequentialRule:
    """Feeds on one run at a time and says when to stop.

    Args:
        goal: What is wanted.
        design: When it may be looked at.
        minimum: Never stop before this many runs (pairs); 3 or more.
        maximum: Always stop here; never beyond the design's last look or run, and 200 where it has none.
            Before the last of declared looks it is the last look instead.
        level: Confidence level of the whole rule.
        estimand: ``geometric-mean`` (narrower, for runs that converge) or ``median`` (whatever the law).
        variance_floor: Standard deviation of log time below which the runs' own is not believed, best from
            other runs of the benchmark: tied runs would otherwise stop a rule at once. With 0, runs that
            all tie do not stop it.
        covariate_mean: With covariates (how far each run trained), their expected value: the interval is
            then for the time that this takes.

    Raises:
        StatisticsError: a setting is impossible; the message says what is possible.
    """

    def __init__(
        self,
        goal: Goal,
        design: Design,
        *,
        minimum: int = 3,
        maximum: int | None = None,
        level: float = 0.95,
        estimand: Estimand = "geometric-mean",
        variance_floor: float = 0.0,
        covariate_mean: float | None = None,
    ) -> None:
        _check_goal(goal)
        if not (math.isfinite(variance_floor) and variance_floor >= 0):
            raise StatisticsError(
                f"variance floor {variance_floor!r} must be 0 or a standard deviation above"
            )
        if estimand not in ("geometric-mean", "median"):
            raise StatisticsError(f"estimand {estimand!r} is unknown; it is geometric-mean or median")
        self.goal = goal
        self.level = check_level(level)
        self._floor = variance_floor
        self._estimand: Estimand = estimand
        self._minimum = check_count(minimum, minimum=3, what="minimum")
        if maximum is not None:
            check_count(maximum, minimum=self._minimum, what="maximum")
        if covariate_mean is not None and not (math.isfinite(covariate_mean) and covariate_mean > 0):
            raise StatisticsError(f"covariate mean {covariate_mean!r} must be a number above 0")
        self._looks = _looks_of(design, self.level, maximum)
        self._last_run = design.last_run if isinstance(design, Anytime) else None
        last = max(self._looks) if self._looks else self._last_run
        wanted = check_count(maximum or last or DEFAULT_MAXIMUM, minimum=self._minimum, what="maximum")
        self.maximum = min(wanted, last or wanted)
        self._expected = design.expected_runs if isinstance(design, Anytime) else 0
        self._fixed = isinstance(design, FixedRuns)
        self._scale = covariate_mean or 1.0
        self._covariates: bool | None = None
        self._logs: dict[Variant, list[float]] = {"a": [], "b": []}

    def update(
        self,
        time: float | None,
        converged: bool = True,
        covariate: float | None = None,
        *,
        variant: Variant = "a",
    ) -> Decision:
        """Take in one run and decide.

        Args:
            time: Time to train in any unit; ignored (and may be None) where ``converged`` is false.
            converged: Whether the run reached its target.
            covariate: How far the run trained, above 0: with it, times are compared per unit of it, that is
                at equal convergence. Give it for every converged run or for none.
            variant: Which of two variants ran; ``a`` for goals about one.

        Raises:
            SampleError: a time or covariate is missing or not positive.
            StatisticsError: ``variant`` does not fit the goal.
        """
        if variant not in self._logs or (variant == "b" and isinstance(self.goal, Width)):
            raise StatisticsError(f"variant {variant!r} does not fit this goal; a width is about variant 'a'")
        self._logs[variant].append(self._log(time, converged, covariate))
        values = self._values()
        if not values:
            return Decision(False, "", "the other variant has not run yet", 0, None)
        if not isinstance(self.goal, Width) and len(self._logs[variant]) > len(values):
            return self._verdict(values, pair_complete=False)
        return self._verdict(values, pair_complete=True)

    def _log(self, time: float | None, converged: bool, covariate: float | None) -> float:
        if not converged:
            return math.inf
        if time is None or not (math.isfinite(time) and time > 0):
            raise SampleError(f"time {time!r} of a converged run is not positive; state how long it took")
        if self._covariates is None:
            self._covariates = covariate is not None
        if self._covariates != (covariate is not None):
            raise SampleError("give the covariate for every converged run or for none")
        if covariate is None:
            return math.log(time)
        if not (math.isfinite(covariate) and covariate > 0):
            raise SampleError(f"covariate {covariate!r} is not positive; state how far the run trained")
        return math.log(time) - math.log(covariate) + math.log(self._scale)

    def _values(self) -> list[float]:
        """Log times, or differences of paired log times; two failures of a pair say nothing and are NaN."""
        if isinstance(self.goal, Width):
            return self._logs["a"]
        pairs = zip(self._logs["a"], self._logs["b"], strict=False)
        return [a - b for a, b in pairs]

    def _verdict(self, values: Sequence[float], *, pair_complete: bool) -> Decision:
        runs = len(values)
        if not pair_complete:
            return Decision(False, "", "the pair is not complete", runs, None)
        looking = self._looks is None or runs in self._looks
        interval = self._interval(values, self._looks[runs] if self._looks and looking else self.level)
        last = runs >= self.maximum
        if not looking:
            reason = "the largest number of runs is reached" if last else "no look is declared here"
            return Decision(last, "", reason, runs, interval)
        if runs < self._minimum:
            return Decision(False, "", f"fewer than {self._minimum} runs", runs, interval)
        if self._unproven_ties(values):
            reason = "all runs tie and no variance floor is given: their spread is not known"
            return Decision(last, "", reason, runs, interval)
        answer = _answer(self.goal, interval)
        if answer:
            return Decision(True, answer, _reason(self.goal, answer, interval), runs, interval)
        reason = "the largest number of runs is reached" if last else "the interval is still too wide"
        return Decision(last, "", reason, runs, interval)

    def _interval(self, values: Sequence[float], level: float) -> Interval:
        estimand = self._estimand if isinstance(self.goal, Width) else f"ratio-of-{self._estimand}s"
        if self._covariates and self._scale == 1.0 and isinstance(self.goal, Width):
            estimand += "-per-unit"
        if self._estimand == "median":
            if self._looks is None:
                return anytime_median(values, self.level, estimand)
            return ordinary_median(values, level, self.level, estimand, widest=self._fixed)
        kernel = MeanKernel(self._floor, self.level, estimand)
        if self._looks is None:
            return anytime_mean(values, kernel, self._expected, self._last_run)
        return ordinary_mean(values, kernel, level)

    def _unproven_ties(self, values: Sequence[float]) -> bool:
        return self._floor == 0 and not self._fixed and len({v for v in values if math.isfinite(v)}) == 1


def _looks_of(design: Design, level: float, maximum: int | None) -> dict[int, float] | None:
    """Runs at which to look and the level of the interval there; None for every run."""
    if isinstance(design, Anytime):
        check_count(design.expected_runs, minimum=3, what="expected_runs")
        if design.last_run is not None:
            check_count(design.last_run, minimum=3, what="last_run")
        return None
    if isinstance(design, FixedRuns):
        return {check_count(design.runs, minimum=3, what="runs"): level}
    looks = design.looks
    if maximum is not None and looks and maximum < looks[-1]:
        looks = (*(look for look in looks if look < maximum), maximum)
    return dict(zip(looks, look_levels(looks, level, design.spending), strict=True))


def _check_goal(goal: Goal) -> None:
    if isinstance(goal, Width) and not 0 < goal.half_width < 1:
        raise StatisticsError(f"half-width {goal.half_width!r} is not between 0 and 1; write 0.025 for 2.5 %")
    if isinstance(goal, Equivalence) and not 0 < goal.margin < 1:
        raise StatisticsError(f"margin {goal.margin!r} is not between 0 and 1; write 0.02 for 2 %")


def _answer(goal: Goal, interval: Interval) -> str:
    if isinstance(goal, Width):
        return "narrow" if interval.half_width_relative <= goal.half_width else ""
    if isinstance(goal, Comparison):
        return "a-faster" if interval.high < 1 else "b-faster" if interval.low > 1 else ""
    if interval.low >= 1 / (1 + goal.margin) and interval.high <= 1 + goal.margin:
        return "equivalent"
    return "different" if interval.high < 1 / (1 + goal.margin) or interval.low > 1 + goal.margin else ""


def _reason(goal: Goal, answer: str, interval: Interval) -> str:
    if isinstance(goal, Width):
        return (
            f"the half-width is {interval.half_width_relative:.2%} of at most {goal.half_width:.2%} asked for"
        )
    bounds = f"the ratio lies between {interval.low:.4g} and {interval.high:.4g}"
    if isinstance(goal, Comparison):
        return f"{goal.a if answer == 'a-faster' else goal.b} is faster: {bounds}"
    alike = "are equivalent" if answer == "equivalent" else "differ by more than the margin"
    return f"the variants {alike}: {bounds}"
