"""A pool: the sets of runs of one round that may lend each other strength, summarised once."""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln

from mlperf_stats.stats import codes
from mlperf_stats.stats.cells import Cell, cell
from mlperf_stats.stats.converged_runs import (
    ConvergedRuns,
    LendingRuns,
    ReferenceRuns,
    TimeLine,
    check_step,
    convergence_is_constant,
    typical_spread,
)
from mlperf_stats.stats.effect_grids import LINEAGE_KERNEL, LINEAGE_PRIOR, SET_PRIOR
from mlperf_stats.stats.outlying_sets import UNIT_FACTOR
from mlperf_stats.stats.sample import FloatArray
from mlperf_stats.stats.size_law import CellMean

_SPREAD_WEIGHT = 5.0
"""Degrees of freedom that the pool's spread is worth in each cell's; 2 to 10 are about equally likely."""

SPREAD_DFS = np.array([2.0, 4.0, 8.0, 16.0, 32.0, 64.0])
"""How alike the sets of a cell may be in spread, as degrees of freedom of a scaled inverse χ² law."""

_FEWEST_FOR_UNIT = 3
_LOG_PRIOR = np.log(SET_PRIOR)[:, None] + np.log(LINEAGE_PRIOR)

CellKey = Hashable


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A set that lends nothing, and the warning code that says why."""

    label: str
    code: str


@dataclass(frozen=True, eq=False)
class Pool:
    """Sets of one round; build it with :func:`pool`."""

    sets: tuple[ConvergedRuns, ...]
    """Those that lend strength."""
    left_out: tuple[LeftOut, ...]
    step: float
    """Gap of the evaluation grid as a fraction of the work."""
    references: tuple[ReferenceRuns, ...] = ()
    """Runs without times, which lend their convergence."""
    whole: Pool | None = None
    """The pool that this one is without a few sets of, see :meth:`without`."""
    predictions: dict[Hashable, tuple[float, float] | None] = field(
        default_factory=dict, init=False, repr=False
    )
    """Of cells from all others, kept for the next set of the same cell."""
    _scale_evidence: dict[CellKey, FloatArray] = field(default_factory=dict, init=False, repr=False)

    def without(self, labels: Collection[str]) -> Pool:
        """The pool without some sets, their cells remade, what is common to all sets and cells kept.

        The common part is the pool's spread and how alike sets are in it: a few numbers from hundreds of
        runs. Where not even these may know a set, make a pool of the other sets instead.
        """
        kept = tuple(one for one in self.sets if one.label not in labels)
        left_out = tuple(one for one in self.left_out if one.label not in labels)
        return Pool(kept, left_out, self.step, self.references, whole=self.whole or self)

    @cached_property
    def lending(self) -> tuple[LendingRuns, ...]:
        """All that lends convergence."""
        return (*self.references, *self.sets)

    @cached_property
    def keys(self) -> list[CellKey]:
        """The cell of each set; sets of unknown size are cells of their own."""
        return [("unknown", id(one)) if math.isnan(one.size) else one.size for one in self.lending]

    @cached_property
    def members(self) -> dict[CellKey, list[int]]:
        """Numbers of the sets of each cell."""
        found: dict[CellKey, list[int]] = {}
        for number, key in enumerate(self.keys):
            found.setdefault(key, []).append(number)
        return found

    @cached_property
    def _runs(self) -> FloatArray:
        return np.array([one.n for one in self.lending], dtype=np.float64)

    @cached_property
    def _squares(self) -> FloatArray:
        return np.array([one.sum_of_squares for one in self.lending])

    def floor(self, runs: float) -> float:
        """Least variance that ``runs`` runs at one point leave possible.

        By the rule of succession a further run stops a step earlier, or later, with a chance of 1/(runs + 2)
        each: runs on a grid that tie are evidence of little variance, not of none.
        """
        return 2 * self.step**2 / (runs + 2)

    @cached_property
    def spread(self) -> float:
        """Variance of log convergence within a set, over all sets."""
        if self.whole is not None:
            return self.whole.spread
        df = float(self._runs.sum() - len(self.lending))
        pooled = float(self._squares.sum()) / df if df > 0 else 0.0
        return max(pooled, self.floor(float(self._runs.sum())))

    @cached_property
    def spreads(self) -> dict[CellKey, float]:
        """The same by cell, drawn towards the pool's."""
        found = {}
        for key, member in self.members.items():
            runs = self._runs[member]
            drawn = (self._squares[member].sum() + _SPREAD_WEIGHT * self.spread) / (
                (runs - 1).sum() + _SPREAD_WEIGHT
            )
            found[key] = max(float(drawn), self.floor(float(runs.sum())))
        return found

    @cached_property
    def spread_evidence(self) -> FloatArray:
        """Log likelihood of :data:`SPREAD_DFS`: how far the sets of a cell differ in spread."""
        df = self._runs - 1
        seen: NDArray[np.bool_] = df > 0
        if not seen.any():
            return np.zeros(SPREAD_DFS.size)
        df, runs = df[seen], self._runs[seen]
        variances = np.maximum(self._squares[seen] / df, 2 * self.step**2 / (runs + 2))
        ratios = variances / np.array([self.spreads[key] for key in self.keys])[seen]
        return np.asarray(_log_f(ratios, df, SPREAD_DFS[:, None]).sum(axis=1))

    @cached_property
    def spread_df(self) -> float:
        """How sure a cell's spread is for one of its sets, in degrees of freedom."""
        if self.whole is not None:
            return self.whole.spread_df
        likely = np.exp(self.spread_evidence - self.spread_evidence.max())
        return float(np.exp(likely @ np.log(SPREAD_DFS) / likely.sum()))

    @cached_property
    def remade(self) -> frozenset[CellKey]:
        """Cells that the pool has otherwise than the whole pool that it is a part of."""
        if self.whole is None:
            return frozenset()
        return frozenset(
            key for key, member in self.whole.members.items() if len(self.members.get(key, ())) != len(member)
        )

    @cached_property
    def cells(self) -> dict[CellKey, Cell]:
        """The cells, by size (or a key of their own where that is unknown)."""
        return {
            key: self.whole.cells[key]
            if self.whole is not None and key not in self.remade
            else self._cell(key, member)
            for key, member in self.members.items()
        }

    def _cell(self, key: CellKey, member: list[int]) -> Cell:
        sets = [self.lending[number] for number in member]
        means = np.array([one.mean_convergence for one in sets])
        runs = self._runs[member]
        own = self.spread_df * self.spreads[key] + self._squares[member]
        sampling = own / (self.spread_df + runs - 1) / runs
        return cell(sets[0].size, self.spreads[key], means, sampling, [one.lineage for one in sets])

    @cached_property
    def cell_means(self) -> dict[CellKey, CellMean]:
        """What each cell's own sets tell of its mean, the scales of effects being those of the pool."""
        posterior = scales(self, [])
        return {
            key: self.whole.cell_means[key]
            if self.whole is not None and key not in self.remade
            else CellMean(one.size, *one.summary(posterior))
            for key, one in self.cells.items()
        }

    def scale_evidence(self, without: CellKey = None) -> FloatArray:
        """Log likelihood of the scales, (R, Q), from all cells, or all but one."""
        if self.whole is not None and self.remade <= {without}:
            return self.whole.scale_evidence(without)
        if without not in self._scale_evidence:
            total = np.zeros((SET_PRIOR.size, LINEAGE_PRIOR.size))
            for key, one in self.cells.items():
                if key != without and one.scale_likelihood is not None:
                    total += one.scale_likelihood
            self._scale_evidence[without] = total
        return self._scale_evidence[without]

    @cached_property
    def lines(self) -> list[TimeLine]:
        """Log time on log convergence in each set that has enough runs."""
        return [one.line for one in self.sets if one.line is not None]

    @property
    def informative(self) -> bool:
        """Whether any set has two runs, without which nothing can be said of spreads."""
        return bool((self._runs > 1).any())


