"""Many ratios at once: intervals that hold together, and p values adjusted for how many there are.

*max-t*: the law of the largest studentised difference of the family is simulated from the standard errors and
degrees of freedom at hand (seeded), dependence between pairs included. So that pairs with few and with many
degrees of freedom weigh alike, each |t| is carried to the normal scale first (Wallace 1959, Ann. Math. Stat.
30); what that transformation is off does no harm, since limits are carried back by its inverse. With equal
variances and sizes this is Tukey's and Dunnett's procedure; balanced in the sense of Beran 1988.
*holm*: Holm's p values (1979), Welch's t for each pair, intervals by Bonferroni.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from mlperf_stats.errors import StatisticsError
from mlperf_stats.stats.equivalence import equivalence_p_values, lower_tails
from mlperf_stats.stats.log_means import LogMean
from mlperf_stats.stats.sample import FloatArray, check_level
from mlperf_stats.stats.screening import holm
from mlperf_stats.stats.t_log import t_quantile

DRAWS = 10_000
_FEWEST_DFS = 8.0
"""Below, the simulated law leans on variances that are hardly known: Bonferroni's limit holds as well."""

_PROBABILITY_DRAWS = 2_000
_CHUNK = 500
SEED = 20_181_212
"""Of the simulation, so that equal questions have equal answers."""

Pairs = NDArray[np.intp]
"""Shape (m, 2): numbers of the two sets of each comparison."""


class Multiplicity(StrEnum):
    """How the family is kept under control."""

    MAX_T = "max-t"
    HOLM = "holm"


@dataclass(frozen=True, slots=True)
class SharedError:
    """An error that sets of one group have in common, and so cancels between them; others do not share it."""

    groups: tuple[int, ...]
    """Group of each set."""
    variances: tuple[float, ...]
    """By group, on the log scale."""
    dfs: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Compared:
    """One pair: first over second. Ratios, and probabilities as fractions."""

    ratio: float
    low: float
    high: float
    p_value: float
    """Two-sided, of a ratio of 1, this pair alone (Welch)."""
    p_adjusted: float
    """The same, the family together."""
    equivalence_p: float
    """That the ratio is outside the margin (two one-sided tests), this pair alone."""
    equivalence_p_adjusted: float
    """By Holm."""
    faster: float
    """Probability that a run of the first is faster than one of the second …"""
    faster_low: float
    """… and its interval, for this pair alone."""
    faster_high: float


def compare_means(
    means: Sequence[LogMean],
    pairs: Pairs,
    *,
    level: float = 0.95,
    multiplicity: Multiplicity = Multiplicity.MAX_T,
    margin: float = 0.02,
    shared: SharedError | None = None,
    seed: int = SEED,
) -> list[Compared]:
    """Every pair of the family, compared with simultaneous confidence ``level``.

    Args:
        means: Mean log times. A set with 0 degrees of freedom has unbounded intervals, outside the family.
        pairs: Shape (m, 2), m ≥ 1, first ≠ second.
        level: Of all intervals together.
        multiplicity: How.
        margin: What counts as equal: ratios from 1 / (1 + margin) to 1 + margin.
        shared: Errors that some sets have in common.
        seed: Of the simulation.

    Raises StatisticsError (level, margin, pairs).
    """
    level = check_level(level)
    family = _family(means, pairs, shared)
    p_values = 2 * lower_tails(-np.abs(family.differences) / family.errors, family.dfs)
    if not math.isfinite(margin) or margin <= 0:
        raise StatisticsError(f"margin {margin!r} is not a positive number; write 0.02 for 2 %")
    equal = equivalence_p_values(family.differences, family.errors, family.dfs, math.log1p(margin))
    if multiplicity is Multiplicity.HOLM:
        adjusted = _holm(family, p_values)
        half = _bonferroni(family, level, max(int(family.known.sum()), 1))
    else:
        adjusted, half = _max_t(family, p_values, level, seed)
    faster = _faster(family, level, seed)
    with np.errstate(over="ignore"):
        ratios = [np.exp(family.differences + step) for step in (0.0, -half, half)]
    columns = (
        *ratios, p_values, adjusted, equal, _holm(family, equal), *faster,
    )  # fmt: skip
    return [Compared(*(float(value) for value in row)) for row in zip(*columns, strict=True)]


