"""The convergence-controlled interval of one set of runs, with what was borrowed and from whom."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from mlperf_stats.errors import TooFewRunsError
from mlperf_stats.stats import codes
from mlperf_stats.stats.controlled import (
    PeerPrior,
    Posterior,
    controlled_posterior,
    moderated_posterior,
    usable,
)
from mlperf_stats.stats.converged_runs import ConvergedRuns
from mlperf_stats.stats.interval import Interval
from mlperf_stats.stats.sample import SampleLike, check_level, check_sample

DISAGREEMENT = 0.01
"""Two-sided probability below which own mean convergence is said to disagree with that of the others."""


@dataclass(frozen=True, slots=True)
class ControlledEstimate:
    """Geometric mean of a set's times, convergence controlled for."""

    interval: Interval
    own_share: float
    """Fraction of the information that is the set's own, from 0 to 1."""
    lenders: tuple[str, ...]
    """Labels of the sets of the same size and round that lent."""


def controlled_interval(
    times: SampleLike, runs: ConvergedRuns | None, prior: PeerPrior | None, level: float = 0.95
) -> ControlledEstimate:
    """The interval for the geometric mean from own runs and what other sets say.

    Without convergence points (``runs`` None), or where they cannot be what made the runs differ, the
    variance of log time alone is borrowed (moderated); without ``prior`` nothing is. The interval states
    where the *expected* time lies, not the score that was drawn.

    Args:
        times: Times of the converged runs, (n,), positive, n ≥ 1.
        runs: The same runs with their convergence, None if it is not known for every run.
        prior: What other sets say, None if there are none.
        level: Confidence level.

    Raises:
        SampleError, StatisticsError: ``times`` or ``level`` cannot be used.
        TooFewRunsError: one run, and no other set that says anything of the spread.
    """
    level, ordered = check_level(level), check_sample(times, positive=True)
    log_time = np.log(ordered)[None]
    warnings: list[str] = []
    method = "moderated-t"
    lenders: tuple[str, ...] = ()
    if runs is None:
        warnings.append(codes.CONVERGENCE_UNKNOWN)
    if prior is None:
        warnings.append(codes.NO_PEERS)
    posterior: Posterior | None = None
    if runs is not None and prior is not None:
        if usable(prior, runs.log_convergence[None], runs.log_time[None])[0]:
            posterior = controlled_posterior(prior, runs.log_convergence[None], runs.log_time[None])
            method, lenders = "convergence-controlled", prior.lenders
            warnings.extend(_warnings(prior, posterior))
        else:
            warnings.append(codes.CONVERGENCE_CONSTANT)
    if posterior is None:
        borrowed = prior.log_time if prior is not None else None
        if ordered.size < 2 and (borrowed is None or borrowed.df <= 0):
            raise TooFewRunsError("times: one run and nothing to borrow; measure more runs")
        posterior = moderated_posterior(borrowed, log_time)
    low, high = (math.exp(float(bound[0])) for bound in posterior.bounds(level))
    estimate = math.exp(float(posterior.law.mean()[0]))
    interval = Interval(
        estimate=estimate,
        low=min(low, estimate),
        high=max(high, estimate),
        level=level,
        level_attained=level,
        method=method,
        estimand="geometric-mean",
        n=int(ordered.size),
        warnings=tuple(warnings),
    )
    return ControlledEstimate(interval, float(posterior.own_share[0]), lenders)


def _warnings(prior: PeerPrior, posterior: Posterior) -> list[str]:
    found = []
    if len(prior.lenders) < 2:
        found.append(codes.FEW_PEERS)
    if float(posterior.agreement[0]) < DISAGREEMENT:
        found.append(codes.PEERS_DISAGREE)
    return found
