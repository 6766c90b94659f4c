"""The mean log time of one set of runs, with a variance that other sets steady: what comparisons compare.

Three readings. *From times alone*: the sample variance, moderated. *With convergence*: the variance of a run
is ``slope²·Var(log C) + residual``, and each part is steadied by its own kind of evidence: how far runs of
the same size scatter in convergence, and how steady times are at a fixed convergence. Runs that all stopped
at one point then keep the scatter they would have shown later, where the plain variance is much too small.
*At a given convergence*: only the residual and the slope are left.

Times are natural logarithms throughout. Kernels take b samples at once, shapes (b, n).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import digamma, gammaincinv, polygamma

from mlperf_stats.errors import TooFewRunsError
from mlperf_stats.stats import codes
from mlperf_stats.stats.converged_runs import SAME_POINT, ConvergedRuns
from mlperf_stats.stats.moderated import VariancePrior, trigamma_inverse, variance_prior
from mlperf_stats.stats.pool import SPREAD_DFS, Pool
from mlperf_stats.stats.sample import FloatArray, SampleLike, check_sample, variance_of_logs
from mlperf_stats.stats.tied_convergence import hidden_variance
from mlperf_stats.stats.time_law import TimePrior, time_posterior, time_prior

_CLOCK = 1e-9
"""Least variance of log time at a fixed convergence: logs give milliseconds of runs that take minutes."""

_CAUTIOUS_DF = 1.0
_CAUTIOUS_QUANTILE = 0.75
"""One set in ten holds a slow run that three own runs rarely show: the residual to fall back on is that of
the unsteadier sets, believed no more than one degree of freedom."""


@dataclass(frozen=True, slots=True)
class LogMean:
    """Mean log time of one set, ``mean ± t(df)·√variance``; build it with the functions of this module."""

    mean: float
    variance: float
    """Of the mean."""
    df: float
    """Degrees of freedom of both variances; 0 if nothing is known of the spread."""
    run_variance: float
    """Of one further run's log time."""
    n: int
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Borrowed:
    """What other sets say of one set's scatter; build it with :func:`borrow`."""

    log_time: VariancePrior | None
    """Of the variance of log time; None below two sets."""
    convergence: VariancePrior | None
    """Of the variance of log convergence within a set; None if no other set has two runs."""
    time: TimePrior
    """Of slope and residual, the residual cautious: of undisturbed runs."""
    disturbed: VariancePrior | None = None
    """Of the residual where the runs of others that were disturbed count in full; None: as in ``time``."""


NOTHING_BORROWED = Borrowed(None, None, time_prior([]))


def borrow(others: Pool, size: float) -> Borrowed:
    """What the sets of a pool lend to one that is not in it, of batch size ``size`` (NaN if unknown)."""
    lines = others.lines
    prior, disturbed = time_prior(lines), None
    if lines:
        residuals = [max(line.residual, _CLOCK) for line in lines]
        unsteady = max(float(np.quantile(residuals, _CAUTIOUS_QUANTILE)), prior.residual.variance)
        mean = float(np.average(residuals, weights=[line.df for line in lines]))
        disturbed = VariancePrior(_CAUTIOUS_DF, max(unsteady, mean), len(lines))
        residual = VariancePrior(_CAUTIOUS_DF, unsteady, len(lines))
        prior = TimePrior(prior.slope, prior.slope_variance, residual)
    return Borrowed(cautious_variance_prior(others.sets), _convergence_prior(others, size), prior, disturbed)


def _convergence_prior(others: Pool, size: float) -> VariancePrior | None:
    """The spread of the sets of one size; its degrees of freedom allow for how little may be known of both
    how alike sets are (mean of 1/df over its likelihood) and their common spread (own degrees of freedom)."""
    if not others.informative:
        return None
    likely = np.exp(others.spread_evidence - others.spread_evidence.max())
    alike = float(likely @ (1 / SPREAD_DFS) / likely.sum())
    measured = 1 / sum(one.n - 1 for one in others.sets)
    spread = others.spreads.get(size, others.spread)
    return VariancePrior(1 / (alike + measured), spread, len(others.sets))


