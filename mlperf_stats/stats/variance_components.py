"""Where the variance of times to train comes from: convergence, throughput, and differences between sets.

A set is the runs of one system. Within it, a run's time is a straight line in how far it had to train,
``T = a + b·C`` (start-up plus time per unit of training); what is left around that line is throughput.
Variances are pooled over sets by their degrees of freedom. Between sets that share a law of convergence
(a *cell*), the variance of mean log C comes from the nested analysis of variance with unequal counts
(Searle, Casella & McCulloch 1992, *Variance Components*, section 3.6); balanced and positive, it equals REML.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from mlperf_stats.errors import SampleError, StatisticsError
from mlperf_stats.stats.sample import FloatArray, SampleLike, as_vector, check_sample


@dataclass(frozen=True, slots=True)
class SetSpread:
    """Sums of squares of one set of runs, with their degrees of freedom. Log times are dimensionless."""

    runs: int
    points: int
    """Distinct convergence points; 0 where they are not known."""
    mean_log_point: float
    """Mean of log C; 0 where the points are not known."""
    total_ss: float
    """Of log time around its mean, with ``runs − 1`` degrees of freedom."""
    throughput_ss: float
    """Of relative deviations of time from the line in C."""
    throughput_df: int
    """``runs − 2``, or ``runs − 1`` where all runs have one point; 0 where points are not known."""
    point_ss: float
    """Of log C around its mean."""

    @property
    def df(self) -> int:
        """Degrees of freedom within the set."""
        return self.runs - 1

    @property
    def throughput_variance(self) -> float | None:
        """Variance of log time at a fixed convergence point; None without degrees of freedom."""
        return self.throughput_ss / self.throughput_df if self.throughput_df > 0 else None


@dataclass(frozen=True, slots=True)
class VarianceComponents:
    """What the variance of log time is made of; None where there is nothing to estimate it from."""

    sets: int
    """Sets of two or more runs."""
    df: int
    """Degrees of freedom of :attr:`variance`."""
    variance: float | None
    """Of log time between runs of one set, over all sets."""
    throughput_variance: float | None
    """Of log time at a fixed convergence point."""
    throughput_share: float | None
    """Throughput's share of the variance within sets, 0 to 1; convergence has the rest."""
    between_variance: float | None
    """Of mean log C between sets of a cell."""
    between_share: float | None
    """Its share of the variance of log C in a cell, 0 to 1."""
    between_df: int
    """Sets less cells, over cells with two sets or more."""

    @property
    def convergence_share(self) -> float | None:
        """Convergence's share of the variance within sets."""
        return None if self.throughput_share is None else 1.0 - self.throughput_share


def set_spread(times: SampleLike, points: SampleLike | None) -> SetSpread:
    """The spread of one set.

    Args:
        times: Shape (n,), positive, any unit, n ≥ 1.
        points: Shape (n,), positive: training progress at which each run converged; None if not known.

    Raises SampleError (shape, NaN, values ≤ 0, lengths that differ) and TooFewRunsError (no run).
    """
    check_sample(times, positive=True)
    times = as_vector(times)
    logs = np.log(times)
    total = float(np.sum((logs - logs.mean()) ** 2))
    if points is None:
        return SetSpread(times.size, 0, 0.0, total, 0.0, 0, 0.0)
    check_sample(points, positive=True, what="points")
    points = as_vector(points, "points")
    if points.shape != times.shape:
        raise SampleError(f"{times.size} times but {points.size} convergence points; give one per run")
    distinct = np.unique(points).size
    log_points = np.log(points)
    throughput = total if distinct == 1 else _around_line(times, points)
    return SetSpread(
        runs=times.size,
        points=distinct,
        mean_log_point=float(log_points.mean()),
        total_ss=total,
        throughput_ss=throughput,
        throughput_df=max(times.size - (1 if distinct == 1 else 2), 0),
        point_ss=0.0 if distinct == 1 else float(np.sum((log_points - log_points.mean()) ** 2)),
    )


def _around_line(times: FloatArray, points: FloatArray) -> float:
    """Sum of squared relative deviations from the line that makes it least."""
    design = np.stack([1.0 / times, points / times], axis=1)
    # Columns of one size: points may be in the millions.
    design /= np.linalg.norm(design, axis=0)
    fitted, *_ = np.linalg.lstsq(design, np.ones_like(times), rcond=None)
    return float(np.sum((design @ fitted - 1.0) ** 2))


def variance_components(spreads: Sequence[SetSpread], cells: Sequence[Hashable | None]) -> VarianceComponents:
    """Components of the variance of log time over sets.

    Args:
        spreads: Shape (k,), the spread of each set; sets of one run count between sets only.
        cells: Shape (k,), which cell each set belongs to; None for a set that can be put in none.

    Raises StatisticsError: lengths differ.
    """
    if len(spreads) != len(cells):
        raise StatisticsError(f"{len(spreads)} sets but {len(cells)} cells; give one per set")
    within = [spread for spread in spreads if spread.df > 0]
    df = sum(spread.df for spread in within)
    known = [spread for spread in within if spread.points]
    total = _ratio(sum(spread.total_ss for spread in known), sum(spread.df for spread in known))
    throughput = _ratio(
        sum(spread.throughput_ss for spread in known), sum(spread.throughput_df for spread in known)
    )
    between, share, between_df = _between(spreads, cells)
    return VarianceComponents(
        sets=len(within),
        df=df,
        variance=_ratio(sum(spread.total_ss for spread in within), df),
        throughput_variance=throughput,
        throughput_share=min(throughput / total, 1.0) if total and throughput is not None else None,
        between_variance=between,
        between_share=share,
        between_df=between_df,
    )


def _between(
    spreads: Sequence[SetSpread], cells: Sequence[Hashable | None]
) -> tuple[float | None, float | None, int]:
    """Variance of mean log C between sets of a cell, its share of the cell's variance, and its df."""
    members: dict[Hashable, list[SetSpread]] = {}
    for spread, cell in zip(spreads, cells, strict=True):
        if cell is not None and spread.points:
            members.setdefault(cell, []).append(spread)
    groups = [group for group in members.values() if len(group) > 1]
    between_df = sum(len(group) - 1 for group in groups)
    within = _ratio(
        sum(spread.point_ss for group in groups for spread in group),
        sum(spread.df for group in groups for spread in group),
    )
    if within is None:
        return None, None, between_df
    squares, effective = 0.0, 0.0
    for group in groups:
        runs = np.array([spread.runs for spread in group], dtype=np.float64)
        means = np.array([spread.mean_log_point for spread in group])
        squares += float(runs @ (means - np.average(means, weights=runs)) ** 2)
        effective += float(runs.sum() - (runs @ runs) / runs.sum())
    # E[squares] = between_df · within + effective · between
    between = max((squares - between_df * within) / effective, 0.0)
    return between, _ratio(between, between + within), between_df


def _ratio(numerator: float, denominator: float) -> float | None:
    return numerator / denominator if denominator > 0 else None
