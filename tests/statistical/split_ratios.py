"""Ratios of published results, predicted from a few runs of each and judged by their other runs.

A pair are two results of one round, benchmark and division. From n runs of each the interval of the ratio is
made; it is widened, as every prediction must be, by the variance of the other runs' mean. What lends spread
is the rest of the round without both submitters.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from scipy.special import stdtrit

from mlperf_stats.analysis.lenders import Lender, Lenders
from mlperf_stats.stats.log_means import Borrowed, at_convergence, borrow, run_variances
from mlperf_stats.stats.pool import pool
from mlperf_stats.stats.sample import FloatArray
from mlperf_stats.store import open_snapshot

REPEATS = 20
FEWEST_RESULTS = 3
COLUMNS = (
    "as run",
    "as run, one batch size",
    "equal convergence",
    "equal convergence, median run",
    "equal convergence, slow runs counted",
)


@dataclass
class Tally:
    """Coverage and half-width of one reading."""

    covered: list[float]
    widths: list[FloatArray]

    def text(self) -> str:
        return f"{np.mean(self.covered):.3f} ±{100 * float(np.median(np.concatenate(self.widths))):.2f} %"


@dataclass(frozen=True)
class Draw:
    """REPEATS random orders of one result's runs; the first n are known."""

    lender: Lender
    time: FloatArray
    work: FloatArray


def split_ratios(runs: int) -> Iterator[str]:
    """A line per benchmark and one for all."""
    tallies: dict[tuple[str, str], Tally] = {}
    pairs: dict[str, int] = {}
    with open_snapshot() as store:
        for members, step in rounds_of(Lenders(store)):
            _judge_round(members, step, runs, tallies, pairs)
    pairs["ALL"] = sum(pairs.values())
    for column in COLUMNS:
        kept = [tally for (_, name), tally in tallies.items() if name == column]
        tallies["ALL", column] = Tally(
            [value for tally in kept for value in tally.covered], [w for tally in kept for w in tally.widths]
        )
    for name in [*sorted(name for name in pairs if name != "ALL"), "ALL"]:
        cells = [f"{c}: {tallies[name, c].text()}" for c in COLUMNS if (name, c) in tallies]
        yield f"{name:18} {pairs[name]:5} pairs   " + "   ".join(cells)


def rounds_of(lenders: Lenders) -> Iterator[tuple[Sequence[Lender], float]]:
    """The results of each round, workload and division whose convergence is usable, and their grid's step."""
    seen: set[tuple[str, str, str]] = set()
    for item in lenders.sets:
        members = lenders.of_round(item)
        key = (item.rules.workload, item.result.division, item.result.round)
        if key in seen or len(members) < FEWEST_RESULTS:
            continue
        seen.add(key)
        others = lenders.home_pool(item)
        if others is None:
            continue
        left_out = {one.label for one in pool([one.runs for one in members], others.step).left_out}
        yield [one for one in members if one.runs.label not in left_out], others.step


def _judge_round(
    members: Sequence[Lender],
    step: float,
    runs: int,
    tallies: dict[tuple[str, str], Tally],
    pairs: dict[str, int],
) -> None:
    draws = [_draw(one) for one in members if one.runs.n > runs]
    lent: dict[tuple[frozenset[str], float], Borrowed] = {}
    for first, second in combinations(draws, 2):
        both = frozenset((first.lender.submitter, second.lender.submitter))
        for one in (first, second):
            if (both, one.lender.runs.size) not in lent:
                others = [other.runs for other in members if other.submitter not in both]
                lent[both, one.lender.runs.size] = borrow(pool(others, step), one.lender.runs.size)
        borrowed = [lent[both, one.lender.runs.size] for one in (first, second)]
        if any(one.convergence is None for one in borrowed):
            continue
        name = first.lender.item.result.benchmark
        pairs[name] = pairs.get(name, 0) + 1
        judged = _as_run((first, second), borrowed, runs)
        _add(tallies, name, "as run", judged)
        if first.lender.runs.size == second.lender.runs.size:
            _add(tallies, name, "as run, one batch size", judged)
            mean, median = _at_equal_convergence((first, second), borrowed, runs)
            _add(tallies, name, "equal convergence", mean)
            _add(tallies, name, "equal convergence, median run", median)
            counted = [_with_slow_runs(one) for one in borrowed]
            mean, _ = _at_equal_convergence((first, second), counted, runs)
            _add(tallies, name, "equal convergence, slow runs counted", mean)


