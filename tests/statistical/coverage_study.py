"""How often intervals cover, and how wide they are, on many samples of a known law.

Every cell has a seed of its own, made from the study's seed and the cell's name, so a table does not
depend on how many processes make it, nor on which other cells it has.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from laws import Array, Law
from numpy.typing import NDArray

from mlperf_stats.stats.exact_bootstrap import bca_bounds, percentile_bounds
from mlperf_stats.stats.expected_score import expected_score_bounds
from mlperf_stats.stats.order_statistics import hettmansperger_sheather_bounds, order_statistics_bounds
from mlperf_stats.stats.resampling import is_listable, listed_laws
from mlperf_stats.stats.t_log import t_log_bounds, t_quantile
from mlperf_stats.stats.tukey_mclaughlin import tukey_mclaughlin_bounds

SEED = 20_180_501
LEVEL = 0.95
POOLED_DF = 100

Bounds = tuple[Array, Array]
Kernel = Callable[[Array, Law, np.random.Generator], Bounds]
"""Ascending samples (reps, n) → low and high, each (reps,)."""


@dataclass(frozen=True)
class Method:
    """One row of the tables."""

    name: str
    estimand: str
    kernel: Kernel
    smallest: int = 2
    """Runs from which it differs from the row above and is worth a cell."""
    slow: bool = False
    """Whether ten runs have tens of thousands of resamples, so that fewer repetitions must do."""


@dataclass(frozen=True)
class Coverage:
    """One cell: counts and widths of a method on samples of one law and size."""

    covered: float
    above: float
    """Share of intervals that lie wholly below the truth."""
    width: float
    """Mean width over the truth."""
    repetitions: int

    @property
    def error(self) -> float:
        """Monte-Carlo standard error of ``covered``."""
        return math.sqrt(max(self.covered * (1 - self.covered), 0.25 / self.repetitions) / self.repetitions)


def generator(*name: object) -> np.random.Generator:
    """A generator for the cell of that name."""
    digest = hashlib.sha256(repr((SEED, *name)).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "little"))


def _ends(kernel: Callable[[Array, float], tuple[Array, Array, Array]]) -> Kernel:
    def bounds(ordered: Array, _law: Law, _rng: np.random.Generator) -> Bounds:
        _, low, high = kernel(ordered, LEVEL)
        return low, high

    return bounds


def pooled_t(ordered: Array, law: Law, rng: np.random.Generator) -> Bounds:
    """t of log times with a variance from other sets of the same law, worth 100 degrees of freedom."""
    repetitions, n = ordered.shape
    others = np.log(law.draw(rng, (repetitions, POOLED_DF // (n - 1), n)))
    variance = others.var(axis=2, ddof=1).mean(axis=1)
    centre = np.log(ordered).mean(axis=1)
    half = t_quantile(LEVEL, POOLED_DF // (n - 1) * (n - 1)) * np.sqrt(variance / n)
    return np.exp(centre - half), np.exp(centre + half)


def bootstrap(statistic: str, kind: str) -> Kernel:
    """The exact bootstrap, in blocks of samples that fit into memory."""

    def bounds(ordered: Array, _law: Law, _rng: np.random.Generator) -> Bounds:
        n = ordered.shape[1]
        dropped = {"median": (n - 1) // 2, "olympic": 1}.get(statistic, 0)
        values = np.log(ordered) if statistic == "geometric" else ordered
        limits = percentile_bounds if kind == "percentile" else bca_bounds
        block = 100 if is_listable(n, dropped) and n - 2 * dropped > 4 else 4000
        parts = [
            limits(part, dropped, *listed_laws(part, dropped), LEVEL)
            for part in np.array_split(values, max(1, len(values) // block))
        ]
        low, high = (np.concatenate(ends) for ends in zip(*parts, strict=True))
        return (np.exp(low), np.exp(high)) if statistic == "geometric" else (low, high)

    return bounds


def score_runs(n: int) -> tuple[int, int]:
    """N and m of the official score that n runs are taken to be for."""
    return n, 4 if n == 40 else 1


def expected_score(ordered: Array, _law: Law, _rng: np.random.Generator) -> Bounds:
    _, low, high = expected_score_bounds(ordered, *score_runs(ordered.shape[1]), LEVEL)
    return low, high


def tukey_mclaughlin(ordered: Array, _law: Law, _rng: np.random.Generator) -> Bounds:
    _, low, high = tukey_mclaughlin_bounds(ordered, score_runs(ordered.shape[1])[1], LEVEL)
    return low, high


MEDIAN, GEOMETRIC, SCORE = "median", "geometric-mean", "expected-score"

METHODS = (
    Method("order statistics", MEDIAN, _ends(order_statistics_bounds)),
    Method("Hettmansperger-Sheather", MEDIAN, _ends(hettmansperger_sheather_bounds), smallest=6),
    Method("bootstrap percentile", MEDIAN, bootstrap("median", "percentile")),
    Method("BCa", MEDIAN, bootstrap("median", "bca")),
    Method("t on log", GEOMETRIC, _ends(t_log_bounds)),
    Method(f"pooled t on log, {POOLED_DF} df", GEOMETRIC, pooled_t),
    Method("bootstrap, geometric mean", GEOMETRIC, bootstrap("geometric", "percentile"), slow=True),
    Method("bootstrap, mean", "mean", bootstrap("mean", "percentile"), slow=True),
    Method("expected score", SCORE, expected_score, smallest=3),
    Method("Tukey-McLaughlin", SCORE, tukey_mclaughlin, smallest=4),
    Method("bootstrap, olympic mean", SCORE, bootstrap("olympic", "percentile"), smallest=3, slow=True),
)


def measure(low: Array, high: Array, truth: float | Array) -> Coverage:
    """Coverage and mean relative width of intervals for ``truth``."""
    above = high < truth
    covered = (low <= truth) & ~above
    return Coverage(
        float(covered.mean()), float(above.mean()), float(((high - low) / truth).mean()), covered.size
    )


def cover(
    law: Law, n: int, method: Method, estimands: tuple[str, ...], repetitions: int
) -> dict[str, Coverage]:
    """Coverage of each of ``estimands`` by ``method`` on ``repetitions`` samples of n runs."""
    rng = generator(law.name, n, method.name)
    ordered = np.sort(law.draw(rng, (repetitions, n)), axis=1)
    low, high = method.kernel(ordered, law, rng)
    return {name: measure(low, high, law.truth(name, *score_runs(n))) for name in estimands}


def spread_systems(n: int, sigma: float, prior_df: int, repetitions: int) -> tuple[Array, NDArray[np.bool_]]:
    """Lognormal samples of systems whose variances differ: ``sigma²·d0/chi²(d0)``.

    Returns samples (reps, n) ascending and which of them belong to the noisiest fifth of systems.
    """
    rng = generator("spread", n, sigma, prior_df)
    sigmas = sigma * np.sqrt(prior_df / rng.chisquare(prior_df, repetitions))
    ordered = np.sort(np.exp(sigmas[:, np.newaxis] * rng.standard_normal((repetitions, n))), axis=1)
    return ordered, sigmas >= np.quantile(sigmas, 0.8)


def shared_variance_bounds(ordered: Array, sigma: float, prior_df: int, weight: int) -> Bounds:
    """t of log times with the variance (weight·E s² + (n - 1)·s²)/(weight + n - 1), known from many systems.

    ``weight`` = 10 000 uses the mean variance alone (pooling), ``weight`` = ``prior_df`` the
    right mixture (empirical Bayes with nothing left to estimate), for which the prior's centre is sigma².
    """
    n = ordered.shape[1]
    logs = np.log(ordered)
    centre = sigma**2 * prior_df / (prior_df - 2) if weight > prior_df else sigma**2
    variance = (weight * centre + (n - 1) * logs.var(axis=1, ddof=1)) / (weight + n - 1)
    half = t_quantile(LEVEL, weight + n - 1) * np.sqrt(variance / n)
    return np.exp(logs.mean(axis=1) - half), np.exp(logs.mean(axis=1) + half)


def conditional_rows(
    sigma: float, prior_df: int, n: int, repetitions: int
) -> list[tuple[str, float, float, float]]:
    """(method, coverage, coverage on the noisiest fifth of systems, mean width) for the geometric mean."""
    ordered, noisy = spread_systems(n, sigma, prior_df, repetitions)
    kernels: dict[str, Callable[[Array], Bounds]] = {
        "order statistics": lambda x: order_statistics_bounds(x, LEVEL)[1:],
        "t on log": lambda x: t_log_bounds(x, LEVEL)[1:],
        "one pooled variance": partial(shared_variance_bounds, sigma=sigma, prior_df=prior_df, weight=10_000),
        f"moderated, prior of {prior_df} df known": partial(
            shared_variance_bounds, sigma=sigma, prior_df=prior_df, weight=prior_df
        ),
    }
    rows = []
    for name, kernel in kernels.items():
        low, high = kernel(ordered)
        covered = (low <= 1) & (high >= 1)
        rows.append((name, float(covered.mean()), float(covered[noisy].mean()), float((high - low).mean())))
    return rows
