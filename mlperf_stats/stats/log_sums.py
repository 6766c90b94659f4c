"""Sums of logarithms with fixed coefficients: weighted geometric means, their ratios, and how sure they are.

*Welch*: every term is a mean log time with a variance of its own; the sum has variance ``Σ c²V`` and
Welch-Satterthwaite degrees of freedom. *Drawn*: every term has a law of its own (a posterior); their sum is
drawn, each term at its quantiles in an order that its label alone decides, so that equal questions have equal
answers whatever else is asked.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from mlperf_stats.errors import StatisticsError
from mlperf_stats.stats.equivalence import lower_tails
from mlperf_stats.stats.log_means import LogMean
from mlperf_stats.stats.normal_mixture import NormalMixture
from mlperf_stats.stats.sample import FloatArray, check_level
from mlperf_stats.stats.t_log import t_quantile

DRAWS = 20_000
_GRID = 4_001
_REACH = 9.0
_SEED = 20_181_212


class LogTerms(Protocol):
    """Terms whose sums are asked for; ``coefficients`` has one number per term."""

    def interval(self, coefficients: Sequence[float], level: float) -> tuple[float, float, float]:
        """Estimate, low and high of the sum; ±∞ where a term's spread is not known."""
        ...

    def chance_positive(self, coefficients: Sequence[float]) -> float:
        """How sure it is that the sum is above 0; one half where nothing is known."""
        ...

    def shares(self, coefficients: Sequence[float]) -> list[float]:
        """Share of each term in the variance of the sum; all 0 if that is 0 or not known."""
        ...


@dataclass(frozen=True)
class WelchTerms:
    """Mean log times."""

    means: tuple[LogMean, ...]

    def moments(self, coefficients: Sequence[float]) -> tuple[float, float, float]:
        """Mean, variance and degrees of freedom of the sum; variance ∞ where a term's spread is not known."""
        used = [(c, one) for c, one in zip(coefficients, self.means, strict=True) if c != 0]
        mean = math.fsum(c * one.mean for c, one in used)
        if any(one.df <= 0 for _, one in used):
            return mean, math.inf, 1.0
        parts = [(c * c * one.variance, one.df) for c, one in used]
        variance = math.fsum(part for part, _ in parts)
        scaled = math.fsum(part * part / df for part, df in parts)
        return mean, variance, variance * variance / scaled if scaled > 0 else math.inf

    def interval(self, coefficients: Sequence[float], level: float) -> tuple[float, float, float]:
        """As :class:`LogTerms`."""
        mean, variance, df = self.moments(coefficients)
        half = t_quantile(level, df) * math.sqrt(variance)
        return mean, mean - half, mean + half

    def chance_positive(self, coefficients: Sequence[float]) -> float:
        """As :class:`LogTerms`."""
        mean, variance, df = self.moments(coefficients)
        if variance == 0:
            return 0.5 * (1 + float(np.sign(mean)))
        return float(lower_tails(np.array(mean / math.sqrt(variance)), np.array(df)))

    def shares(self, coefficients: Sequence[float]) -> list[float]:
        """As :class:`LogTerms`."""
        if math.isinf(self.moments(coefficients)[1]):
            return [0.0] * len(self.means)
        parts = [c * c * one.variance for c, one in zip(coefficients, self.means, strict=True)]
        total = math.fsum(parts)
        return [part / total if total > 0 else 0.0 for part in parts]


@dataclass(frozen=True)
class DrawnTerms:
    """Laws of mean log times, drawn; build it with :func:`drawn_terms`."""

    draws: FloatArray
    """(terms, DRAWS)."""

    def interval(self, coefficients: Sequence[float], level: float) -> tuple[float, float, float]:
        """As :class:`LogTerms`; the estimate is the median."""
        total = self._total(coefficients)
        low, centre, high = np.quantile(total, [(1 - level) / 2, 0.5, (1 + level) / 2]).tolist()
        return centre, low, high

    def chance_positive(self, coefficients: Sequence[float]) -> float:
        """As :class:`LogTerms`."""
        total = self._total(coefficients)
        return float(((total > 0).sum() + (total == 0).sum() / 2) / total.size)

    def shares(self, coefficients: Sequence[float]) -> list[float]:
        """As :class:`LogTerms`."""
        parts = np.asarray(coefficients) ** 2 * self.draws.var(axis=1)
        total = float(parts.sum())
        return [float(part) / total if total > 0 else 0.0 for part in parts]

    def _total(self, coefficients: Sequence[float]) -> FloatArray:
        return np.asarray(np.asarray(coefficients) @ self.draws)


