"""Sets of runs that do not fit the others: judged against medians, which half of the sets may spoil.

A set is outlying where it is both far from the median and far in practice: systems do differ a little,
so no test of significance would do.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from math import log

import numpy as np
from numpy.typing import NDArray

from mlperf_stats.stats.sample import FloatArray
from mlperf_stats.stats.variance_components import SetSpread

FEWEST_SETS = 5
"""Sets that a median of throughput deviations needs before any is called outlying."""

THROUGHPUT_FACTOR = 5.0
"""Times the median standard deviation of the other sets."""

THROUGHPUT_FLOOR = 0.02
"""Standard deviation of log time at a fixed convergence point below which no set is outlying."""

CONVERGENCE_FLOOR = log(1.25)
"""Distance from the cell's median of mean log C within which no set is outlying."""

CONVERGENCE_DEVIATIONS = 3.5
"""Robust standard deviations beyond which a set is (Iglewicz & Hoaglin 1993)."""

UNIT_FACTOR = 3.0
"""Sets with one batch size do not converge so many times faster or slower: they count otherwise."""

_MAD_TO_SD = 1.4826
_FEWEST_IN_CELL = 3


def outlying_throughput(spreads: Sequence[SetSpread]) -> NDArray[np.bool_]:
    """Sets (k,) of one benchmark whose time at a fixed convergence point varies far more than elsewhere.

    Contended machines, a few runs with a mishap, or convergence points that do not say how far the
    run trained. Sets without degrees of freedom are not judged.
    """
    deviations = np.array(
        [np.nan if (v := spread.throughput_variance) is None else v**0.5 for spread in spreads],
        dtype=np.float64,
    )
    judged = np.isfinite(deviations)
    if judged.sum() < FEWEST_SETS:
        return np.zeros(len(spreads), dtype=np.bool_)
    limit = max(THROUGHPUT_FACTOR * float(np.median(deviations[judged])), THROUGHPUT_FLOOR)
    return judged & (np.nan_to_num(deviations) > limit)


def convergence_deviations(spreads: Sequence[SetSpread], cells: Sequence[Hashable | None]) -> FloatArray:
    """Mean log C of each set less the median of its cell, (k,); NaN in cells of fewer than three sets."""
    deviations = np.full(len(spreads), np.nan)
    members: dict[Hashable, list[int]] = {}
    for index, (spread, cell) in enumerate(zip(spreads, cells, strict=True)):
        if cell is not None and spread.points:
            members.setdefault(cell, []).append(index)
    for group in members.values():
        if len(group) >= _FEWEST_IN_CELL:
            means = np.array([spreads[index].mean_log_point for index in group])
            deviations[group] = means - np.median(means)
    return deviations


def outlying_convergence(deviations: FloatArray) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Sets (k,) that converge elsewhere than their cells, and those so far off that their unit is doubtful.

    ``deviations``: of all sets of one benchmark, from :func:`convergence_deviations`. The two answers
    exclude each other.
    """
    known = np.isfinite(deviations)
    distances = np.abs(np.nan_to_num(deviations))
    scale = _MAD_TO_SD * float(np.median(distances[known])) if known.any() else 0.0
    doubtful = distances > log(UNIT_FACTOR)
    apart = distances > max(CONVERGENCE_DEVIATIONS * scale, CONVERGENCE_FLOOR)
    return apart & ~doubtful, doubtful
