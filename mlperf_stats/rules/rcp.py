"""The RCP test: a submission's convergence must not be better than the reference's.

Source: MLPerf Training rules, section "Reference Convergence Points" and its appendix of examples, and
the checker of ``mlperf-logging``. The two differ, so both are here by name (:class:`Variant`): the
rules' text takes the standard deviation over the values that are left after dropping the fastest and the
slowest, the checker over all values, and reads convergence rounded to three decimals.

:func:`exact_p_value` is neither: a rank test whose size is what it says, for readers and not for review.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from mlperf_stats.errors import InputError
from mlperf_stats.rules.rcp_data import ReferencePoint, ReferenceSet
from mlperf_stats.rules.suite import Benchmark, rounds

_OFFICIAL_DECIMALS = 3
_LENIENT = {"llama31_405b": ("5.0", 46_080.0)}
"""Benchmark → first round and how many samples below the limit are still accepted."""


class Variant(StrEnum):
    """Whose arithmetic."""

    RULES_TEXT = "rules-text"
    OFFICIAL_CODE = "official-code"


class Verdict(StrEnum):
    """The outcome of the test."""

    PASSED = "passed"
    FAILED = "failed"
    MISSING = "missing"
    """No reference point to test against: the submitter has to supply one."""
    NOT_CONVERGED = "not-converged"
    """More runs missed the target than the rules forgive, or nothing is left after dropping."""


class Basis(StrEnum):
    """Which reference point was used."""

    FOUND = "found"
    INTERPOLATED = "interpolated"
    SMALLEST = "smallest"
    """The batch is below all reference points; it is tested against the smallest, which is stricter."""
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Limit:
    """A reference point, measured or interpolated, and the limit that follows from it."""

    gbs: int
    mean: float
    """Mean of the reference's values without the fastest and slowest."""
    sd: float
    """Population standard deviation: without these (rules' text) or with them (official code)."""
    values: int
    """Reference values that the t test counts with."""
    minimum: float
    """The smallest mean that passes, leniency not counted."""
    leniency: float = 0.0

    @property
    def accepted_from(self) -> float:
        """The smallest mean that passes."""
        return self.minimum - self.leniency

    @property
    def max_speedup(self) -> float:
        """By what share convergence may be faster: reference mean ÷ smallest mean - 1."""
        return self.mean / self.accepted_from - 1 if self.accepted_from > 0 else math.inf


@dataclass(frozen=True, slots=True)
class RcpResult:
    """The verdict on one submission."""

    verdict: Verdict
    basis: Basis
    variant: Variant
    gbs: int
    mean: float | None
    """Olympic mean of the submission's convergence points; None if too few runs converged."""
    limit: Limit | None
    normalisation: float
    """Factor on the score: reference mean ÷ own mean where a pass was faster than the reference, else 1."""


def limits(references: ReferenceSet, variant: Variant, *, prune: bool = True) -> tuple[Limit, ...]:
    """The limit at every reference point, by global batch size; ``prune`` leaves out what may not be used."""
    every = [_measured(point, references.benchmark, variant) for point in references.points]
    return tuple(_pruned(every, references.benchmark) if prune else every)


def rcp_test(
    points: Sequence[float | None],
    gbs: int,
    references: ReferenceSet,
    variant: Variant = Variant.OFFICIAL_CODE,
    *,
    prune: bool = True,
) -> RcpResult:
    """Test the convergence of a submission.

    Args:
        points: Convergence point of each run in the references' unit; None where it missed the target.
        gbs: Global batch size of all runs.
        references: From :func:`mlperf_stats.rules.rcp_data.reference_set`.
        variant: Whose arithmetic.
        prune: Whether reference points that are slower than their neighbours suggest are left out, as
            reviews do.

    Raises:
        InputError: ``gbs`` or a point is not positive.
    """
    _check(points, gbs)
    mean = _olympic_mean(points, references.benchmark, variant)
    if mean is None:
        return RcpResult(Verdict.NOT_CONVERGED, Basis.NONE, variant, gbs, None, None, 1.0)
    basis, limit = limit_at(gbs, references, variant, prune=prune)
    if limit is None:
        return RcpResult(Verdict.MISSING, basis, variant, gbs, mean, None, 1.0)
    if mean < limit.accepted_from:
        verdict = Verdict.MISSING if basis is Basis.SMALLEST else Verdict.FAILED
        return RcpResult(verdict, basis, variant, gbs, mean, limit, 1.0)
    return RcpResult(Verdict.PASSED, basis, variant, gbs, mean, limit, max(1.0, limit.mean / mean))