def cautious_variance_prior(sets: Sequence[ConvergedRuns]) -> VariancePrior | None:
    """Moderated prior of the variance of log time, surer of itself only as far as so few sets can tell.

    How alike sets are in variance is itself estimated from them: the upper 90 % limit of their dispersion is
    taken instead of its estimate, and the common variance counts as no surer than its own degrees of freedom.
    Nor is it less than the mean of the variances, to which the best linear estimate draws (credibility,
    Bühlmann 1967; no law is assumed): where sets are steady because their few runs happen to tie, that is far
    above the middle of the logarithms, and such a set is as unsteady as the others.
    None below two sets or if all their runs tie.
    """
    variances = [one.time_variance for one in sets if one.n > 1]
    dfs = [one.n - 1 for one in sets if one.n > 1]
    if len(variances) < 2 or max(variances) == 0:
        return None
    found = cautious(variance_prior(variances, dfs), variances, dfs)
    return replace(found, variance=max(found.variance, float(np.average(variances, weights=dfs))))


def cautious(prior: VariancePrior, variances: Sequence[float], dfs: Sequence[int]) -> VariancePrior:
    """``prior`` of these variances with the degrees of freedom that they support."""
    df = np.array(dfs, dtype=np.float64)
    floor = 1e-5 * (float(np.median(variances)) or max(variances))
    centred = np.log(np.maximum(variances, floor)) - digamma(df / 2) + np.log(df / 2)
    k = df.size
    largest = float(centred.var(ddof=1)) * (k - 1) / (2 * float(gammaincinv((k - 1) / 2, 0.1)))
    excess = largest - float(polygamma(1, df / 2).mean())
    alike = 1 / (2 * trigamma_inverse(excess)) if excess > 0 else 0.0
    alike = max(alike, 0.0 if math.isinf(prior.df) else 1 / prior.df)
    return VariancePrior(1 / (alike + 1 / float(df.sum())), prior.variance, k)


def log_mean(
    times: SampleLike, borrowed: Borrowed = NOTHING_BORROWED, *, relative_step: float | None = None
) -> LogMean:
    """From times alone: shape (n,), positive, any unit, n ≥ 1; their variance is moderated.

    ``relative_step``: of runs that all converged at one evaluation, the distance to the next ÷ the point;
    what it would add is allowed for, as by ``tied_convergence_interval``.
    ``df`` is 0 where a single run, or runs that all take the same time, meet nothing else.
    Raises SampleError and TooFewRunsError.
    """
    ordered = check_sample(times, positive=True)
    logs, n = np.log(ordered), int(ordered.size)
    own = variance_of_logs(ordered) + hidden_variance(relative_step or 0.0, n) if n > 1 else 0.0
    variance, df = own, float(n - 1)
    if borrowed.log_time is not None:
        variance, df = borrowed.log_time.posterior(own, n - 1)
    elif own == 0.0:
        df = 0.0
    return LogMean(float(logs.mean()), variance / n, df, variance, n, _warnings(logs))


def log_mean_with_convergence(runs: ConvergedRuns, borrowed: Borrowed) -> LogMean:
    """As run: own mean log time, its variance put together from convergence and residual.

    Raises TooFewRunsError where no other set says how far convergence scatters.
    """
    if borrowed.convergence is None:
        raise TooFewRunsError(f"{runs.label}: no other set has two runs, so that no spread can be borrowed")
    variance, df = run_variances(runs.log_time[None], runs.log_convergence[None], borrowed)
    run = float(variance[0])
    return LogMean(
        float(runs.log_time.mean()), run / runs.n, float(df[0]), run, runs.n, _warnings(runs.log_time)
    )


