"""The score of a checked result with its interval, or why there is none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from mlperf_stats.analysis.check_findings import Finding, Severity
from mlperf_stats.analysis.own_intervals import own_interval
from mlperf_stats.analysis.summaries import DEFAULT_LEVEL
from mlperf_stats.model import RunStatus
from mlperf_stats.rules.scoring import Score, ScoreState, score
from mlperf_stats.rules.suite import LOCAL_ROUND, Benchmark
from mlperf_stats.store.queries import StoredResult, StoredRun
from mlperf_stats.text.numbers import plural

if TYPE_CHECKING:
    from mlperf_stats.stats.interval import Interval


def score_finding(
    result: StoredResult, rules: Benchmark, runs: Sequence[StoredRun], step: float | None, *, refused: bool
) -> Iterator[Finding]:
    """The score that a review would let stand, or that there is none; of a ``refused`` set what runs tell.

    ``step``: gap between the evaluations of the runs; intervals of runs that tie need it.
    """
    scored = score(
        [run.minutes for run in runs],
        [run.status for run in runs],
        rules,
        result.scaling_factor,
        [run.start_ms for run in runs],
    )
    if scored.state is ScoreState.INVALID and not refused:
        yield _invalid(result, rules, runs, scored)
    if scored.state is not ScoreState.VALID or scored.score_minutes is None:
        return
    between = _between(_interval(rules, runs, step), result.scaling_factor)
    if not refused:
        sentence = "; ".join(filter(None, (_score(scored), between)))
        yield Finding(result.result_id, Severity.FINE, "score", sentence)
    elif between:
        yield Finding(result.result_id, Severity.NOTE, "no-score", f"no official score; {between}")


def _invalid(result: StoredResult, rules: Benchmark, runs: Sequence[StoredRun], scored: Score) -> Finding:
    """No score, for a reason that no other finding names."""
    code = next(code for code in scored.warnings if code.startswith("invalid"))
    needed = max(rules.scored_runs, 2 * rules.dropped_each_side + 1)
    converged = sum(run.status == RunStatus.CONVERGED for run in runs)
    return Finding(
        result.result_id,
        Severity.NOTE if rules.round == LOCAL_ROUND else Severity.REJECTED,
        code,
        f"no score: {plural(len(runs), 'run')} filed, {converged} converged; a score takes {needed}",
        f"Measure more runs, until {needed} converge.",
    )


def _interval(rules: Benchmark, runs: Sequence[StoredRun], step: float | None) -> Interval | None:
    """Of the expected score; a run that was filed several times counts once."""
    converged = [run for run in runs if run.status == RunStatus.CONVERGED and run.minutes]
    distinct = list({run.identity or run.path: run for run in converged}.values())
    return own_interval(
        [run.minutes for run in distinct if run.minutes],
        "expected-score",
        rules,
        points={run.convergence_point for run in distinct if run.convergence_point is not None},
        step=step,
        level=DEFAULT_LEVEL,
    )


def _score(scored: Score) -> str:
    if scored.scaling_factor == 1:
        return f"score {scored.score_minutes:.4g} minutes"
    return (
        f"score {scored.score_minutes:.4g} minutes ({scored.olympic_minutes:.4g} before scaling by "
        f"{scored.scaling_factor:.6g})"
    )


def _between(interval: Interval | None, factor: float) -> str:
    """The interval on the scale of the score; empty where there is none."""
    if interval is None:
        return ""
    before = "" if factor == 1 else f"; {interval.low:.4g} to {interval.high:.4g} before scaling"
    return (
        f"sets like this one score {interval.low * factor:.4g} to {interval.high * factor:.4g} on average "
        f"({DEFAULT_LEVEL:.0%} interval of that average{before})"
    )
