"""The median of a few numbers without numpy's overhead, which counts where it is taken 10 000 times."""

from __future__ import annotations

import numpy as np

from mlperf_stats.stats.sample import FloatArray


def median(values: FloatArray) -> float:
    """The median of an array (n,), n ≥ 1, without NaN: as ``numpy.median``, ten times as fast."""
    ordered = np.sort(values)
    half = ordered.size // 2
    return float(ordered[half] if ordered.size % 2 else (ordered[half - 1] + ordered[half]) / 2)