def log_mean_at(runs: ConvergedRuns, borrowed: Borrowed, log_convergence: float) -> LogMean:
    """Mean log time of runs that would all converge at ``log_convergence`` (in the runs' own unit)."""
    found = at_convergence(
        runs.log_time[None], runs.log_convergence[None], borrowed, np.array([log_convergence])
    )
    return LogMean(
        mean=float(found.means[0]),
        variance=float(found.variances[0]),
        df=float(found.dfs[0]),
        run_variance=float(found.residuals[0]),
        n=runs.n,
        warnings=(codes.SINGLE_RUN,) if runs.n == 1 else (),
    )


def run_variances(
    log_time: FloatArray, log_convergence: FloatArray, borrowed: Borrowed
) -> tuple[FloatArray, FloatArray]:
    """Variance of one run's log time and its degrees of freedom, (b,); needs ``borrowed.convergence``."""
    assert borrowed.convergence is not None
    n = log_time.shape[-1]
    # A further run may be a slow one, which few own runs hardly show: the mean of others' residual variances
    # counts them as often as they come (credibility, as in cautious_variance_prior).
    residual = borrowed.disturbed or borrowed.time.residual
    line = _line(log_time, log_convergence, replace(borrowed.time, residual=residual))
    prior = borrowed.convergence
    spread_df = prior.df + n - 1
    spread = (prior.df * prior.variance + line.squares) / spread_df
    by_convergence = line.slopes**2 * spread
    total = by_convergence + line.residuals
    return total, total**2 / (by_convergence**2 / spread_df + line.residuals**2 / line.dfs)


@dataclass(frozen=True, slots=True)
class AtConvergence:
    """Means of log time at a given convergence, (b,) each."""

    means: FloatArray
    variances: FloatArray
    dfs: FloatArray
    residuals: FloatArray
    """Variance of one further run there."""
    slopes: FloatArray


def at_convergence(
    log_time: FloatArray, log_convergence: FloatArray, borrowed: Borrowed, at: FloatArray
) -> AtConvergence:
    """Kernel of :func:`log_mean_at`; ``at``: (b,)."""
    n = log_time.shape[-1]
    line = _line(log_time, log_convergence, borrowed.time)
    away = at - log_convergence.mean(-1)
    means = log_time.mean(-1) + line.slopes * away
    variances = line.residuals / n + line.slope_variances * away**2
    return AtConvergence(means, variances, line.dfs, line.residuals, line.slopes)


@dataclass(frozen=True, slots=True)
class _Line:
    slopes: FloatArray
    slope_variances: FloatArray
    residuals: FloatArray
    dfs: FloatArray
    squares: FloatArray


def _line(log_time: FloatArray, log_convergence: FloatArray, prior: TimePrior) -> _Line:
    """Moments of each set's line of log time on log convergence after its own runs."""
    n = log_time.shape[-1]
    posterior = time_posterior(prior, log_convergence, log_time)
    slopes = (posterior.weights * posterior.slopes).sum(-1)
    around = posterior.slope_variances + (posterior.slopes - slopes[:, None]) ** 2
    tied = np.ptp(log_convergence, axis=-1) < SAME_POINT
    x = np.where(tied[:, None], 0.0, log_convergence - log_convergence.mean(-1, keepdims=True))
    y = log_time - log_time.mean(-1, keepdims=True)
    left = ((y - slopes[:, None] * x) ** 2).sum(-1)
    dfs = prior.residual.df + np.maximum(n - np.where(tied, 1, 2), 0)
    residuals = np.maximum((prior.residual.df * prior.residual.variance + left) / dfs, _CLOCK)
    return _Line(slopes, (posterior.weights * around).sum(-1), residuals, dfs, (x * x).sum(-1))


def _warnings(logs: FloatArray) -> tuple[str, ...]:
    if logs.size == 1:
        return (codes.SINGLE_RUN,)
    return (codes.ZERO_VARIANCE,) if math.isclose(float(np.ptp(logs)), 0.0, abs_tol=1e-12) else ()
