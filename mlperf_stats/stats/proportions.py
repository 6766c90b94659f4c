"""How likely a run is to converge, and a set of runs to be valid."""

from __future__ import annotations

import math

from scipy.special import bdtr, betaincinv

from mlperf_stats.errors import StatisticsError, TooFewRunsError
from mlperf_stats.stats.interval import Interval
from mlperf_stats.stats.sample import check_count, check_level


def convergence_probability(converged: int, runs: int, level: float = 0.95) -> Interval:
    """Clopper-Pearson interval for the probability that a run converges, given ``converged`` of ``runs``.

    Two-sided; it covers at least ``level`` for every probability. For a one-sided bound at 95 %
    ask for 0.90 and read one end. Raises TooFewRunsError (no run), StatisticsError.
    Source: Clopper & Pearson 1934.
    """
    level = check_level(level)
    converged = check_count(converged, minimum=0, what="converged")
    runs = check_count(runs, minimum=0, what="runs")
    if runs == 0:
        raise TooFewRunsError("runs: at least 1 needed, got 0; measure a run")
    if converged > runs:
        raise StatisticsError(f"{converged} of {runs} runs cannot have converged; swap the arguments?")
    tail = (1 - level) / 2
    low = float(betaincinv(converged, runs - converged + 1, tail)) if converged else 0.0
    high = float(betaincinv(converged + 1, runs - converged, 1 - tail)) if converged < runs else 1.0
    return Interval(
        estimate=converged / runs, low=low, high=high, level=level, level_attained=level,
        method="clopper-pearson", estimand="convergence-probability", n=runs,
    )  # fmt: skip


def invalid_probability(failure_probability: float, runs: int, allowed: int) -> float:
    """Probability that more than ``allowed`` of ``runs`` independent runs do not converge."""
    if not math.isfinite(failure_probability) or not 0 <= failure_probability <= 1:
        raise StatisticsError(f"a probability is between 0 and 1, got {failure_probability!r}")
    runs = check_count(runs, minimum=1, what="runs")
    allowed = check_count(allowed, minimum=0, what="allowed")
    return float(1 - bdtr(allowed, runs, failure_probability)) if allowed < runs else 0.0