@dataclass(frozen=True)
class _Family:
    pairs: Pairs
    variances: FloatArray
    """Of the means, (k,)."""
    set_dfs: FloatArray
    run_variances: FloatArray
    groups: NDArray[np.intp]
    group_variances: FloatArray
    group_dfs: FloatArray
    apart: NDArray[np.bool_]
    """Pairs whose sets are of two groups, (m,)."""
    known: NDArray[np.bool_]
    """Pairs whose spreads are known, (m,)."""
    differences: FloatArray
    errors: FloatArray
    """Standard errors of the differences, (m,); ∞ where nothing is known."""
    dfs: FloatArray
    """Welch-Satterthwaite, (m,)."""


def _family(means: Sequence[LogMean], pairs: Pairs, shared: SharedError | None) -> _Family:
    count = len(means)
    if pairs.ndim != 2 or pairs.shape[1:] != (2,) or not pairs.size:
        raise StatisticsError(f"pairs of shape {pairs.shape}; at least one pair of numbers is needed")
    if pairs.min() < 0 or pairs.max() >= count or (pairs[:, 0] == pairs[:, 1]).any():
        raise StatisticsError(f"a pair names one of {count} sets twice, or one that is not there")
    first, second = pairs.T
    set_dfs = np.array([one.df for one in means], dtype=np.float64)
    variances = np.array([one.variance for one in means])
    known = (set_dfs > 0)[first] & (set_dfs > 0)[second]
    if shared is None:
        groups, group_variances, group_dfs = np.zeros(count, np.intp), np.zeros(1), np.ones(1)
    else:
        groups = np.array(shared.groups, np.intp)
        group_variances, group_dfs = np.array(shared.variances), np.array(shared.dfs)
    apart = groups[first] != groups[second]
    parts = [
        (variances[first], set_dfs[first]),
        (variances[second], set_dfs[second]),
        (np.where(apart, group_variances[groups[first]], 0.0), group_dfs[groups[first]]),
        (np.where(apart, group_variances[groups[second]], 0.0), group_dfs[groups[second]]),
    ]
    total = sum((variance for variance, _ in parts), np.zeros(len(pairs)))
    # A pair without any spread has borrowed none: its sets are not known.
    total = np.where(known, np.maximum(total, np.finfo(float).tiny), np.inf)
    scaled = sum((variance**2 / np.maximum(df, 1e-9) for variance, df in parts), np.zeros(len(pairs)))
    dfs = np.divide(total**2, scaled, out=np.full(len(pairs), np.inf), where=known & (scaled > 0))
    centres = np.array([one.mean for one in means])
    return _Family(
        pairs, variances, set_dfs, np.array([one.run_variance for one in means]),
        groups, group_variances, group_dfs, apart, known,
        centres[first] - centres[second], np.sqrt(total), dfs,
    )  # fmt: skip


def normal_scores(statistics: FloatArray, dfs: FloatArray) -> FloatArray:
    """|t| on the normal scale, elementwise (Wallace 1959); infinite degrees of freedom leave it as it is."""
    df = np.minimum(dfs, 1e8)
    return np.asarray((8 * df + 1) / (8 * df + 3) * np.sqrt(df * np.log1p(statistics**2 / df)))


def from_normal_scores(scores: FloatArray | float, dfs: FloatArray) -> FloatArray:
    """The inverse of :func:`normal_scores`."""
    df = np.minimum(dfs, 1e8)
    with np.errstate(over="ignore"):
        return np.asarray(np.sqrt(df * np.expm1(((8 * df + 3) / (8 * df + 1) * scores) ** 2 / df)))


def _holm(family: _Family, p_values: FloatArray) -> FloatArray:
    """Holm's p values of the pairs whose spreads are known; 1 for the others, which show nothing."""
    adjusted = np.ones_like(p_values)
    adjusted[family.known] = holm(p_values[family.known].tolist())
    return adjusted


def _bonferroni(family: _Family, level: float, tests: int) -> FloatArray:
    quantiles = [t_quantile(1 - (1 - level) / tests, float(df)) for df in family.dfs]
    return np.asarray(np.array(quantiles) * family.errors)


