"""The controlled estimate of one set, with intervals, shares and warnings: the public answer.

See :mod:`mlperf_stats.stats.controlled` for the model. All intervals come from one posterior; they differ
by what of the law of a single run's log time they are about.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from mlperf_stats.stats import codes
from mlperf_stats.stats.controlled import (
    PeerPrior,
    Peers,
    Posterior,
    controlled_posterior,
    moderated_posterior,
    usable,
)
from mlperf_stats.stats.converged_runs import ConvergedRuns
from mlperf_stats.stats.expected_score import check_scoring
from mlperf_stats.stats.interval import Interval
from mlperf_stats.stats.l_statistics import lognormal_score_shift
from mlperf_stats.stats.normal_mixture import NormalMixture
from mlperf_stats.stats.outlying_sets import THROUGHPUT_FACTOR, THROUGHPUT_FLOOR
from mlperf_stats.stats.sample import FloatArray, SampleLike, check_level, check_sample
from mlperf_stats.stats.tied_convergence import hidden_variance

_METHOD = "controlled"
_FALLBACK = "moderated-t-log"
_DISAGREES = 0.01
"""Own convergence as far from the others' as happens to one set in a hundred: it disagrees."""

_FEW_PEERS = 1
_LARGEST_SIGMA = 1.0
_SHIFT_NODES = 129
_MERGED = 0.4
"""Components that differ by less (log variance; mean in standard deviations) are merged before quantiles."""


@dataclass(frozen=True)
class ControlledEstimate:
    """What own runs and other sets say of a set's time, in the unit of its times.

    All intervals have the method, level and warnings of :attr:`geometric_mean`; the means are computed when
    they are asked for.
    """

    geometric_mean: Interval
    own_share: float
    """Fraction of the information that is the set's own, 0 to 1."""
    peers: Peers
    """Who lent: convergence, or where own times alone count, the variance of log time."""
    scored_runs: int
    dropped: int
    """On each side of the scored runs."""
    posterior: Posterior | None = field(repr=False)
    """Of mean log time; None for a single run with nothing to borrow: its intervals are [0, ∞)."""

    @property
    def method(self) -> str:
        """``controlled``, or ``moderated-t-log`` where own times alone count."""
        return self.geometric_mean.method

    @property
    def warnings(self) -> tuple[str, ...]:
        """Those of the intervals."""
        return self.geometric_mean.warnings

    @property
    def median(self) -> Interval:
        """Of one run; for the symmetric law of log time that the model has, the geometric mean's numbers."""
        return replace(self.geometric_mean, estimand="median")

    @cached_property
    def expected_time(self) -> Interval:
        """Of the mean of one run."""
        return self._expected("mean", 1, 0)

    @cached_property
    def expected_score(self) -> Interval:
        """Of the olympic mean of the official number of runs."""
        return self._expected("expected-score", self.scored_runs, self.dropped)

    def to_dict(self) -> dict[str, Any]:
        """Plain values: method, warnings, intervals by estimand, own share, and who lent."""
        intervals = (self.geometric_mean, self.median, self.expected_time, self.expected_score)
        return {
            "method": self.method,
            "warnings": list(self.warnings),
            "intervals": {one.estimand: one.to_dict() for one in intervals},
            "own_share": self.own_share,
            "peers": asdict(self.peers),
        }

    def _expected(self, estimand: str, runs: int, dropped: int) -> Interval:
        if self.posterior is None:
            return replace(self.geometric_mean, estimand=estimand)
        # The shift is smooth in sigma and the mixture has hundreds of components.
        sigma = np.minimum(np.sqrt(self.posterior.run_variance[0]), _LARGEST_SIGMA)
        grid = np.linspace(0.0, float(sigma.max()), _SHIFT_NODES)
        shift = np.interp(sigma, grid, lognormal_score_shift(grid, runs, dropped))
        estimate, low, high = _bounds(self.posterior, self.geometric_mean.level, shift)
        return replace(self.geometric_mean, estimand=estimand, estimate=estimate, low=low, high=high)


def controlled_estimate(
    runs: ConvergedRuns,
    prior: PeerPrior | None,
    *,
    scored_runs: int,
    dropped: int,
    level: float = 0.95,
    relative_step: float | None = None,
) -> ControlledEstimate:
    """The controlled estimate of a set; ``prior`` from others, None if there are none.

    A single run with nothing to borrow gives [0, ∞). Several that all converged at one evaluation, and with
    nothing to borrow, are allowed one evaluation more or less: ``relative_step`` is the distance to the next
    one ÷ the point, None where runs differ or it is not known. Where own convergence cannot be what made
    the runs differ, own times alone count, their variance moderated by the others'.
    Raises StatisticsError (level, scored_runs, dropped).
    """
    level = check_level(level)
    scored_runs, dropped = check_scoring(scored_runs, dropped)
    time, work = runs.log_time[None], runs.log_convergence[None]
    if prior is None:
        found = [codes.NO_PEERS, *([codes.ONE_CONVERGENCE_POINT] if relative_step else [])]
        hidden = hidden_variance(relative_step, runs.n) if relative_step else 0.0
        return _from_times(time, None, found, scored_runs, dropped, level, hidden)
    if not usable(prior, work, time).all():
        found = [codes.CONVERGENCE_CONSTANT]
        return _from_times(time, prior, found, scored_runs, dropped, level)
    posterior = controlled_posterior(prior, work, time)
    warnings = _warnings(runs, prior, posterior)
    return _estimate(posterior, _METHOD, runs.n, warnings, prior.peers, (scored_runs, dropped, level))


