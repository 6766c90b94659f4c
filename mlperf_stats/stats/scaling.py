"""Time taken apart: ``log T = log(time per unit of work) + log(work to converge)``, each part with its law.

Both parts come from the model of :mod:`mlperf_stats.stats.controlled`: work to converge is what own runs and
other sets say of the set's long-run mean; time per unit of work is read off the set's line of log time on
log work *at* that mean, so that start-up and evaluations are in it.

The parts make up the whole, so that comparing them with it proves nothing. :func:`foreseen_time` takes the
speed from own runs and convergence from other sets alone; comparing that with the time that was measured is
a check that can fail.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlperf_stats.stats.controlled import PeerPrior, mean_convergence, moderated_posterior, usable
from mlperf_stats.stats.converged_runs import ConvergedRuns
from mlperf_stats.stats.interval import Interval
from mlperf_stats.stats.normal_mixture import NormalMixture, variance_nodes
from mlperf_stats.stats.sample import FloatArray, check_level
from mlperf_stats.stats.time_law import time_posterior

_SPREAD_NODES = 5
_MERGED = 0.3
"""Components that differ by less (log variance; mean in standard deviations) are merged."""


@dataclass(frozen=True, eq=False)
class TimeParts:
    """Laws of one set on the log scale, each a mixture (k,); build it with :func:`time_parts`."""

    measured: NormalMixture
    """Mean log time, from the times of own runs; their variance is moderated."""
    throughput: NormalMixture
    """Log of time per unit of work."""
    convergence: NormalMixture
    """Mean log work to converge, from own runs and other sets."""
    product: NormalMixture
    """Mean log time as the sum of both parts."""
    mean_log_time: float
    """Of own runs, plainly."""
    n: int


def time_parts(runs: ConvergedRuns, prior: PeerPrior) -> TimeParts | None:
    """The parts of one set's time.

    Args:
        runs: Own runs, two or more.
        prior: What other sets say; see :func:`mlperf_stats.stats.controlled.peer_prior`.

    None for a single run, and where own convergence cannot be what made the runs differ.
    """
    time, work = runs.log_time[None], runs.log_convergence[None]
    if runs.n < 2 or not usable(prior, work, time).all():
        return None
    mean, _, weights, _, _ = mean_convergence(prior.convergence, work)
    lines, own_time, own_work = _lines(runs, prior), float(time.mean()), float(work.mean())
    shift = mean.means[0] - own_work
    return TimeParts(
        measured=_first(moderated_posterior(prior.log_time, time).law),
        throughput=lines.read(weights[0], shift, mean.variances[0], own_time - own_work, less=1.0),
        convergence=NormalMixture(weights[0], mean.means[0], mean.variances[0]).merged(_MERGED),
        product=lines.read(weights[0], shift, mean.variances[0], own_time),
        mean_log_time=own_time,
        n=runs.n,
    )


def foreseen_time(runs: ConvergedRuns, prior: PeerPrior, further: int) -> NormalMixture | None:
    """Law (k,) of the mean log time of ``further`` runs whose convergence follows other sets alone.

    The set's speed is known from ``runs``; their convergence is used for nothing but to read it. None if
    others say nothing of convergence.
    """
    law = prior.convergence.mean
    if law is None:
        return None
    nodes, node_weights = variance_nodes(prior.convergence.spread_df, _SPREAD_NODES)
    sampling = prior.convergence.spread * nodes / further
    weights = (node_weights[:, None] * law.weights).ravel()
    variances = (sampling[:, None] + law.variances).ravel()
    shift = np.tile(law.means - float(runs.log_convergence.mean()), _SPREAD_NODES)
    own = _lines(runs, prior)
    errors = own.errors * (1 + runs.n / further)
    lines = _Lines(own.weights, own.slopes, own.slope_variances, errors)
    return lines.read(weights, shift, variances, float(runs.log_time.mean()))


def _lines(runs: ConvergedRuns, prior: PeerPrior) -> _Lines:
    line = time_posterior(prior.time, runs.log_convergence[None], runs.log_time[None])
    return _Lines(line.weights[0], line.slopes[0], line.slope_variances[0], line.residuals[0] / runs.n)


@dataclass(frozen=True, slots=True)
class _Lines:
    """Components (k,) of the line of log time on log work through the mean of own runs."""

    weights: FloatArray
    slopes: FloatArray
    slope_variances: FloatArray
    errors: FloatArray
    """Variance of its height at own mean work."""

    def read(
        self,
        weights: FloatArray,
        shift: FloatArray,
        variance: FloatArray,
        height: float,
        *,
        less: float = 0.0,
    ) -> NormalMixture:
        """The law of the line's height at a work with components (c,), ``shift`` from own mean work.

        ``less`` is subtracted from the slope: 1 for time per unit of work, whose own mean is ``height``.
        """
        slopes = self.slopes - less
        shift, variance = shift[:, None], variance[:, None]
        spread = slopes**2 * variance + self.slope_variances * (shift**2 + variance) + self.errors
        joint = weights[:, None] * self.weights
        centre = height + slopes * shift
        return NormalMixture(joint.ravel(), centre.ravel(), spread.ravel()).merged(_MERGED)


def _first(law: NormalMixture) -> NormalMixture:
    return NormalMixture(law.weights[0], law.means[0], law.variances[0]).merged(_MERGED)


def ratio_of_laws(
    numerator: NormalMixture,
    denominator: NormalMixture,
    *,
    log_factor: float,
    level: float,
    estimand: str,
    n: int,
) -> Interval:
    """Interval of factor × exp(numerator − denominator) for independent laws (k,) and (l,) of logarithms.

    The law of the difference is the mixture of all pairs of components: nothing is approximated but the
    merging of like ones. Raises StatisticsError (level).
    """
    level = check_level(level)
    first, second = numerator.merged(_MERGED), denominator.merged(_MERGED)
    law = NormalMixture(
        np.outer(first.weights, second.weights).ravel(),
        np.subtract.outer(first.means, second.means).ravel() + log_factor,
        np.add.outer(first.variances, second.variances).ravel(),
    ).merged(_MERGED)
    centre, low, high = np.exp(law.quantile(np.array([0.5, (1 - level) / 2, (1 + level) / 2]))).tolist()
    return Interval(centre, low, high, level, level, "time-parts", estimand, n)
