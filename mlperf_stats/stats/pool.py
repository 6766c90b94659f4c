"""A pool: the sets of runs of one round that may lend each other strength, summarised once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.stats import f as f_law

from mlperf_stats.stats import codes
from mlperf_stats.stats.cells import Cell, cell
from mlperf_stats.stats.converged_runs import (
    ConvergedRuns,
    TimeLine,
    check_step,
    convergence_is_constant,
    time_line,
    typical_spread,
)
from mlperf_stats.stats.outlying_sets import UNIT_FACTOR
from mlperf_stats.stats.sample import FloatArray

_SPREAD_WEIGHT = 5.0
"""Degrees of freedom that the pool's spread is worth in each cell's; 2 to 10 are about equally likely."""

SPREAD_DFS = np.array([2.0, 4.0, 8.0, 16.0, 32.0, 64.0])
"""How alike the sets of a cell may be in spread, as degrees of freedom of a scaled inverse χ² law."""

_FEWEST_FOR_UNIT = 3


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A set that lends nothing, and the warning code that says why."""

    label: str
    code: str


@dataclass(frozen=True)
class Pool:
    """Sets of one round; build it with :func:`pool`."""

    sets: tuple[ConvergedRuns, ...]
    """Those that lend strength."""
    left_out: tuple[LeftOut, ...]
    step: float
    """Gap of the evaluation grid as a fraction of the work."""

    @cached_property
    def keys(self) -> list[object]:
        """The cell of each set; sets of unknown size are cells of their own."""
        return [index if math.isnan(one.size) else one.size for index, one in enumerate(self.sets)]

    @cached_property
    def _runs(self) -> FloatArray:
        return np.array([one.n for one in self.sets], dtype=np.float64)

    @cached_property
    def _squares(self) -> FloatArray:
        return np.array([one.sum_of_squares for one in self.sets])

    def floor(self, runs: float) -> float:
        """Least variance that ``runs`` runs at one point leave possible.

        By the rule of succession a further run stops a step earlier, or later, with a chance of 1/(runs + 2)
        each: runs on a grid that tie are evidence of little variance, not of none.
        """
        return 2 * self.step**2 / (runs + 2)

    @cached_property
    def spread(self) -> float:
        """Variance of log convergence within a set, over all sets."""
        df = float(self._runs.sum() - len(self.sets))
        pooled = float(self._squares.sum()) / df if df > 0 else 0.0
        return max(pooled, self.floor(float(self._runs.sum())))

    @cached_property
    def spreads(self) -> dict[object, float]:
        """The same by cell, drawn towards the pool's."""
        found = {}
        for key in dict.fromkeys(self.keys):
            member = self._members(key)
            runs = self._runs[member]
            drawn = (self._squares[member].sum() + _SPREAD_WEIGHT * self.spread) / (
                (runs - 1).sum() + _SPREAD_WEIGHT
            )
            found[key] = max(float(drawn), self.floor(float(runs.sum())))
        return found

    def _members(self, key: object) -> NDArray[np.bool_]:
        return np.array([other == key for other in self.keys])

    @cached_property
    def spread_evidence(self) -> FloatArray:
        """Log likelihood of :data:`SPREAD_DFS`: how far the sets of a cell differ in spread."""
        df = self._runs - 1
        seen = df > 0
        if not seen.any():
            return np.zeros(SPREAD_DFS.size)
        df, runs = df[seen], self._runs[seen]
        variances = np.maximum(self._squares[seen] / df, 2 * self.step**2 / (runs + 2))
        ratios = variances / np.array([self.spreads[key] for key in self.keys])[seen]
        density = np.asarray(f_law.logpdf(ratios, df, SPREAD_DFS[:, None]))
        return np.asarray(density.sum(axis=1))

    @cached_property
    def spread_df(self) -> float:
        """How sure a cell's spread is for one of its sets, in degrees of freedom."""
        likely = np.exp(self.spread_evidence - self.spread_evidence.max())
        return float(np.exp(likely @ np.log(SPREAD_DFS) / likely.sum()))

    @cached_property
    def cells(self) -> dict[object, Cell]:
        """The cells, by size (or a number of its own where that is unknown)."""
        means = np.array([float(one.log_convergence.mean()) for one in self.sets])
        own = np.array([self.spreads[key] for key in self.keys])
        df = self._runs - 1
        sampling = (self.spread_df * own + self._squares) / (self.spread_df + df) / self._runs
        found = {}
        for key in dict.fromkeys(self.keys):
            member = self._members(key)
            lineages = [one.lineage for one, inside in zip(self.sets, member, strict=True) if inside]
            size = key if isinstance(key, float) else math.nan
            found[key] = cell(size, self.spreads[key], means[member], sampling[member], lineages)
        return found

    @cached_property
    def lines(self) -> list[TimeLine]:
        """Log time on log convergence in each set that has enough runs."""
        return [line for one in self.sets if (line := time_line(one)) is not None]

    @property
    def informative(self) -> bool:
        """Whether any set has two runs, without which nothing can be said of spreads."""
        return bool((self._runs > 1).any())


def pool(sets: Sequence[ConvergedRuns], step: float) -> Pool:
    """The pool of these sets, less those that cannot lend strength.

    Left out, with the code that says why: sets whose convergence is constant while their times vary, and sets
    whose unit must be another (``UNIT_FACTOR`` times off the median of three or more sets of one size).

    Args:
        sets: Sets of one round; no run twice.
        step: Typical gap of the evaluation grid as a fraction of the work, above 0.
    """
    check_step(step)
    typical = typical_spread(sets)
    left_out, kept = [], []
    medians = _medians_by_size(sets)
    for one in sets:
        median = medians.get(one.size, math.nan)
        if convergence_is_constant(one, typical):
            left_out.append(LeftOut(one.label, codes.CONVERGENCE_CONSTANT))
        elif abs(float(one.log_convergence.mean()) - median) > math.log(UNIT_FACTOR):
            left_out.append(LeftOut(one.label, codes.CONVERGENCE_UNIT_DOUBTFUL))
        else:
            kept.append(one)
    return Pool(tuple(kept), tuple(left_out), step)


def _medians_by_size(sets: Sequence[ConvergedRuns]) -> dict[float, float]:
    means: dict[float, list[float]] = {}
    for one in sets:
        if not math.isnan(one.size):
            means.setdefault(one.size, []).append(float(one.log_convergence.mean()))
    return {size: float(np.median(some)) for size, some in means.items() if len(some) >= _FEWEST_FOR_UNIT}
