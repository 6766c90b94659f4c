"""The door of the statistics room: what a sample, a level and a run count may be.

Public functions pass their arguments through here once and then compute without checks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from mlperf_stats.errors import SampleError, StatisticsError, TooFewRunsError
from mlperf_stats.stats import codes

FloatArray: TypeAlias = NDArray[np.float64]
Marks: TypeAlias = Sequence[bool] | NDArray[np.bool_]
"""Whether each run converged."""

SampleLike: TypeAlias = Sequence[float] | NDArray[np.floating] | NDArray[np.integer]


def as_numbers(values: SampleLike, what: str = "times") -> FloatArray:
    """A one-dimensional float64 copy of ``values`` in the order given; SampleError if that cannot be."""
    try:
        raw = np.asarray(values)
        if raw.dtype.kind not in "iufO":
            raise SampleError(f"{what}: numbers are needed, got {raw.dtype}; convert them first")
        vector = np.array(raw, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise SampleError(f"{what}: not a sequence of numbers ({error}); give one number per run") from None
    if vector.ndim != 1:
        raise SampleError(
            f"{what}: one dimension is needed, got shape {vector.shape}; pass one sample at a time"
        )
    return vector


def as_vector(values: SampleLike, what: str = "times") -> FloatArray:
    """``as_numbers`` with NaN and ±∞ refused; the SampleError names the first offending element."""
    vector = as_numbers(values, what)
    bad = np.flatnonzero(~np.isfinite(vector))
    if bad.size:
        raise SampleError(
            f"{what}[{bad[0]}] is {vector[bad[0]]}; leave such runs out or state them as not converged"
        )
    return vector


def check_sample(
    values: SampleLike, *, minimum: int = 1, positive: bool = False, what: str = "times"
) -> FloatArray:
    """``values`` as an ascending float64 vector of at least ``minimum`` elements.

    Raises SampleError (shape, kind, NaN, ±∞ or, with ``positive``, a value ≤ 0) and
    TooFewRunsError, which states how many are needed.
    """
    vector = as_vector(values, what)
    if vector.size < minimum:
        raise TooFewRunsError(f"{what}: at least {minimum} needed, got {vector.size}; measure more runs")
    if positive and vector.size and vector.min() <= 0:
        first = int(np.argmax(vector <= 0))
        raise SampleError(f"{what}[{first}] is {vector[first]}; a logarithm needs times above 0")
    vector.sort()
    return vector


def check_level(level: float) -> float:
    """The confidence level as a float strictly between 0 and 1; StatisticsError otherwise."""
    if not isinstance(level, (int, float, np.floating)) or not math.isfinite(level) or not 0 < level < 1:
        raise StatisticsError(f"confidence level {level!r} is not between 0 and 1; write 0.95 for 95 %")
    return float(level)


def check_count(value: int, *, minimum: int, what: str) -> int:
    """``value`` as an int of at least ``minimum``; StatisticsError otherwise."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < minimum:
        raise StatisticsError(f"{what} must be a whole number of at least {minimum}, got {value!r}")
    return int(value)


def variance_of_logs(times: FloatArray) -> float:
    """Sample variance of the logarithms of times (n,), n ≥ 2: exactly 0 where all are equal.

    The mean of equal logarithms may round to a neighbour of theirs, which leaves a variance of some 1e-31:
    nothing for a width, and certainty for a test.
    """
    return float(np.log(times).var(ddof=1)) if np.ptp(times) > 0 else 0.0


def spread_warnings(ordered: FloatArray) -> tuple[str, ...]:
    """What ties in an ascending sample make every method say: nothing, tied or all the same."""
    if ordered.size < 2:
        return (codes.SINGLE_RUN,) if ordered.size else ()
    if ordered[0] == ordered[-1]:
        return (codes.ZERO_VARIANCE,)
    return (codes.TIED_RUNS,) if np.any(ordered[1:] == ordered[:-1]) else ()


def check_outcomes(times: SampleLike, converged: Marks) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Times ascending (converged runs first among equals) and whether each converged, both (n,).

    A run that did not converge has the time it was let run. Raises SampleError (shape, NaN, a
    negative time, lengths that differ, marks other than true and false) and TooFewRunsError.
    """
    vector = as_vector(times)
    marks = np.asarray(converged)
    if marks.shape != vector.shape:
        raise SampleError(f"{vector.size} times but marks of shape {marks.shape}; give one mark per run")
    if marks.dtype != np.bool_ and not np.isin(marks, (0, 1)).all():
        raise SampleError("converged: each mark must be true or false")
    if vector.size == 0:
        raise TooFewRunsError("times: at least 1 needed, got 0; measure more runs")
    if vector.min() < 0:
        raise SampleError(f"times: {vector.min()} is negative; a run takes at least no time")
    marks = marks.astype(np.bool_)
    order = np.lexsort((~marks, vector))
    return vector[order], marks[order]
