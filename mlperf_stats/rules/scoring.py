"""The score of one benchmark: olympic means of time and energy, and the median of 2018.

Source: MLPerf Training rules, section "Benchmark Results", and what the official summarizer makes of
it where the text is silent (sets with more or fewer runs than asked for).
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from mlperf_stats.errors import InputError
from mlperf_stats.model import Run, RunStatus
from mlperf_stats.rules import codes
from mlperf_stats.rules.suite import Benchmark


class ScoreState(StrEnum):
    """Whether the rules give a score."""

    VALID = "valid"
    INVALID = "invalid"
    UNKNOWN = "unknown"
    """Runs are absent from the data at hand: nobody can tell from it."""


@dataclass(frozen=True, slots=True)
class Score:
    """A benchmark result and how it came about. Indices point into the runs as they were given."""

    score_minutes: float | None
    """The official benchmark result, scaling applied; None unless :attr:`state` is valid."""
    olympic_minutes: float | None
    """The same without scaling."""
    scaling_factor: float
    kept: tuple[int, ...]
    """Runs that the mean is over, fastest first."""
    dropped_fast: tuple[int, ...]
    dropped_slow: tuple[int, ...]
    """Slow and non-converged runs that were dropped, slowest last."""
    state: ScoreState
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MedianScore:
    """The median run result."""

    minutes: float | None
    state: ScoreState
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Field:
    """Runs sorted out: indices of those that count, by what became of them."""

    minutes: tuple[float, ...]
    """Time of each run; ∞ unless it converged."""
    converged: tuple[int, ...]
    """In the order given."""
    missed: tuple[int, ...]
    absent: tuple[int, ...]
    warnings: tuple[str, ...]

    @property
    def present(self) -> int:
        return len(self.converged) + len(self.missed)

    def by_time(self, indices: Iterable[int]) -> list[int]:
        return sorted(indices, key=self.minutes.__getitem__)


def score(
    minutes: Sequence[float | None],
    statuses: Sequence[RunStatus | str],
    benchmark: Benchmark,
    scaling_factor: float = 1.0,
    launched: Sequence[float | None] | None = None,
) -> Score:
    """Score the runs of one benchmark of one submission.

    With m runs to drop on each side, the m fastest and the m slowest are dropped and the mean of the
    rest is the score; d ≤ m non-converged runs are among the slowest. All runs that were filed enter,
    be they more or fewer than N (a warning says so). The v0.5 ncf rule first keeps, of the runs in
    order of launch, the 50 that converged first.

    Args:
        minutes: Time to train per run, shape (n,); None where there is none.
        statuses: How each run ended, shape (n,). All but ``converged`` count as non-converged, except
            ``absent``: then the score is unknown (unless it is invalid whatever the absent ones are).
        benchmark: The rules to apply.
        scaling_factor: Factor of the submission's ``scaling.json``.
        launched: Launch time per run in any unit, shape (n,); only order matters, only for v0.5 ncf.
            Without it the runs count as given in order of launch.

    Raises:
        InputError: lengths differ, a status is unknown or the factor is not a positive number.
    """
    field = _sort_out(minutes, statuses)
    if not (math.isfinite(scaling_factor) and scaling_factor > 0):
        raise InputError(f"{benchmark.name}: scaling factor {scaling_factor} is not a positive number")
    if benchmark.first_converged is None:
        return _olympic(field, benchmark, scaling_factor)
    return _first_converged(field, benchmark, scaling_factor, _launch_order(len(minutes), launched))


def score_runs(runs: Iterable[Run], benchmark: Benchmark, scaling_factor: float = 1.0) -> Score:
    """:func:`score` of runs as read from logs."""
    filed = tuple(runs)
    return score(
        [run.minutes for run in filed],
        [run.status for run in filed],
        benchmark,
        scaling_factor,
        [run.start_ms for run in filed],
    )


def median_score(minutes: Sequence[float | None], statuses: Sequence[RunStatus | str]) -> MedianScore:
    """The median of the runs, by which the rules of early 2018 wanted five runs summarised.

    Non-converged runs count as infinitely slow: the median is invalid if it falls on them. Of an even
    number of runs it is the mean of the middle two.

    Args:
        minutes, statuses: As for :func:`score`.

    Raises:
        InputError: lengths differ or a status is unknown.
    """
    field = _sort_out(minutes, statuses)
    if field.absent:
        return MedianScore(None, ScoreState.UNKNOWN, (*field.warnings, codes.UNKNOWN_ABSENT_RUNS))
    if not field.minutes:
        return MedianScore(None, ScoreState.INVALID, (codes.INVALID_TOO_FEW_RUNS,))
    median = statistics.median(field.minutes)
    if math.isinf(median):
        return MedianScore(None, ScoreState.INVALID, (*field.warnings, codes.INVALID_NONCONVERGED))
    return MedianScore(median, ScoreState.VALID, field.warnings)


def olympic_energy(energies: Sequence[float | None], score: Score) -> float | None:
    """Energy of a benchmark result: the mean over the runs that its score is the mean over.

    The runs left out are those dropped for their *time*. Like the score it carries the scaling
    factor, as in the official tables.

    Args:
        energies: Energy per run in joules, shape (n,), in the order of the scored runs.
        score: Score of the same runs.

    Returns:
        Joules; None if there is no score, or a run that counts has no energy.

    Raises:
        InputError: there are more scored runs than energies.
    """
    if score.state is not ScoreState.VALID:
        return None
    runs = max((*score.kept, *score.dropped_fast, *score.dropped_slow)) + 1
    if len(energies) < runs:
        raise InputError(f"{len(energies)} energies for {runs} scored runs; give one (or None) per run")
    kept = [energies[index] for index in score.kept]
    known = [energy for energy in kept if energy is not None]
    if len(known) < len(kept):
        return None
    return math.fsum(known) / len(known) * score.scaling_factor


def _sort_out(minutes: Sequence[float | None], statuses: Sequence[RunStatus | str]) -> _Field:
    """Validate the runs and tell them apart; the one door of every score."""
    if len(minutes) != len(statuses):
        raise InputError(f"{len(minutes)} times but {len(statuses)} statuses; give one of each per run")
    times: list[float] = []
    converged: list[int] = []
    missed: list[int] = []
    absent: list[int] = []
    timeless = False
    for index, (time, status) in enumerate(zip(minutes, statuses, strict=True)):
        try:
            known = RunStatus(status)
        except ValueError:
            names = ", ".join(RunStatus)
            raise InputError(
                f"run {index}: status {str(status)!r} is unknown; it is one of {names}"
            ) from None
        usable = time is not None and math.isfinite(time) and time > 0
        counts = known is RunStatus.CONVERGED and usable
        timeless |= known is RunStatus.CONVERGED and not usable
        times.append(float(time) if counts and time is not None else math.inf)
        (converged if counts else absent if known is RunStatus.ABSENT else missed).append(index)
    warnings = (codes.RUN_WITHOUT_TIME,) if timeless else ()
    return _Field(tuple(times), tuple(converged), tuple(missed), tuple(absent), warnings)


def _olympic(field: _Field, benchmark: Benchmark, scaling_factor: float) -> Score:
    drop = benchmark.dropped_each_side
    missed = len(field.missed)
    filed = field.present + len(field.absent)
    warnings = list(field.warnings)
    if filed > benchmark.runs:
        warnings.append(codes.EXTRA_RUNS)
    elif filed < benchmark.runs:
        warnings.append(codes.TOO_FEW_RUNS)
    if missed > benchmark.max_non_converged:
        return _none(ScoreState.INVALID, scaling_factor, [*warnings, codes.INVALID_NONCONVERGED])
    if field.absent:
        return _none(ScoreState.UNKNOWN, scaling_factor, [*warnings, codes.UNKNOWN_ABSENT_RUNS])
    if missed:
        warnings.append(codes.NONCONVERGED_DROPPED)
    return _mean_of_middle(field, field.converged, field.missed, drop, scaling_factor, warnings)


def _first_converged(
    field: _Field, benchmark: Benchmark, scaling_factor: float, order: tuple[list[int], bool]
) -> Score:
    """The rule of v0.5 ncf: runs that did not converge are passed over, not dropped as slow."""
    launched, certain = order
    started = launched[: benchmark.runs]
    warnings = list(field.warnings)
    if len(launched) > benchmark.runs:
        warnings.append(codes.EXTRA_RUNS)
    if field.absent:
        return _none(ScoreState.UNKNOWN, scaling_factor, [*warnings, codes.UNKNOWN_ABSENT_RUNS])
    if not certain:
        warnings.append(codes.LAUNCH_ORDER_UNKNOWN)
    converged = set(field.converged)
    counting = [index for index in started if index in converged][: benchmark.scored_runs]
    if len(counting) < benchmark.scored_runs:
        few = len(started) < benchmark.scored_runs
        reason = codes.INVALID_TOO_FEW_RUNS if few else codes.INVALID_NONCONVERGED
        return _none(ScoreState.INVALID, scaling_factor, [*warnings, reason])
    return _mean_of_middle(field, counting, (), benchmark.dropped_each_side, scaling_factor, warnings)


def _mean_of_middle(
    field: _Field,
    converged: Sequence[int],
    missed: Sequence[int],
    drop: int,
    scaling_factor: float,
    warnings: Sequence[str],
) -> Score:
    """Drop ``drop`` runs on each side, those that missed the target first, and average the others."""
    ordered = field.by_time(converged)
    end = len(ordered) - (drop - len(missed))
    kept = ordered[drop:end]
    if not kept:
        fewer = [code for code in warnings if code != codes.TOO_FEW_RUNS]
        return _none(ScoreState.INVALID, scaling_factor, [*fewer, codes.INVALID_TOO_FEW_RUNS])
    mean = math.fsum(field.minutes[index] for index in kept) / len(kept)
    return Score(
        score_minutes=mean * scaling_factor,
        olympic_minutes=mean,
        scaling_factor=scaling_factor,
        kept=tuple(kept),
        dropped_fast=tuple(ordered[:drop]),
        dropped_slow=(*ordered[end:], *missed),
        state=ScoreState.VALID,
        warnings=tuple(warnings),
    )


def _none(state: ScoreState, scaling_factor: float, warnings: Sequence[str]) -> Score:
    return Score(None, None, scaling_factor, (), (), (), state, tuple(warnings))


def _launch_order(runs: int, launched: Sequence[float | None] | None) -> tuple[list[int], bool]:
    """Indices of the runs in order of launch, and whether launch times say so.

    Raises:
        InputError: there are not as many launch times as runs.
    """
    if launched is None:
        return list(range(runs)), True
    if len(launched) != runs:
        raise InputError(f"{len(launched)} launch times for {runs} runs; give one (or None) per run")
    known = [time for time in launched if time is not None and math.isfinite(time)]
    if len(known) < runs:
        return list(range(runs)), False
    return sorted(range(runs), key=known.__getitem__), True
