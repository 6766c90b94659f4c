"""Two one-sided tests: is a difference of means within a margin? Source: Schuirmann 1987."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import ndtr, stdtr

from mlperf_stats.errors import StatisticsError
from mlperf_stats.stats.sample import FloatArray


def equivalence_p_values(
    differences: FloatArray, errors: FloatArray, dfs: FloatArray, margin: float
) -> FloatArray:
    """p of the hypothesis that the difference is outside [−margin, margin]; small p: within. Shapes (m,).

    Args:
        differences: Differences of means (for log times: log ratios).
        errors: Their standard errors, > 0 (∞ gives 1).
        dfs: Degrees of freedom, > 0, may be ∞.
        margin: Half the width of what counts as equal, > 0, on the scale of the differences.

    Raises StatisticsError (``margin``).
    """
    if not math.isfinite(margin) or margin <= 0:
        raise StatisticsError(f"margin {margin!r} is not a positive number; write 0.02 for 2 %")
    tails = lower_tails((np.abs(differences) - margin) / errors, dfs)
    return np.where(np.isfinite(errors), tails, 1.0)


def lower_tails(statistics: FloatArray, dfs: FloatArray) -> FloatArray:
    """P(t ≤ statistic), elementwise; infinite degrees of freedom are the normal law."""
    finite = np.isfinite(dfs)
    return np.where(finite, stdtr(np.where(finite, dfs, 1.0), statistics), ndtr(statistics))
