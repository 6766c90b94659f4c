"""The bootstrap without random numbers: the law of a trimmed mean over all resamples of n values.

A resample of n values is a multiset; only the kept middle of it matters to a trimmed mean, and the
probability of each kept multiset has a closed form that depends on n and the number dropped alone.
The mean (nothing dropped), the olympic mean and the median (all but one or two dropped) are all
trimmed means. Where the multisets are too many to list, the characteristic function of the
resampled mean is computed instead and inverted: deterministic too.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations_with_replacement
from math import comb

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln
from scipy.stats import binom

from mlperf_stats.stats.sample import FloatArray

LARGEST_TABLE = 100_000
"""Multisets that are still listed one by one (all 92 378 of ten values, for instance)."""

LARGEST_SAMPLE = 200
"""Runs beyond which resampling a trimmed mean says nothing that its standard error does not."""

_SMOOTHING = 0.001
"""Width of the normal kernel that makes a characteristic function invertible, in sample ranges."""

_PERIOD = 1.25
"""Period of the Fourier series, in sample ranges: the law fits into 1, the kernel needs a margin."""

_MOST_COPIES = 18
"""Copies of one value in a resample that are reckoned with: more have a probability below 1e-15."""


@dataclass(frozen=True, slots=True)
class Law:
    """A discrete law: ``values`` ascending, shape (k,), and their probabilities."""

    values: FloatArray
    weights: FloatArray

    def quantile(self, probability: float) -> float:
        """The smallest value that at least ``probability`` of the law does not exceed."""
        return float(quantiles(self.values, np.cumsum(self.weights), np.array(probability)))


def quantiles(values: FloatArray, cumulative: FloatArray, probability: FloatArray) -> FloatArray:
    """Kernel: the smallest of ``values`` (…, k) whose cumulative weight reaches ``probability`` (…,)."""
    wanted = np.minimum(probability, 1.0)[..., np.newaxis] - 1e-12
    first = np.argmax(cumulative >= wanted, axis=-1)[..., np.newaxis]
    return np.asarray(np.take_along_axis(values, first, axis=-1)[..., 0], dtype=np.float64)


def share_below(values: FloatArray, cumulative: FloatArray, estimate: FloatArray) -> FloatArray:
    """Kernel: weight of less than ``estimate`` (…,) plus half of that of the same, (…, k) → (…,)."""
    slack = 1e-12 * np.maximum(np.abs(estimate), values[..., -1] - values[..., 0])
    padded = np.concatenate([np.zeros((*cumulative.shape[:-1], 1)), cumulative], axis=-1)
    shares = [
        np.take_along_axis(padded, np.sum(values < edge[..., np.newaxis], axis=-1, keepdims=True), axis=-1)
        for edge in (estimate - slack, estimate + slack)
    ]
    return np.asarray((shares[0] + shares[1])[..., 0] / 2, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class KeptTable:
    """All kept multisets of n values: how often each value occurs, and the probability."""

    shares: FloatArray
    """Shape (n, k): column i times the ordered sample is the i-th possible trimmed mean."""
    weights: FloatArray
    """Shape (k,), summing to 1."""


def is_listable(n: int, dropped: int) -> bool:
    """Whether the kept multisets of n values are few enough for ``kept_table``."""
    kept = n - 2 * dropped
    return comb(n + kept - 1, kept) <= LARGEST_TABLE


@lru_cache(maxsize=32)
def kept_table(n: int, dropped: int) -> KeptTable:
    """Kept multisets of a resample of n, ``dropped`` off each end, with their probabilities."""
    kept = n - 2 * dropped
    members = np.array(list(combinations_with_replacement(range(n), kept)), dtype=np.intp)
    counts = np.zeros((len(members), n))
    for column in members.T:
        counts[np.arange(len(members)), column] += 1
    weights = _kept_probabilities(counts, members[:, 0], members[:, -1], dropped)
    return KeptTable(np.ascontiguousarray(counts.T) / kept, weights / weights.sum())


def _kept_probabilities(
    counts: FloatArray, first: NDArray[np.intp], last: NDArray[np.intp], dropped: int
) -> FloatArray:
    """Sum over how many dropped draws lie outside the kept range instead of tying with its ends."""
    n = counts.shape[1]
    row = np.arange(len(counts))
    at_first, at_last = counts[row, first], counts[row, last]
    inner = gammaln(counts + 1).sum(axis=1) - gammaln(at_first + 1)
    inner = np.where(first == last, 0.0, inner - gammaln(at_last + 1))
    total = np.zeros(len(counts))
    for below in range(dropped + 1):
        for above in range(dropped + 1):
            ties_low, ties_high = dropped - below, dropped - above
            ends = np.where(
                first == last,
                gammaln(at_first + ties_low + ties_high + 1),
                gammaln(at_first + ties_low + 1) + gammaln(at_last + ties_high + 1),
            )
            outside = first.astype(float) ** below * (n - 1.0 - last) ** above
            logs = gammaln(n + 1) - gammaln(below + 1) - gammaln(above + 1) - inner - ends - n * np.log(n)
            total += outside * np.exp(logs)
    return total


def listed_laws(ordered: FloatArray, dropped: int) -> tuple[FloatArray, FloatArray]:
    """Kernel: ascending samples (…, n) → possible trimmed means, ascending, and cumulative weights.

    Both of shape (…, k). Exact: every resample is accounted for.
    """
    table = kept_table(ordered.shape[-1], dropped)
    values = ordered @ table.shares
    order = np.argsort(values, axis=-1)
    return np.take_along_axis(values, order, axis=-1), np.cumsum(table.weights[order], axis=-1)


def trimmed_mean_law(ordered: FloatArray, dropped: int) -> Law:
    """Bootstrap law of the trimmed mean of one ascending sample (n,), 2·dropped < n.

    Exact where the multisets can be listed, else smoothed by a thousandth of the range.
    """
    if is_listable(ordered.size, dropped):
        values, cumulative = listed_laws(ordered, dropped)
        return Law(values, np.diff(cumulative, prepend=0.0))
    return _inverted_law(ordered, dropped)


def _inverted_law(ordered: FloatArray, dropped: int) -> Law:
    """Fourier series of the smoothed bootstrap density on a grid finer than the smoothing."""
    origin, span = ordered[0], ordered[-1] - ordered[0]
    if span == 0:
        return Law(ordered[:1].copy(), np.ones(1))
    terms = int(np.ceil(6 * _PERIOD / (2 * np.pi * _SMOOTHING)))
    frequencies = np.linspace(0.0, 2 * np.pi / _PERIOD * terms, terms + 1)
    scaled = (ordered - origin) / span
    transform = _characteristic(scaled, dropped, frequencies)
    transform = transform * np.exp(-((_SMOOTHING * frequencies) ** 2) / 2)
    points = 4 * terms
    density = np.fft.irfft(np.conj(transform), points) * points
    weights = np.maximum(density, 0.0)
    grid = np.arange(points) / points * _PERIOD
    # The margin beyond the sample's range belongs half to each end of the (periodic) law.
    grid = np.where(grid > (1 + _PERIOD) / 2, grid - _PERIOD, grid)
    order = np.argsort(grid)
    values = origin + span * np.clip(grid[order], 0.0, 1.0)
    return Law(values, weights[order] / weights.sum())


def _characteristic(scaled: FloatArray, dropped: int, frequencies: FloatArray) -> NDArray[np.complex128]:
    """E exp(i t · trimmed mean of a resample) at each frequency t."""
    n = scaled.size
    kept = n - 2 * dropped
    turns = np.exp(1j * np.multiply.outer(scaled / kept, frequencies))
    if dropped == 0:
        return np.asarray(turns.mean(axis=0) ** n, dtype=np.complex128)
    drawn = np.arange(n + 1)
    position = np.clip(drawn, dropped, n - dropped)
    state = np.zeros((n + 1, frequencies.size), dtype=np.complex128)
    state[0] = 1.0
    for index in range(n):
        following = np.zeros_like(state)
        power = turns[index] ** np.arange(_MOST_COPIES + 1)[:, np.newaxis]
        for copies in range(min(_MOST_COPIES, n) + 1):
            # Of the draws not yet placed, each falls on this value with equal chances.
            chance = np.asarray(binom.pmf(copies, n - drawn[: n + 1 - copies], 1 / (n - index)))
            counted = position[copies:] - position[: n + 1 - copies]
            following[copies:] += state[: n + 1 - copies] * (chance[:, np.newaxis] * power[counted])
        state = following
    return np.asarray(state[n], dtype=np.complex128)