def _with_slow_runs(lent: Borrowed) -> Borrowed:
    """What is lent, with the residual that it has as run at equal convergence too."""
    return replace(lent, time=replace(lent.time, residual=lent.disturbed or lent.time.residual))


def _draw(one: Lender) -> Draw:
    rng = np.random.default_rng([1, zlib.crc32(one.runs.label.encode())])
    order = np.argsort(rng.random((REPEATS, one.runs.n)), axis=1)
    return Draw(one, one.runs.log_time[order], one.runs.log_convergence[order])


def _add(
    tallies: dict[tuple[str, str], Tally], name: str, column: str, judged: tuple[float, FloatArray]
) -> None:
    tally = tallies.setdefault((name, column), Tally([], []))
    tally.covered.append(judged[0])
    tally.widths.append(judged[1])


def _as_run(pair: Sequence[Draw], borrowed: Sequence[Borrowed], runs: int) -> tuple[float, FloatArray]:
    own, more, dfs, miss = [], [], [], np.zeros(REPEATS)
    for sign, draw, lent in zip((1, -1), pair, borrowed, strict=True):
        variance, df = run_variances(draw.time[:, :runs], draw.work[:, :runs], lent)
        own.append(variance / runs)
        more.append(variance * (1 / runs + 1 / (draw.time.shape[1] - runs)))
        dfs.append(df)
        miss += sign * (draw.time[:, :runs].mean(1) - draw.time[:, runs:].mean(1))
    return _judged(miss, own, more, dfs)


def _at_equal_convergence(
    pair: Sequence[Draw], borrowed: Sequence[Borrowed], runs: int
) -> tuple[tuple[float, FloatArray], tuple[float, FloatArray]]:
    """Judged by the mean of the other runs at the same convergence, and by their median."""
    own, more, dfs = [], [], []
    misses = np.zeros((2, REPEATS))
    at = sum(draw.work[:, :runs].mean(1) for draw in pair) / 2
    for sign, draw, lent in zip((1, -1), pair, borrowed, strict=True):
        found = at_convergence(draw.time[:, :runs], draw.work[:, :runs], lent, at)
        others = draw.time[:, runs:] + found.slopes[:, None] * (at[:, None] - draw.work[:, runs:])
        away = (at - draw.work[:, :runs].mean(1)) ** 2
        further = (draw.work[:, runs:].mean(1) - draw.work[:, :runs].mean(1)) ** 2
        slope_variance = np.divide(
            found.variances - found.residuals / runs, away, out=np.zeros_like(away), where=away > 0
        )
        own.append(found.variances)
        more.append(found.residuals * (1 / runs + 1 / others.shape[1]) + slope_variance * further)
        dfs.append(found.dfs)
        misses += sign * (found.means - np.stack([others.mean(1), np.median(others, axis=1)]))
    return _judged(misses[0], own, more, dfs), _judged(misses[1], own, more, dfs)


def _judged(
    miss: FloatArray, own: Sequence[FloatArray], more: Sequence[FloatArray], dfs: Sequence[FloatArray]
) -> tuple[float, FloatArray]:
    covered = np.abs(miss) <= _quantile(more, dfs)
    return float(covered.mean()), _quantile(own, dfs)


def _quantile(variances: Sequence[FloatArray], dfs: Sequence[FloatArray]) -> FloatArray:
    total = variances[0] + variances[1]
    df = total**2 / (variances[0] ** 2 / dfs[0] + variances[1] ** 2 / dfs[1])
    return np.asarray(stdtrit(df, 0.975) * np.sqrt(total))