def limit_at(
    gbs: int, references: ReferenceSet, variant: Variant = Variant.OFFICIAL_CODE, *, prune: bool = True
) -> tuple[Basis, Limit | None]:
    """The limit for a global batch size and where it comes from; None above all reference points."""
    known = limits(references, variant, prune=prune)
    for limit in known:
        if limit.gbs == gbs:
            return Basis.FOUND, limit
    below = [limit for limit in known if limit.gbs < gbs]
    above = [limit for limit in known if limit.gbs > gbs]
    if below and above:
        return Basis.INTERPOLATED, _interpolated(gbs, below[-1], above[0], references.benchmark)
    return (Basis.SMALLEST, above[0]) if above else (Basis.NONE, None)


def exact_p_value(points: Sequence[float | None], gbs: int, references: ReferenceSet) -> float | None:
    """Exact chance of convergence as fast as this if submission and reference had one law.

    A rank-sum test with the ties that the evaluation grid makes counted exactly; runs that missed the
    target rank slowest. Its size is at most the level whatever the law, which neither variant of the RCP
    test can say. None where the reference has no point at this batch size, or one that reviews prune:
    interpolated points have no runs to compare with.

    Raises:
        InputError: as :func:`rcp_test`, or there is no run.
    """
    from mlperf_stats.stats.rank_sum import rank_sum_p_value

    _check(points, gbs)
    if not points:
        raise InputError("no runs to test; name a result that has some")
    used = {limit.gbs for limit in limits(references, Variant.OFFICIAL_CODE)}
    for point in references.points:
        if point.gbs == gbs and gbs in used:
            own = [math.inf if value is None else round(value, _OFFICIAL_DECIMALS) for value in points]
            return rank_sum_p_value(own, [round(value, _OFFICIAL_DECIMALS) for value in point.values])
    return None


def _check(points: Sequence[float | None], gbs: int) -> None:
    if gbs <= 0:
        raise InputError(f"global batch size {gbs} is not positive; the logs must name one")
    for index, value in enumerate(points):
        if value is not None and not (math.isfinite(value) and value > 0):
            raise InputError(f"run {index}: convergence point {value} is not a positive number")


def _olympic_mean(points: Sequence[float | None], rules: Benchmark, variant: Variant) -> float | None:
    reached = sorted(value for value in points if value is not None)
    if variant is Variant.OFFICIAL_CODE:
        reached = [round(value, _OFFICIAL_DECIMALS) for value in reached]
    drop = rules.dropped_each_side
    missed = len(points) - len(reached)
    kept = reached[drop : len(points) - drop]
    if missed > rules.max_non_converged or not kept:
        return None
    return statistics.fmean(kept)


def _measured(point: ReferencePoint, rules: Benchmark, variant: Variant) -> Limit:
    drop = rules.dropped_each_side
    inner = point.values[drop : len(point.values) - drop]
    spread = inner if variant is Variant.RULES_TEXT else point.values
    return _limit(point.gbs, statistics.fmean(inner), statistics.pstdev(spread), len(inner), rules)


def _limit(gbs: int, mean: float, sd: float, values: int, rules: Benchmark) -> Limit:
    from mlperf_stats.stats.one_sided_mean import mean_limit

    # A reference run that took ten times as long as the others can put the limit below nothing at all.
    minimum = max(0.0, mean_limit(mean, sd, values, rules.runs - 2)) if sd else mean
    first, samples = _LENIENT.get(rules.name, ("", 0.0))
    order = rounds()
    lenient = bool(first) and order.index(rules.round) >= order.index(first)
    return Limit(gbs, mean, sd, values, minimum, samples if lenient else 0.0)


def _interpolated(gbs: int, low: Limit, high: Limit, rules: Benchmark) -> Limit:
    share = (gbs - low.gbs) / (high.gbs - low.gbs)
    mean = low.mean + share * (high.mean - low.mean)
    sd = low.sd + share * (high.sd - low.sd)
    return _limit(gbs, mean, sd, 2 * rules.runs, rules)


def _pruned(every: Sequence[Limit], rules: Benchmark) -> list[Limit]:
    """Drop batches below the fastest point, then points slower than their neighbours interpolate to.

    One pass from small to large batches, each point against what is left beside it, as the rules
    describe it: the outcome need not be convex.
    """
    fastest = min(every, key=lambda limit: limit.mean)
    left = [limit for limit in every if limit.gbs >= fastest.gbs]
    index = 1
    while index < len(left) - 1:
        between = _interpolated(left[index].gbs, left[index - 1], left[index + 1], rules)
        if left[index].mean > between.mean:
            del left[index]
        else:
            index += 1
    return left
