"""Is a mean of olympic samples too small? The two-sample t limit of the RCP test, its size and power.

The limit is ``mean - t · sd · sqrt(1/n_reference + 1/n_sample)``: a one-sided t test in which the standard
deviation of the reference stands for both samples. Where that deviation comes from trimmed values the
test rejects too often, where it comes from all of them too seldom; :func:`simulate_tests` says how much.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from mlperf_stats.errors import StatisticsError
from mlperf_stats.stats.rank_sum import rank_sum_critical_pairs
from mlperf_stats.stats.sample import FloatArray, check_count
from mlperf_stats.stats.t_log import t_quantile

ALPHA = 0.05


def mean_limit(mean: float, sd: float, reference: int, sample: int, alpha: float = ALPHA) -> float:
    """The smallest mean of ``sample`` values that a one-sided t test at ``alpha`` accepts.

    ``sd`` is taken for both samples; degrees of freedom ``reference + sample - 2``, at least 1.
    """
    df = max(reference + sample - 2, 1)
    return mean - t_quantile(1 - 2 * alpha, df) * sd * math.sqrt(1 / reference + 1 / sample)


@dataclass(frozen=True, slots=True)
class SimulatedTests:
    """For each repetition, the share by which the sample must be faster for a test to reject, shape (r,)."""

    trimmed_sd: FloatArray
    untrimmed_sd: FloatArray
    rank_sum: FloatArray
    """∞ where so few values can never reject."""

    def size(self, test: str) -> float:
        """Probability of rejecting when nothing is faster."""
        return float(np.mean(getattr(self, test) < 0))

    def detectable(self, test: str, power: float) -> float:
        """How much faster a sample has to be (1 - ratio of medians) to be rejected with ``power``."""
        return float(np.quantile(getattr(self, test), power, method="inverted_cdf"))


def simulate_tests(
    sigma: float,
    runs: int,
    dropped: int = 1,
    *,
    reference: int | None = None,
    repetitions: int = 40_000,
    seed: int = 1,
    alpha: float = ALPHA,
) -> SimulatedTests:
    """Simulate the three tests on lognormal convergence of log-sd ``sigma``.

    Args:
        sigma: Standard deviation of log convergence, reference and sample alike.
        runs: Runs of the sample; ``dropped`` of them are left out on each side, the test counts with
            ``runs - 2`` values whatever is dropped.
        reference: Values of the reference, 2 · ``runs`` if not given.

    A repetition's figure for a test is the δ from which a sample with all values times (1 - δ) is
    rejected, so size and power for every δ come from one simulation.

    Raises StatisticsError: a number is impossible.
    """
    if not (math.isfinite(sigma) and sigma > 0 and 0 < alpha < 0.5):
        raise StatisticsError(f"sigma {sigma!r} must be above 0 and alpha {alpha!r} between 0 and 0.5")
    dropped = check_count(dropped, minimum=0, what="dropped")
    repetitions = check_count(repetitions, minimum=1, what="repetitions")
    runs = check_count(runs, minimum=2 * dropped + 1, what="runs")
    many = (
        2 * runs if reference is None else check_count(reference, minimum=2 * dropped + 2, what="reference")
    )
    rng = np.random.default_rng(seed)
    known = np.sort(np.exp(sigma * rng.standard_normal((repetitions, many))), axis=1)
    tried = np.sort(np.exp(sigma * rng.standard_normal((repetitions, runs))), axis=1)
    inner = known[:, dropped : many - dropped]
    mean, score = inner.mean(axis=1), tried[:, dropped : runs - dropped].mean(axis=1)
    step = mean_limit(0.0, 1.0, many - 2 * dropped, max(runs - 2, 1), alpha)
    pairs = rank_sum_critical_pairs(runs, many, alpha)
    return SimulatedTests(
        trimmed_sd=1 - (mean + step * inner.std(axis=1)) / score,
        untrimmed_sd=1 - (mean + step * known.std(axis=1)) / score,
        rank_sum=_rank_sum_margin(known, tried, pairs),
    )


def _rank_sum_margin(known: FloatArray, tried: FloatArray, pairs: int) -> FloatArray:
    """1 - c with c the factor on ``tried`` below which ``pairs`` pairs are faster than the reference."""
    repetitions, total = known.shape[0], known.shape[1] * tried.shape[1]
    if pairs > total:
        return np.full(repetitions, np.inf)
    margins = np.empty(repetitions)
    block = max(1, 4_000_000 // total)
    for start in range(0, repetitions, block):
        part = slice(start, start + block)
        ratios = (known[part, :, np.newaxis] / tried[part, np.newaxis, :]).reshape(-1, total)
        margins[part] = 1 - np.partition(ratios, total - pairs, axis=1)[:, total - pairs]
    return margins