def moderated_estimate(
    times: SampleLike, prior: PeerPrior | None, *, scored_runs: int, dropped: int, level: float = 0.95
) -> ControlledEstimate:
    """The answer where convergence is not known: own times (n,), their variance moderated by the others'.

    Raises SampleError, TooFewRunsError (no run) and StatisticsError (level, scored_runs, dropped).
    """
    level = check_level(level)
    scored_runs, dropped = check_scoring(scored_runs, dropped)
    ordered = check_sample(times, positive=True)
    return _from_times(np.log(ordered)[None], prior, [codes.CONVERGENCE_UNKNOWN], scored_runs, dropped, level)


def _from_times(
    log_time: FloatArray,
    prior: PeerPrior | None,
    found: list[str],
    scored_runs: int,
    dropped: int,
    level: float,
    hidden: float = 0.0,
) -> ControlledEstimate:
    spread = prior.log_time if prior else None
    n = log_time.shape[1]
    if n == 1:
        found = [codes.SINGLE_RUN, *found]
    if n == 1 and (spread is None or spread.df == 0):
        asked = (scored_runs, dropped, level)
        return _unbounded(float(np.exp(log_time[0, 0])), tuple(found), asked)
    posterior = moderated_posterior(spread, log_time, hidden)
    if n > 1 and float(np.ptp(log_time)) == 0:
        found.append(codes.ZERO_VARIANCE)
    peers = replace(prior.peers, other_rounds=()) if prior and spread else Peers()
    return _estimate(posterior, _FALLBACK, n, tuple(found), peers, (scored_runs, dropped, level))


def _estimate(
    posterior: Posterior,
    method: str,
    n: int,
    warnings: tuple[str, ...],
    peers: Peers,
    asked: tuple[int, int, float],
) -> ControlledEstimate:
    scored_runs, dropped, level = asked
    centre, low, high = _bounds(posterior, level)
    return ControlledEstimate(
        geometric_mean=Interval(centre, low, high, level, level, method, "geometric-mean", n, warnings),
        own_share=float(posterior.own_share[0]),
        peers=peers,
        scored_runs=scored_runs,
        dropped=dropped,
        posterior=posterior,
    )


def _bounds(
    posterior: Posterior, level: float, shift: FloatArray | float = 0.0
) -> tuple[float, float, float]:
    """Median and bounds of exp(mean log time + shift by component)."""
    law = posterior.law
    merged = NormalMixture(law.weights[0], law.means[0] + shift, law.variances[0]).merged(_MERGED)
    with np.errstate(over="ignore"):
        centre, low, high = np.exp(
            merged.quantile(np.array([0.5, (1 - level) / 2, (1 + level) / 2]))
        ).tolist()
    # Of a variance that is hardly known at all, some components are wider than quantiles can be told of.
    return (centre, low, high) if low <= centre <= high else (centre, 0.0, math.inf)


def _unbounded(
    time: float,
    warnings: tuple[str, ...],
    asked: tuple[int, int, float],
) -> ControlledEstimate:
    scored_runs, dropped, level = asked
    return ControlledEstimate(
        geometric_mean=Interval(time, 0.0, math.inf, level, 1.0, _FALLBACK, "geometric-mean", 1, warnings),
        own_share=1.0,
        peers=Peers(),
        scored_runs=scored_runs,
        dropped=dropped,
        posterior=None,
    )


def _warnings(runs: ConvergedRuns, prior: PeerPrior, posterior: Posterior) -> tuple[str, ...]:
    found: list[str] = []
    if runs.n == 1:
        found.append(codes.SINGLE_RUN)
    elif runs.tied:
        found.append(codes.ONE_CONVERGENCE_POINT)
    if prior.convergence.mean is None:
        found.append(codes.NO_PEERS)
    elif prior.convergence.peers <= _FEW_PEERS:
        found.append(codes.FEW_PEERS)
    if float(posterior.agreement[0]) < _DISAGREES:
        found.append(codes.OUTLYING_CONVERGENCE)
    line = runs.line
    if line is not None:
        usual = max(THROUGHPUT_FACTOR * math.sqrt(prior.typical.residual), THROUGHPUT_FLOOR)
        if math.sqrt(line.residual) > usual:
            found.append(codes.OUTLYING_THROUGHPUT)
    if prior.peers.left_out:
        found.append(codes.PEERS_LEFT_OUT)
    return tuple(found)
