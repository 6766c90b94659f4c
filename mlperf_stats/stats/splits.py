"""Do intervals from a few runs cover the rest? Random splits of real sets, and what they add up to.

From n runs of a set an interval for the geometric mean is made; it is then judged as a prediction of the
mean log time of the set's m other runs. Its variance is therefore widened, for every method alike, by that
method's own estimate of the variance of one run, divided by m. Half-widths are those of the interval itself.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlperf_stats.errors import StatisticsError, TooFewRunsError
from mlperf_stats.stats.controlled import (
    PeerPrior,
    controlled_posterior,
    moderated_posterior,
    usable,
)
from mlperf_stats.stats.converged_runs import SAME_POINT, ConvergedRuns
from mlperf_stats.stats.moderated import VariancePrior
from mlperf_stats.stats.sample import FloatArray, check_count
from mlperf_stats.stats.t_log import t_quantile

METHODS = ("t_log", "moderated", "controlled")
_BOOTSTRAP_REPLICATES = 2000


@dataclass(frozen=True)
class Judged:
    """One method on b splits of one set."""

    covered: NDArray[np.bool_]
    """Whether the other runs' mean log time lies inside, (b,)."""
    half_width: FloatArray
    """Half the width of the interval for mean log time, (b,)."""


@dataclass(frozen=True)
class SplitSet:
    """b splits of one set under every method that gives an interval."""

    label: str
    untied: NDArray[np.bool_]
    """Whether the runs drawn show two convergence points or more, (b,)."""
    methods: Mapping[str, Judged]


@dataclass(frozen=True)
class SplitSummary:
    """One method over many sets."""

    sets: int
    splits: int
    coverage: float
    coverage_low: float
    """95 % range of the coverage if other sets had been drawn (bootstrap over sets)."""
    coverage_high: float
    median_half_width: float
    untied_width_ratio: float | None
    """Median half-width over t_log's, both over splits with two convergence points or more; None without."""


def judge_splits(
    runs: ConvergedRuns,
    prior: PeerPrior | None,
    *,
    drawn: int,
    repeats: int,
    rng: np.random.Generator,
    level: float = 0.95,
) -> SplitSet:
    """Split ``runs`` ``repeats`` times into ``drawn`` runs and the others, and judge every method.

    ``prior`` must not know the set; with None, or where a method needs what is not there, the method falls
    back to what the runs drawn say alone. Raises TooFewRunsError (fewer than ``drawn`` + 1 runs) and
    StatisticsError (``drawn`` or ``repeats`` < 1).
    """
    drawn = check_count(drawn, minimum=1, what="runs drawn")
    repeats = check_count(repeats, minimum=1, what="repeats")
    if runs.n <= drawn:
        raise TooFewRunsError(
            f"{runs.label}: {runs.n} runs, but {drawn} are drawn; one more is needed to predict"
        )
    order = np.argsort(rng.random((repeats, runs.n)), axis=1)
    time, work = runs.log_time[order], runs.log_convergence[order]
    own_time, own_work = time[:, :drawn], work[:, :drawn]
    target = time[:, drawn:].mean(axis=1)
    further = runs.n - drawn
    moderated = prior.log_time if prior else None
    intervals = {
        "t_log": _t_bounds(own_time, None, further, level),
        "moderated": _t_bounds(own_time, moderated, further, level),
        "controlled": _controlled_bounds(own_time, own_work, prior, further, level),
    }
    return SplitSet(
        runs.label,
        np.ptp(own_work, axis=1) >= SAME_POINT,
        {
            name: Judged((target >= bounds.low) & (target <= bounds.high), bounds.half_width)
            for name, bounds in intervals.items()
            if bounds is not None
        },
    )


@dataclass(frozen=True)
class _Bounds:
    half_width: FloatArray
    """Of the interval."""
    low: FloatArray
    """Of the prediction."""
    high: FloatArray


def _t_bounds(
    log_time: FloatArray, prior: VariancePrior | None, further: int, level: float
) -> _Bounds | None:
    """Student's t, its variance moderated if there is a prior; None without a degree of freedom."""
    n = log_time.shape[1]
    own = log_time.var(axis=1, ddof=1) if n > 1 else np.zeros(len(log_time))
    df, variance = float(n - 1), own
    if prior is not None:
        df = prior.df + n - 1
        pooled = (prior.df * prior.variance + (n - 1) * own) / df if math.isfinite(df) else None
        variance = np.full_like(own, prior.variance) if pooled is None else pooled
    if df <= 0:
        return None
    quantile = t_quantile(level, df)
    centre = log_time.mean(axis=1)
    prediction = quantile * np.sqrt(variance * (1 / n + 1 / further))
    return _Bounds(quantile * np.sqrt(variance / n), centre - prediction, centre + prediction)


def _controlled_bounds(
    log_time: FloatArray, log_convergence: FloatArray, prior: PeerPrior | None, further: int, level: float
) -> _Bounds | None:
    if prior is None:
        return _t_bounds(log_time, None, further, level)
    fit = usable(prior, log_convergence, log_time)
    posterior = controlled_posterior(prior, log_convergence, log_time)
    low, high = posterior.bounds(level)
    bounds = [(high - low) / 2, *posterior.bounds(level, further)]
    if not fit.all():
        plain = moderated_posterior(prior.log_time, log_time)
        low, high = plain.bounds(level)
        fallback = [(high - low) / 2, *plain.bounds(level, further)]
        bounds = [np.where(fit, one, other) for one, other in zip(bounds, fallback, strict=True)]
    return _Bounds(*bounds)


def summarise_splits(sets: Sequence[SplitSet], method: str, *, seed: int) -> SplitSummary | None:
    """Coverage and width of one method over sets; None if it gives no interval on any.

    The range of the coverage is a bootstrap over sets (all splits of a set come and go together), seeded.
    Raises StatisticsError for an unknown method.
    """
    if method not in METHODS:
        raise StatisticsError(f"no method {method!r}; there are {', '.join(METHODS)}")
    judged = [(one, one.methods[method]) for one in sets if method in one.methods]
    if not judged:
        return None
    hits = np.array([result.covered.sum() for _, result in judged], dtype=np.float64)
    counts = np.array([result.covered.size for _, result in judged], dtype=np.float64)
    resampled = np.random.default_rng(seed).integers(0, len(judged), (_BOOTSTRAP_REPLICATES, len(judged)))
    coverages = hits[resampled].sum(1) / counts[resampled].sum(1)
    low, high = np.quantile(coverages, [0.025, 0.975])
    return SplitSummary(
        sets=len(judged),
        splits=int(counts.sum()),
        coverage=float(hits.sum() / counts.sum()),
        coverage_low=float(low),
        coverage_high=float(high),
        median_half_width=float(np.median(np.concatenate([result.half_width for _, result in judged]))),
        untied_width_ratio=_untied_ratio(judged),
    )


def _untied_ratio(judged: Sequence[tuple[SplitSet, Judged]]) -> float | None:
    both = [
        (result.half_width[one.untied], one.methods["t_log"].half_width[one.untied])
        for one, result in judged
        if "t_log" in one.methods
    ]
    if not both or not sum(own.size for own, _ in both):
        return None
    return float(
        np.median(np.concatenate([own for own, _ in both]))
        / np.median(np.concatenate([reference for _, reference in both]))
    )