def _max_t(family: _Family, p_values: FloatArray, level: float, seed: int) -> tuple[FloatArray, FloatArray]:
    """Adjusted p values and half-widths; a single comparison needs no simulation."""
    if int(family.known.sum()) < 2:
        return p_values, _bonferroni(family, level, 1)
    largest = np.sort(_largest_scores(family, np.random.default_rng(seed)))
    scores = normal_scores(np.abs(family.differences) / family.errors, family.dfs)
    beyond = DRAWS - np.searchsorted(largest, scores, side="left")
    # The simulated law counts itself in, so that no p value is 0; alone, no pair is surer than by Welch.
    adjusted = np.maximum((beyond + 1) / (DRAWS + 1), p_values)
    critical = from_normal_scores(float(np.quantile(largest, level)), family.dfs)
    half = np.maximum(critical * np.where(family.known, family.errors, np.inf), _bonferroni(family, level, 1))
    tests = int(family.known.sum())
    if float(family.set_dfs[family.set_dfs > 0].min()) < _FEWEST_DFS:
        adjusted = np.maximum(adjusted, np.minimum(1.0, tests * p_values))
        half = np.maximum(half, _bonferroni(family, level, tests))
    return np.where(family.known, adjusted, 1.0), half


def _largest_scores(family: _Family, rng: np.random.Generator) -> FloatArray:
    """The largest normal score of the family in each draw where all ratios are 1, shape (DRAWS,)."""
    first, second = family.pairs[family.known].T
    dfs, apart = family.dfs[family.known], family.apart[family.known]
    groups_first, groups_second = family.groups[first], family.groups[second]
    largest = np.empty(DRAWS)
    for start in range(0, DRAWS, _CHUNK):
        errors, variances = _drawn(family.variances, family.set_dfs, rng)
        square = (errors[first] - errors[second], variances[first] + variances[second])
        difference, variance = square
        if apart.any():
            common, common_variances = _drawn(family.group_variances, family.group_dfs, rng)
            difference = difference + common[groups_first] - common[groups_second]
            added = common_variances[groups_first] + common_variances[groups_second]
            variance = variance + np.where(apart[:, None], added, 0.0)
        scores = normal_scores(np.abs(difference) / np.sqrt(variance), dfs[:, None])
        largest[start : start + _CHUNK] = scores.max(axis=0)
    return largest


def _drawn(
    variances: FloatArray, dfs: FloatArray, rng: np.random.Generator, draws: int = _CHUNK
) -> tuple[FloatArray, FloatArray]:
    """Errors and estimated variances of each set, (k, draws) each."""
    errors = np.sqrt(variances)[:, None] * rng.standard_normal((variances.size, draws))
    return errors, variances[:, None] * _chi_square_ratios(dfs, rng, draws)


def _chi_square_ratios(dfs: FloatArray, rng: np.random.Generator, draws: int) -> FloatArray:
    """χ²(df)/df, (k, draws); 1 where df is infinite or 0."""
    usable = np.isfinite(dfs) & (dfs > 0)
    df = np.where(usable, dfs, 1.0)[:, None]
    return np.where(usable[:, None], rng.chisquare(df, (dfs.size, draws)) / df, 1.0)


def _faster(family: _Family, level: float, seed: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """P(a run of the first is faster), by normal laws of log time, with generalised confidence limits.

    Source: Weerahandi 1993 (generalised pivots); means and variances are drawn as their pivots say.
    """
    first, second = family.pairs.T
    spread = np.sqrt(family.run_variances[first] + family.run_variances[second])
    with np.errstate(divide="ignore", invalid="ignore"):
        estimate = ndtr(-family.differences / spread)
    rng = np.random.default_rng(seed)
    ratios = 1 / np.maximum(_chi_square_ratios(family.set_dfs, rng, _PROBABILITY_DRAWS), 1e-12)
    errors = np.sqrt(family.variances)[:, None] * rng.standard_normal(ratios.shape) * np.sqrt(ratios)
    runs = family.run_variances[:, None] * ratios
    drawn = family.differences[:, None] + errors[first] - errors[second]
    if family.apart.any():
        common, _ = _drawn(family.group_variances, family.group_dfs, rng, _PROBABILITY_DRAWS)
        drawn = drawn + common[family.groups[first]] - common[family.groups[second]]
    with np.errstate(divide="ignore", invalid="ignore"):
        standardised = -drawn / np.sqrt(runs[first] + runs[second])
    tails = ((1 - level) / 2, (1 + level) / 2)
    low, high = ndtr(np.quantile(np.nan_to_num(standardised), tails, axis=1))
    known = family.known
    return np.where(known, estimate, 0.5), np.where(known, low, 0.0), np.where(known, high, 1.0)
