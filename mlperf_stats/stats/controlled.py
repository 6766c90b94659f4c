"""Convergence-controlled estimates: what a set's own runs and other sets together say of its time.

Most of the variance of time to train is convergence, whose law a set largely shares with others. So
``mean log T = ȳ + slope·(m − x̄)``: own mean log time ȳ and own mean log convergence x̄ are measured, and
m, the set's long-run mean log convergence, is known from its own runs *and* from others. The posterior of m
is a mixture that stays with the own runs where those disagree with the others; slope, residual and spread
have posteriors of their own. Everything is integrated over nodes: no seed, no iteration, no approximate
degrees of freedom. The posterior of mean log time is a mixture of normal laws; quantiles are the interval.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlperf_stats.stats.converged_runs import (
    ConvergedRuns,
    TypicalSpread,
    convergence_is_constant,
    typical_spread,
)
from mlperf_stats.stats.convergence_prior import ConvergencePrior, convergence_prior
from mlperf_stats.stats.moderated import VariancePrior, variance_prior
from mlperf_stats.stats.normal_mixture import NormalMixture, variance_nodes
from mlperf_stats.stats.pool import LeftOut, Pool
from mlperf_stats.stats.sample import FloatArray
from mlperf_stats.stats.time_law import TimePrior, time_posterior, time_prior

_SPREAD_NODES = 5
_FLAT = 1e6
"""Variance, in units of the spread, of a mean of which other sets say nothing."""


@dataclass(frozen=True, slots=True)
class Peers:
    """Who lends to a set and who does not, by label."""

    same_size: tuple[str, ...] = ()
    """Sets of its size and round, which say most."""
    other_sizes: tuple[str, ...] = ()
    """Others of its round."""
    other_rounds: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    """Sets of its round that lend nothing, and why."""


@dataclass(frozen=True)
class PeerPrior:
    """All that other sets say of one set; build it with :func:`peer_prior`."""

    convergence: ConvergencePrior
    time: TimePrior
    log_time: VariancePrior | None
    """Of the variance of log time, for sets whose convergence says nothing; None below two sets."""
    typical: TypicalSpread
    peers: Peers


def peer_prior(home: Pool, away: Sequence[Pool], size: float, lineage: str) -> PeerPrior | None:
    """The prior of a set of this size and lineage from the others of its round and from other rounds.

    None if no set of its round has two runs: then there is nothing to borrow.
    """
    if not home.informative:
        return None
    return PeerPrior(
        convergence=convergence_prior(home, away, size, lineage),
        time=time_prior(home.lines),
        log_time=log_time_prior(home.sets),
        typical=typical_spread(home.sets),
        peers=Peers(
            same_size=tuple(one.label for one in home.lending if one.size == size),
            other_sizes=tuple(one.label for one in home.lending if one.size != size),
            other_rounds=tuple(one.label for other in away for one in other.sets),
            left_out=home.left_out,
        ),
    )


def log_time_prior(sets: Sequence[ConvergedRuns]) -> VariancePrior | None:
    """The moderated prior of the variance of log time; None below two sets or if all their runs tie."""
    variances = [one.time_variance for one in sets if one.n > 1]
    if len(variances) < 2 or max(variances) == 0:
        return None
    return variance_prior(variances, [one.n - 1 for one in sets if one.n > 1])


@dataclass(frozen=True)
class Posterior:
    """Posteriors of mean log time, b samples at once."""

    law: NormalMixture
    """(b, k)."""
    run_variance: FloatArray
    """Variance of one further run's log time around the mean, by component, (b, k)."""
    own_share: FloatArray
    """Fraction of the information that is the sample's own, (b,)."""
    agreement: FloatArray
    """Two-sided probability of own mean log convergence as far from what others lead to expect, (b,)."""

    def bounds(self, level: float, further_runs: int | None = None) -> tuple[FloatArray, FloatArray]:
        """Quantiles (b,) of mean log time, or of the mean log time of so many further runs."""
        law = self.law
        if further_runs:
            law = NormalMixture(law.weights, law.means, law.variances + self.run_variance / further_runs)
        return law.quantile((1 - level) / 2), law.quantile((1 + level) / 2)


