"""Runs of one system with the work each needed: the input of convergence-controlled estimates.

*Convergence* is the work after which a run reached its goal (epochs, samples). *Size* is what its law
depends on beside chance (the batch size); *lineage* marks systems that are likely to run one configuration,
whose laws may agree more closely than those of others.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np

from mlperf_stats.errors import SampleError, StatisticsError
from mlperf_stats.stats.medians import median
from mlperf_stats.stats.sample import FloatArray, SampleLike, as_vector, check_sample

REFERENCE_LINEAGE = "reference"

SAME_POINT = 1e-9
"""Convergence points closer than this on the log scale are one point."""

_STEADY_FACTOR = 5.0
_CONVERGENCE_LIKE = 1.0 / 3.0
_FEWEST_RUNS = 3


@dataclass(frozen=True, eq=False)
class ConvergedRuns:
    """Runs of one system, natural logarithms; build it with :func:`converged_runs`."""

    log_time: FloatArray
    log_convergence: FloatArray
    size: float
    """NaN where it is not known; sets of unknown size are not taken to share theirs."""
    lineage: str
    label: str

    @property
    def n(self) -> int:
        """How many runs there are."""
        return int(self.log_time.size)

    @cached_property
    def tied(self) -> bool:
        """All runs stopped at one convergence point."""
        return self.n < 2 or float(np.ptp(self.log_convergence)) < SAME_POINT

    @cached_property
    def mean_convergence(self) -> float:
        """Mean of log convergence."""
        return float(self.log_convergence.mean())

    @cached_property
    def sum_of_squares(self) -> float:
        """Σ(x − x̄)² of log convergence; exactly 0 for tied runs."""
        return 0.0 if self.tied else float(((self.log_convergence - self.mean_convergence) ** 2).sum())

    @cached_property
    def time_variance(self) -> float:
        """Sample variance of log time; NaN for a single run."""
        if self.n < 2:
            return math.nan
        # The mean of equal logarithms may round away from them.
        return float(self.log_time.var(ddof=1)) if np.ptp(self.log_time) > 0 else 0.0

    @cached_property
    def line(self) -> TimeLine | None:
        """Its line of log time on log convergence; None with too few runs for a residual."""
        return time_line(self)


@dataclass(frozen=True, slots=True)
class ReferenceRuns:
    """Runs of a reference implementation: their convergence by its moments, and no times.

    They lend like one more lineage. Build them with :func:`reference_runs`.
    """

    n: int
    mean_convergence: float
    """Mean of log convergence."""
    sum_of_squares: float
    """Σ(x − x̄)² of log convergence."""
    size: float
    label: str
    lineage: str = REFERENCE_LINEAGE


LendingRuns: TypeAlias = ConvergedRuns | ReferenceRuns


def reference_runs(n: int, log_mean: float, log_sd: float, *, size: float, label: str) -> ReferenceRuns:
    """Check number, mean and sample standard deviation of log convergence of a reference's runs.

    Raises SampleError (n < 1, a moment that is not finite, log_sd < 0, a size ≤ 0).
    """
    if n < 1 or not math.isfinite(log_mean) or not 0 <= log_sd < math.inf:
        raise SampleError(
            f"{label}: {n} runs with log mean {log_mean!r} and deviation {log_sd!r} are no moments of runs"
        )
    if not 0 < size < math.inf:
        raise SampleError(f"size {size!r} of a reference is not a positive number")
    return ReferenceRuns(n, log_mean, (n - 1) * log_sd**2, float(size), label)


def converged_runs(
    times: SampleLike,
    convergence: SampleLike,
    *,
    size: float = math.nan,
    lineage: str = "",
    label: str = "",
) -> ConvergedRuns:
    """Check ``times`` and ``convergence``, both (n,), n ≥ 1, positive, in one order, and take logarithms.

    Raises SampleError (shape, NaN, a value ≤ 0, lengths that differ, a size ≤ 0) and TooFewRunsError (n = 0).
    """
    check_sample(times, positive=True)
    check_sample(convergence, positive=True, what="convergence points")
    time, work = np.log(as_vector(times)), np.log(as_vector(convergence))
    if time.shape != work.shape:
        raise SampleError(f"{time.size} times but {work.size} convergence points; give one of each per run")
    if not (math.isnan(size) or 0 < size < math.inf):
        raise SampleError(f"size {size!r} is not a positive number; use NaN where it is not known")
    return ConvergedRuns(time, work, float(size), lineage, label)


@dataclass(frozen=True, slots=True)
class TimeLine:
    """Least squares of log time on log convergence in one set."""

    slope: float
    """NaN for tied runs."""
    slope_variance: float
    residual: float
    """Residual variance."""
    df: int


def time_line(runs: ConvergedRuns) -> TimeLine | None:
    """The line of one set; None with too few runs for a residual. Tied runs have a residual but no slope."""
    squares = runs.sum_of_squares
    df = runs.n - (1 if squares == 0 else 2)
    if df < 1:
        return None
    y = runs.log_time - runs.log_time.mean()
    if squares == 0:
        return TimeLine(math.nan, math.inf, float(y @ y) / df, df)
    x = runs.log_convergence - runs.mean_convergence
    slope = float(x @ y) / squares
    residual = float(((y - slope * x) ** 2).sum()) / df
    return TimeLine(slope, residual / squares, residual, df)


@dataclass(frozen=True, slots=True)
class TypicalSpread:
    """Medians over sets whose runs do not tie; both 0 where there is none."""

    residual: float
    """Variance of log time around the set's line."""
    convergence: float
    """Variance of log convergence within a set."""


def typical_spread(sets: Sequence[ConvergedRuns]) -> TypicalSpread:
    """What other sets leave at a fixed convergence point, and how much their convergence varies."""
    lines = [(line, runs) for runs in sets if not runs.tied and (line := runs.line) is not None]
    if not lines:
        return TypicalSpread(0.0, 0.0)
    residual = median(np.array([line.residual for line, _ in lines]))
    return TypicalSpread(residual, median(np.array([r.sum_of_squares / (r.n - 1) for _, r in lines])))


def convergence_is_constant(runs: ConvergedRuns, typical: TypicalSpread) -> bool:
    """Whether the logged convergence cannot be what made the runs differ.

    True if all runs log one point while their times spread far beyond what other sets leave at a fixed point
    *and* at least a third as much as convergence does: the log repeats a limit instead of what was reached.
    """
    if runs.n < _FEWEST_RUNS or not runs.tied or typical.convergence <= 0:
        return False
    return math.sqrt(runs.time_variance) > max(
        _STEADY_FACTOR * math.sqrt(typical.residual), _CONVERGENCE_LIKE * math.sqrt(typical.convergence)
    )


def check_step(step: float) -> float:
    """The typical gap of the evaluation grid as a fraction of the work; StatisticsError unless above 0."""
    if not isinstance(step, (int, float, np.floating)) or not math.isfinite(step) or step <= 0:
        raise StatisticsError(
            f"evaluation step {step!r} is not a positive fraction of the work, such as 0.05"
        )
    return float(step)
