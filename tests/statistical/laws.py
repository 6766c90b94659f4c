"""Laws of time to train for coverage studies, with their true medians, means and expected scores."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import bdtrc, ndtr
from scipy.stats import nbinom

from mlperf_stats.stats.l_statistics import lognormal_score_shift

Array = NDArray[np.float64]

EPOCHS = np.arange(19, 79)
EPOCH_CHANCES = nbinom.pmf(EPOCHS - 19, 1.5, 1.5 / (1.5 + 1.8))
JITTER = 0.002


@dataclass(frozen=True)
class Law:
    """How long a run takes."""

    name: str
    draw: Callable[[np.random.Generator, tuple[int, ...]], Array]
    median: float
    geometric_mean: float
    mean: float
    expected_score: Callable[[int, int], float]
    """Of N runs with m dropped on each side."""

    def truth(self, estimand: str, runs: int, dropped: int) -> float:
        """The true value of what a method estimates."""
        if estimand == "expected-score":
            return self.expected_score(runs, dropped)
        return float(getattr(self, estimand.replace("-", "_")))


def lognormal(sigma: float) -> Law:
    """Median 1, log-sd ``sigma``."""
    return Law(
        name=f"lognormal {sigma:g}",
        draw=lambda rng, shape: np.exp(sigma * rng.standard_normal(shape)),
        median=1.0,
        geometric_mean=1.0,
        mean=math.exp(sigma**2 / 2),
        expected_score=lambda runs, dropped: float(
            np.exp(lognormal_score_shift(np.array(sigma), runs, dropped))
        ),
    )


def _epoch_distribution(times: Array) -> Array:
    """P(time ≤ t) of the discrete law, for each t."""
    return ndtr((np.divide.outer(times, EPOCHS) - 1) / JITTER) @ EPOCH_CHANCES


@cache
def _epoch_score(runs: int, dropped: int) -> float:
    """Integral of 1 - W(F(t)): W(u) is the mean over the kept ranks i of P(Bin(N, u) ≥ i)."""
    times = np.arange(18.5, 60.0, 0.002)
    below = np.clip(_epoch_distribution(times), 0.0, 1.0)
    kept = range(dropped, runs - dropped)
    share = sum(np.asarray(bdtrc(rank, runs, below)) for rank in kept) / len(kept)
    return float(times[0] + np.trapezoid(1 - share, times))


def _draw_epochs(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    epochs = 19.0 + rng.negative_binomial(1.5, 1.5 / (1.5 + 1.8), shape)
    return np.asarray(epochs * (1 + JITTER * rng.standard_normal(shape)))


def epochs() -> Law:
    """Whole epochs, 19 + negative binomial (size 1.5, mean 1.8), times a normal jitter of 0.2 %.

    Right-skewed around 20: median 20.03, mean 20.80, expected score of 5 runs 20.49.
    """
    chances = EPOCH_CHANCES / EPOCH_CHANCES.sum()
    # E log(1 + jz) = -j²/2 - 3j⁴/4 for a small normal jitter.
    jitter = -(JITTER**2) / 2 - 3 * JITTER**4 / 4
    return Law(
        name="epochs",
        draw=_draw_epochs,
        median=float(brentq(lambda t: _epoch_distribution(np.array([t]))[0] - 0.5, 19.5, 20.5, xtol=1e-12)),
        geometric_mean=math.exp(float(chances @ np.log(EPOCHS)) + jitter),
        mean=float(chances @ EPOCHS),
        expected_score=_epoch_score,
    )