def controlled_posterior(prior: PeerPrior, log_convergence: FloatArray, log_time: FloatArray) -> Posterior:
    """Posterior from own runs, (b, n) each."""
    n = log_time.shape[-1]
    own_convergence, own_time = log_convergence.mean(-1), log_time.mean(-1)
    mean, spreads, weights, own_weight, agreement = mean_convergence(prior.convergence, log_convergence)
    line = time_posterior(prior.time, log_convergence, log_time)
    # Every component of convergence (b, c, 1) with every component of the line (b, 1, k).
    shift = (mean.means - own_convergence[:, None])[..., None]
    variance = mean.variances[..., None]
    slopes, slope_variances = line.slopes[:, None], line.slope_variances[:, None]
    residuals = line.residuals[:, None]
    joint = weights[..., None] * line.weights[:, None]
    centre = own_time[:, None, None] + slopes * shift
    uncertainty = slopes**2 * variance + slope_variances * (shift**2 + variance) + residuals / n
    run_variance = slopes**2 * spreads[..., None] + residuals
    by_convergence = slopes**2 * spreads[..., None]
    borrowed = (1 - own_weight[..., None]) * by_convergence / run_variance
    count = len(own_time)
    return Posterior(
        NormalMixture(joint.reshape(count, -1), centre.reshape(count, -1), uncertainty.reshape(count, -1)),
        run_variance.reshape(count, -1),
        1 - (joint * borrowed).sum((1, 2)),
        agreement,
    )


def mean_convergence(
    prior: ConvergencePrior, log_convergence: FloatArray
) -> tuple[NormalMixture, FloatArray, FloatArray, FloatArray, FloatArray]:
    """Posterior of m, (b, c); by component spread, weight and the own mean's weight; and the agreement."""
    n = log_convergence.shape[-1]
    own = log_convergence.mean(-1)
    squares = ((log_convergence - own[:, None]) ** 2).sum(-1)
    df = prior.spread_df + n - 1
    nodes, node_weights = variance_nodes(df, _SPREAD_NODES)
    spreads = ((prior.spread_df * prior.spread + squares) / df)[:, None] * nodes  # b, S
    law = prior.mean or NormalMixture(np.ones(1), np.zeros(1), np.full(1, _FLAT * prior.spread))
    sampling = (spreads / n)[..., None]  # b, S, 1
    total = sampling + law.variances
    # With nothing known of m the own mean is not judged: every spread keeps its weight.
    distance = (own[:, None, None] - law.means) ** 2 if prior.mean else np.zeros_like(total)
    log_weights = -(np.log(total) + distance / total) / 2 if prior.mean else distance
    weights = (
        node_weights[:, None] * law.weights * np.exp(log_weights - log_weights.max((1, 2), keepdims=True))
    )
    weights = weights / weights.sum((1, 2), keepdims=True)
    own_weight = law.variances / total if prior.mean else np.ones_like(total)
    means = own_weight * own[:, None, None] + (1 - own_weight) * law.means
    variances = own_weight * sampling
    predictive = NormalMixture(
        np.broadcast_to(law.weights, (len(own), law.weights.size)),
        np.broadcast_to(law.means, (len(own), law.means.size)),
        (law.variances + prior.spread / n) + np.zeros((len(own), 1)),
    )
    below = predictive.cdf(own) if prior.mean else np.full(len(own), 0.5)
    flat = (len(own), -1)
    return (
        NormalMixture(weights.reshape(flat), means.reshape(flat), variances.reshape(flat)),
        np.broadcast_to(spreads[..., None], weights.shape).reshape(flat),
        weights.reshape(flat),
        own_weight.reshape(flat),
        2 * np.minimum(below, 1 - below),
    )


def moderated_posterior(
    prior: VariancePrior | None, log_time: FloatArray, hidden_variance: float = 0.0
) -> Posterior:
    """Posterior from own times (b, n) alone, their variance moderated; needs n ≥ 2 or a prior with df > 0.

    ``hidden_variance``: what these runs leave out of the variance of one run, because they tie.
    """
    count, n = log_time.shape
    own = log_time.mean(-1)
    squares = ((log_time - own[:, None]) ** 2).sum(-1) + (n - 1) * hidden_variance
    borrowed = prior if prior is not None else VariancePrior(0.0, 0.0, 0)
    if math.isinf(borrowed.df):
        nodes, node_weights, scale = np.ones(1), np.ones(1), np.full(count, borrowed.variance)
    else:
        df = borrowed.df + n - 1
        nodes, node_weights = variance_nodes(df, 2 * _SPREAD_NODES - 1)
        scale = (borrowed.df * borrowed.variance + squares) / df
    variances = np.maximum(scale[:, None] * nodes, _SMALLEST)
    return Posterior(
        NormalMixture(
            np.broadcast_to(node_weights, variances.shape),
            np.broadcast_to(own[:, None], variances.shape),
            variances / n,
        ),
        variances,
        np.ones(count),
        np.ones(count),
    )


_SMALLEST = 1e-18
"""Variance of equal times: the width is 0 to the precision of a float, and no division by 0."""


def usable(prior: PeerPrior, log_convergence: FloatArray, log_time: FloatArray) -> NDArray[np.bool_]:
    """Which samples (b,) of own runs have a convergence that can be what made them differ."""
    rows = zip(log_time, log_convergence, strict=True)
    return np.array(
        [
            not convergence_is_constant(ConvergedRuns(time, work, math.nan, "", ""), prior.typical)
            for time, work in rows
        ]
    )
