"""Likelihood of a normal law of log times of which some are known only to lie in an interval.

Everything is vectorised over samples: bounds have shape (…, n), locations (…, k). For a fixed
location the likelihood has one maximum over the spread (it is log-concave in (mu/sigma, 1/sigma):
Burridge 1981), so a golden-section search finds it without derivatives or starting values.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import log_ndtr

from mlperf_stats.stats.sample import FloatArray

_GOLDEN = (math.sqrt(5.0) - 1.0) / 2.0
_SEARCH_STEPS = 32
"""Golden-section steps over log sigma; they leave an error of 1e-10 in the likelihood."""

_LOG_SIGMA_RANGE = (math.log(1e-4), math.log(1e6))
"""Range of log sigma that is searched, sigma in units of the sample's own scale."""

_ZOOM_POINTS = 17
_MAXIMUM_ROUNDS = 10
_CROSSING_ROUNDS = 7


def log_likelihood(lower: FloatArray, upper: FloatArray, mu: FloatArray, log_sigma: FloatArray) -> FloatArray:
    """Sum over runs; ``lower``, ``upper`` (…, n) on the log scale, ``mu``, ``log_sigma`` (…, k) → (…, k).

    Equal bounds are an exact time (density), others an interval (probability); −∞ and ∞ are fine.
    """
    sigma = np.exp(log_sigma)[..., np.newaxis]
    left = (lower[..., np.newaxis, :] - mu[..., np.newaxis]) / sigma
    right = (upper[..., np.newaxis, :] - mu[..., np.newaxis]) / sigma
    exact = (lower == upper)[..., np.newaxis, :]
    density = -(np.where(exact, left, 0.0) ** 2) / 2 - log_sigma[..., np.newaxis] - math.log(2 * math.pi) / 2
    # Seen from the nearer tail both probabilities are small and their difference keeps its digits.
    mirrored = left > 0
    near = log_ndtr(np.where(mirrored, -left, right))
    far = log_ndtr(np.where(mirrored, -right, left))
    with np.errstate(divide="ignore", invalid="ignore"):
        interval = near + np.log1p(-np.exp(far - near))
    interval = np.where(np.isnan(interval), -np.inf, interval)
    return np.asarray(np.where(exact, density, interval).sum(axis=-1), dtype=np.float64)


def profile(
    lower: FloatArray, upper: FloatArray, mu: FloatArray, scale: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Likelihood maximised over sigma at each ``mu`` (…, k), and the sigma that does it, both (…, k)."""
    unit = np.log(scale)[..., np.newaxis]
    low, high = (np.broadcast_to(unit + end, mu.shape).copy() for end in _LOG_SIGMA_RANGE)
    first, second = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_first = log_likelihood(lower, upper, mu, first)
    at_second = log_likelihood(lower, upper, mu, second)
    for _ in range(_SEARCH_STEPS):
        left = at_first >= at_second
        high, low = np.where(left, second, high), np.where(left, low, first)
        inner = np.where(left, high - _GOLDEN * (high - low), low + _GOLDEN * (high - low))
        at_inner = log_likelihood(lower, upper, mu, inner)
        first, second = np.where(left, inner, second), np.where(left, first, inner)
        at_first, at_second = np.where(left, at_inner, at_second), np.where(left, at_first, at_inner)
    middle = (low + high) / 2
    return log_likelihood(lower, upper, mu, middle), np.exp(middle)


def maximise(
    lower: FloatArray, upper: FloatArray, low: FloatArray, high: FloatArray, scale: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The location between ``low`` and ``high`` (…,) of highest profile → mu, sigma, likelihood (…,)."""
    for _ in range(_MAXIMUM_ROUNDS):
        grid = np.linspace(low, high, _ZOOM_POINTS, axis=-1)
        best = np.argmax(profile(lower, upper, grid, scale)[0], axis=-1)[..., np.newaxis]
        low = np.take_along_axis(grid, np.maximum(best - 1, 0), axis=-1)[..., 0]
        high = np.take_along_axis(grid, np.minimum(best + 1, _ZOOM_POINTS - 1), axis=-1)[..., 0]
    mu = (low + high) / 2
    value, sigma = profile(lower, upper, mu[..., np.newaxis], scale)
    return mu, sigma[..., 0], value[..., 0]


def crossing(
    lower: FloatArray,
    upper: FloatArray,
    start: FloatArray,
    step: FloatArray,
    scale: FloatArray,
    threshold: FloatArray,
) -> FloatArray:
    """Where the profile, followed from ``start`` in the direction of ``step``, falls to ``threshold``.

    All of shapes that broadcast to (…,). ±∞ where it has not done so a million scales away.
    """
    reaches = np.concatenate([[0.0], 2.0 ** np.arange(-4, 21)])
    grid = start[..., np.newaxis] + np.multiply.outer(step * scale, reaches)
    endless = np.asarray(profile(lower, upper, grid[..., -1:], scale)[0][..., 0] > threshold)
    for _ in range(_CROSSING_ROUNDS):
        inside = np.asarray(profile(lower, upper, grid, scale)[0] > threshold[..., np.newaxis])
        # The ends are known; rounding must not have a say there.
        inside[..., 0], inside[..., -1] = True, False
        last = np.argmin(inside, axis=-1)[..., np.newaxis] - 1
        ends = [np.take_along_axis(grid, last + beyond, axis=-1)[..., 0] for beyond in (0, 1)]
        grid = np.linspace(ends[0], ends[1], _ZOOM_POINTS, axis=-1)
    return np.asarray(np.where(endless, np.sign(step) * np.inf, grid.mean(axis=-1)), dtype=np.float64)
