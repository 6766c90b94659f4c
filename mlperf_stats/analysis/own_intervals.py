"""The intervals that a result's own runs give: one place, so that every table prints the same ones."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from mlperf_stats.analysis.run_sets import RunSet
from mlperf_stats.rules.suite import Benchmark

if TYPE_CHECKING:
    from mlperf_stats.stats.choice import Estimand
    from mlperf_stats.stats.interval import Interval


def own_interval(
    minutes: Sequence[float],
    estimand: Estimand,
    rules: Benchmark,
    *,
    points: Collection[float],
    step: float | None,
    level: float,
) -> Interval | None:
    """The interval of converged runs, at least one.

    Args:
        minutes: Their times.
        estimand: Of what.
        rules: Of the benchmark: they define the expected score. None is returned where they leave no score,
            because the fastest and the slowest are all there is.
        points: The distinct convergence points of the runs, in any order.
        step: Gap between evaluations, in the unit of the points; it tells what runs that all converged at
            one evaluation do not.
        level: Confidence level.
    """
    from mlperf_stats.stats.choice import best

    known: dict[str, Any] = {"level": level}
    if len(points) == 1 and min(points) > 0:
        known.update(convergence_points=[*points] * len(minutes), evaluation_step=step)
    if estimand == "expected-score":
        if rules.scored_runs <= 2 * rules.dropped_each_side:
            return None
        known.update(runs=rules.scored_runs, dropped=rules.dropped_each_side)
    return best(minutes, estimand, **known).interval


def score_interval(item: RunSet, step: float | None, level: float) -> Interval | None:
    """Of the expected score of a set; None below two converged runs, or where the rules leave no score."""
    if len(item.minutes) < 2:
        return None
    return own_interval(
        item.minutes, "expected-score", item.rules, points=set(item.points), step=step, level=level
    )