def drawn_terms(laws: Sequence[NormalMixture], labels: Sequence[str]) -> DrawnTerms:
    """Terms of which each has a law (k,) and a label; equal labels are drawn alike.

    Raises StatisticsError unless there is one label for each law.
    """
    if len(laws) != len(labels):
        raise StatisticsError(f"{len(laws)} laws but {len(labels)} labels; give one for each")
    return DrawnTerms(np.array([_drawn(law, label) for law, label in zip(laws, labels, strict=True)]))


def _drawn(law: NormalMixture, label: str) -> FloatArray:
    """The law's quantiles at equal steps of probability, in an order of the label's own."""
    deviations = np.sqrt(law.variances)
    reach = _REACH * deviations
    low, high = float((law.means - reach).min()), float((law.means + reach).max())
    # Rare components are wide: half of the grid lies where most of the law is.
    centre, spread = (
        float(law.mean()),
        float((law.weights * (deviations + np.abs(law.means - law.mean()))).sum()),
    )
    inner = np.linspace(centre - 8 * spread, centre + 8 * spread, _GRID)
    grid = np.unique(np.concatenate([np.linspace(low, high, _GRID), inner]))
    merged = law.merged(0.2)
    probabilities = NormalMixture(
        np.broadcast_to(merged.weights, (grid.size, merged.weights.size)), merged.means, merged.variances
    ).cdf(grid)
    steps = (np.arange(DRAWS) + 0.5) / DRAWS
    values = np.interp(steps, probabilities, grid)
    return np.asarray(np.random.default_rng([_SEED, zlib.crc32(label.encode())]).permutation(values))


def normalised_weights(weights: Sequence[float]) -> list[float]:
    """Weights that sum to 1. Raises StatisticsError unless all are finite, none negative and one positive."""
    total = math.fsum(weights)
    if any(not math.isfinite(weight) or weight < 0 for weight in weights) or not total > 0:
        raise StatisticsError(f"weights {list(weights)}: each must be 0 or more, and one above 0")
    return [weight / total for weight in weights]


def left_one_out(values: Sequence[float], weights: Sequence[float]) -> list[float | None]:
    """Weighted mean without each value in turn; None where nothing of weight is left."""
    found: list[float | None] = []
    for left in range(len(values)):
        rest = [(w, v) for number, (w, v) in enumerate(zip(weights, values, strict=True)) if number != left]
        total = math.fsum(w for w, _ in rest)
        found.append(math.fsum(w * v for w, v in rest) / total if total > 0 else None)
    return found


def weight_range(
    values: Sequence[float], weights: Sequence[float], factor: float = 2.0
) -> tuple[float, float]:
    """Least and largest weighted mean if every weight may be up to ``factor`` times smaller or larger.

    Exact: the extremes have the largest weights on one side of a threshold and the smallest on the other.
    Raises StatisticsError (``factor`` below 1).
    """
    if not factor >= 1:
        raise StatisticsError(f"factor {factor!r} is below 1; 2 lets weights be halved and doubled")
    ordered = sorted(zip(values, weights, strict=True))
    means = []
    for cut in range(len(ordered) + 1):
        for below, above in ((factor, 1 / factor), (1 / factor, factor)):
            scaled = [(w * (below if i < cut else above), v) for i, (v, w) in enumerate(ordered)]
            means.append(math.fsum(w * v for w, v in scaled) / math.fsum(w for w, _ in scaled))
    return min(means), max(means)


def weighted_log_mean(
    means: Sequence[LogMean], weights: Sequence[float], level: float = 0.95
) -> tuple[float, float, float]:
    """Weighted mean of mean log times with its Welch-Satterthwaite interval: estimate, low, high.

    ``weights`` in any scale. Raises StatisticsError (weights, level).
    """
    return WelchTerms(tuple(means)).interval(normalised_weights(weights), check_level(level))
