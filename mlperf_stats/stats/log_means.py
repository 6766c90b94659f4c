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
from dataclasses import dataclass

import numpy as np

from mlperf_stats.errors import TooFewRunsError
from mlperf_stats.stats import codes
from mlperf_stats.stats.converged_runs import SAME_POINT, ConvergedRuns
from mlperf_stats.stats.moderated import VariancePrior
from mlperf_stats.stats.pool import Pool
from mlperf_stats.stats.sample import FloatArray, SampleLike, check_sample
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
    """Of slope and residual, the residual cautious."""


NOTHING_BORROWED = Borrowed(None, None, time_prior([]))


def borrow(others: Pool, size: float) -> Borrowed:
    """What the sets of a pool lend to one that is not in it, of batch size ``size`` (NaN if unknown)."""
    from mlperf_stats.stats.controlled import log_time_prior

    lines = others.lines
    prior = time_prior(lines)
    if lines:
        unsteady = float(np.quantile([max(line.residual, _CLOCK) for line in lines], _CAUTIOUS_QUANTILE))
        residual = VariancePrior(_CAUTIOUS_DF, max(unsteady, prior.residual.variance), len(lines))
        prior = TimePrior(prior.slope, prior.slope_variance, residual)
    if not others.informative:
        return Borrowed(log_time_prior(others.sets), None, prior)
    spread = others.spreads.get(size, others.spread)
    convergence = VariancePrior(others.spread_df, spread, len(others.sets))
    return Borrowed(log_time_prior(others.sets), convergence, prior)


def log_mean(times: SampleLike, borrowed: Borrowed = NOTHING_BORROWED) -> LogMean:
    """From times alone: shape (n,), positive, any unit, n ≥ 1; their variance is moderated.

    ``df`` is 0 where a single run, or runs that all tie, meet nothing to borrow from.
    Raises SampleError and TooFewRunsError.
    """
    logs = np.log(check_sample(times, positive=True))
    n = int(logs.size)
    own = float(logs.var(ddof=1)) if n > 1 else 0.0
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
    line = _line(log_time, log_convergence, borrowed.time)
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
