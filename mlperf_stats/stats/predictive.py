"""What the next set will do, told from the sets that are known: a quantile with their number in it.

Values come in clusters: several simulated samples of each of m published sets. The plain quantile of all
values keeps its promise for those m sets; a further set exceeds it a little more often, by up to p / m where
sets differ and samples of one set do not (then the promise is kept by the p·(m + 1)-th of m ordered sets,
which is exact for exchangeable sets). How much of that is needed follows from where a value near the quantile
stands among those of its own set: at 0 for sets that are points, at p where all sets are alike.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mlperf_stats.stats.sample import FloatArray

_NEAR = 0.025
"""Values whose share is this close to that of the quantile are near it."""

_ROUNDING = 1e-12

Origins = NDArray[np.intp]


def predictive_quantile(values: FloatArray, origins: Origins, probability: float) -> float:
    """The value that a draw from a further set stays within with ``probability``.

    ``values`` and ``origins`` (which set each is from, 0 to m - 1) of shape (k,). Of fewer than about
    p / (1 - p) sets no promise can be kept; half of the way to certainty is as far as this goes.
    """
    sets = _count(origins)
    level = probability + max(probability - _own_rank(values, origins, probability), 0.0) / sets
    level = min(level, (1 + probability) / 2) if sets > 1 else probability
    # Where the level is a whole number of sets, rounding must not ask for one more.
    return float(np.quantile(values, level - _ROUNDING, method="inverted_cdf"))


def predictive_probability(values: FloatArray, origins: Origins, bound: float) -> float:
    """Probability that a draw from a further set is at most ``bound``: the inverse of the quantile."""
    sets = _count(origins)
    plain = float(np.mean(values <= bound))
    if sets < 2:
        return plain
    shrunk = (plain + min(_own_rank(values, origins, plain), plain) / sets) / (1 + 1 / sets)
    return max(shrunk, min(2 * plain - 1, sets / (sets + 1)))


def _count(origins: Origins) -> int:
    return int(np.count_nonzero(np.bincount(origins)))


def _own_rank(values: FloatArray, origins: Origins, probability: float) -> float:
    """Mean share of smaller values in its own set, over the values near the quantile."""
    order = np.sort(values)
    last = order.size - 1
    low, high = (order[round(min(max(probability + step, 0.0), 1.0) * last)] for step in (-_NEAR, _NEAR))
    near = (values >= low) & (values <= high)
    of_set = np.bincount(origins)
    before = np.bincount(origins[values < low], minlength=of_set.size)
    sort = np.lexsort((values[near], origins[near]))
    place, value = origins[near][sort], values[near][sort]
    index = np.arange(place.size)
    new_set = np.concatenate([[True], place[1:] != place[:-1]])
    new_value = new_set | np.concatenate([[True], value[1:] != value[:-1]])
    first_equal = np.maximum.accumulate(np.where(new_value, index, 0))
    first_of_set = np.maximum.accumulate(np.where(new_set, index, 0))
    return float(np.mean((before[place] + first_equal - first_of_set) / of_set[place]))
