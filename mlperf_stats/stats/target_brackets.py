"""When a run reached a quality, as far as its evaluations tell: between two of them."""

from __future__ import annotations

import math

import numpy as np

from mlperf_stats.errors import SampleError, StatisticsError
from mlperf_stats.stats.sample import SampleLike, as_vector


def target_bracket(
    progress: SampleLike,
    quality: SampleLike,
    target: float,
    *,
    higher_is_better: bool = True,
    start: float = 0.0,
) -> tuple[float, float]:
    """The interval in which one run first reached ``target``: (last evaluation short of it, first not).

    ``progress``: shape (k,), time or samples at each evaluation, strictly ascending, above
    ``start``; ``quality``: shape (k,). The upper end is ∞ if no evaluation reached it, and the lower
    end ``start`` if the first one did. Made for ``interval_censored_interval``, one pair per run,
    at any target; at the benchmark's own target a score uses the upper end as it is.
    Raises SampleError (shape, NaN, order), StatisticsError (target, start).
    """
    points, values = as_vector(progress, "progress"), as_vector(quality, "quality")
    if points.shape != values.shape:
        raise SampleError(f"{points.size} evaluation points but {values.size} qualities; give one per point")
    if not math.isfinite(target) or not math.isfinite(start):
        raise StatisticsError(f"target {target!r} and start {start!r} must be finite numbers")
    if np.any(np.diff(points, prepend=start) <= 0):
        raise SampleError(f"progress must ascend strictly from above {start:g}; sort the evaluations by it")
    reached = np.flatnonzero(values >= target if higher_is_better else values <= target)
    if not reached.size:
        return (float(points[-1]) if points.size else float(start)), math.inf
    first = int(reached[0])
    return float(points[first - 1]) if first else float(start), float(points[first])