def scales(home: Pool, away: Sequence[Pool], without: CellKey = None) -> FloatArray:
    """How likely each pair of scales is for a cell of the benchmark, (R, Q), from all cells or all but one.

    ``without``: a cell of ``home``.
    """
    log_posterior = _LOG_PRIOR + home.scale_evidence(without)
    for one in away:
        log_posterior = log_posterior + one.scale_evidence()
    posterior = np.exp(log_posterior - log_posterior.max())
    # From the benchmark's lineage scale to a cell's; the set scale stays the benchmark's down to the groups.
    return np.asarray(posterior @ LINEAGE_KERNEL / posterior.sum())


def _log_f(ratio: FloatArray, df: FloatArray, prior_df: FloatArray) -> FloatArray:
    """Log density of the F law with ``df`` and ``prior_df`` degrees of freedom."""
    return np.asarray(
        df / 2 * np.log(df / prior_df)
        + (df / 2 - 1) * np.log(ratio)
        - (df + prior_df) / 2 * np.log1p(df * ratio / prior_df)
        - betaln(df / 2, prior_df / 2)
    )


def pool(sets: Sequence[ConvergedRuns], step: float, references: Sequence[ReferenceRuns] = ()) -> Pool:
    """The pool of these sets, less those that cannot lend strength.

    Left out, with the code that says why: sets whose convergence is constant while their times vary, and sets
    whose unit must be another (``UNIT_FACTOR`` times off the median of three or more sets of one size).

    Args:
        sets: Sets of one round; no run twice; labels that tell them apart.
        step: Typical gap of the evaluation grid as a fraction of the work, above 0.
        references: Runs of a reference implementation, whose times are not known.

    Raises StatisticsError (``step``).
    """
    step = check_step(step)
    typical = typical_spread(sets)
    medians = _medians_by_size([*references, *sets])

    def other_unit(one: LendingRuns) -> bool:
        return abs(one.mean_convergence - medians.get(one.size, math.nan)) > math.log(UNIT_FACTOR)

    left_out, kept = [], []
    for one in sets:
        if convergence_is_constant(one, typical):
            left_out.append(LeftOut(one.label, codes.CONVERGENCE_CONSTANT))
        elif other_unit(one):
            left_out.append(LeftOut(one.label, codes.CONVERGENCE_UNIT_DOUBTFUL))
        else:
            kept.append(one)
    doubtful = [LeftOut(one.label, codes.CONVERGENCE_UNIT_DOUBTFUL) for one in references if other_unit(one)]
    lending = tuple(one for one in references if not other_unit(one))
    return Pool(tuple(kept), (*doubtful, *left_out), step, lending)


def _medians_by_size(sets: Sequence[LendingRuns]) -> dict[float, float]:
    means: dict[float, list[float]] = {}
    for one in sets:
        if not math.isnan(one.size):
            means.setdefault(one.size, []).append(one.mean_convergence)
    return {size: float(np.median(some)) for size, some in means.items() if len(some) >= _FEWEST_FOR_UNIT}
