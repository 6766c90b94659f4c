"""Would this result be sent back? — what the rules and the official package checker ask of one result."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from mlperf_stats.analysis.check_findings import Finding, Severity
from mlperf_stats.analysis.own_intervals import own_interval
from mlperf_stats.analysis.rcp import rcp_row
from mlperf_stats.analysis.summaries import DEFAULT_LEVEL
from mlperf_stats.errors import InputError
from mlperf_stats.model import RunStatus
from mlperf_stats.rules.rcp import Variant, Verdict
from mlperf_stats.rules.scoring import ScoreState, score
from mlperf_stats.rules.selection import select
from mlperf_stats.rules.suite import LOCAL_ROUND, Benchmark, rounds, rules_for
from mlperf_stats.store.queries import StoredResult, StoredRun

_CHECKED_SINCE = "1.0"
"""First round with reference convergence points and a seed check."""

_RCP_CODES = {Verdict.FAILED: "rcp-failed", Verdict.MISSING: "rcp-missing"}


def rule_findings(
    result: StoredResult, runs: Sequence[StoredRun], step: float | None = None
) -> Iterator[Finding]:
    """Everything about one result that a review of its files alone would say.

    ``step``: gap between the evaluations of its runs; intervals of runs that tie need it.
    """
    rules = rules_for(result.round, result.benchmark, len(runs))
    present = [run for run in runs if run.status != RunStatus.ABSENT]
    if rules.round != LOCAL_ROUND:
        yield from _count(result, rules, runs)
    yield from _converged(result, rules, present)
    yield from _batch_sizes(result, present)
    yield from _seeds(result, present)
    yield from _duplicates(result, present)
    if result.division != "open" and len(present) == len(runs):
        yield from _reference(result, present)
    yield from _score(result, rules, runs, step)


def _count(result: StoredResult, rules: Benchmark, runs: Sequence[StoredRun]) -> Iterator[Finding]:
    if len(runs) < rules.runs and rules.first_converged is None:
        yield Finding(
            result.result_id, Severity.REJECTED, "too-few-runs",
            f"{len(runs)} runs are filed, {rules.runs} are asked for",
            f"Measure {rules.runs - len(runs)} more.",
        )  # fmt: skip
    elif len(runs) > rules.runs:
        yield Finding(
            result.result_id, Severity.REJECTED, "extra-runs",
            f"{len(runs)} runs are filed, exactly {rules.runs} are asked for", _window(rules, runs),
        )  # fmt: skip


def _window(rules: Benchmark, runs: Sequence[StoredRun]) -> str:
    """Which of too many runs the rule takes."""
    try:
        chosen = select(
            [run.minutes for run in runs],
            [run.status for run in runs],
            [run.start_ms for run in runs],
            rules,
        ).window
    except InputError as error:
        return f"The window to file is not known: {error}."
    if chosen is None:
        return "Published runs are not at hand, so the window to file is not known."
    names = ", ".join(_name(runs[index]) for index in chosen.runs)
    return f"File the window of consecutive launches with the median score: {names}."


def _converged(result: StoredResult, rules: Benchmark, present: Sequence[StoredRun]) -> Iterator[Finding]:
    missed = [run for run in present if run.status != RunStatus.CONVERGED]
    if not missed or rules.first_converged is not None:
        return
    names = ", ".join(f"{_name(run)} ({run.status})" for run in missed)
    too_many = len(missed) > rules.max_non_converged
    yield Finding(
        result.result_id,
        Severity.REJECTED if too_many else Severity.NOTE,
        "invalid-nonconverged" if too_many else "nonconverged-dropped",
        f"{len(missed)} of {len(present)} runs did not reach the target: {names}; "
        f"the rules forgive {rules.max_non_converged}",
        "Repeat the whole set; single runs may not be replaced." if too_many else "",
    )


def _batch_sizes(result: StoredResult, present: Sequence[StoredRun]) -> Iterator[Finding]:
    sizes = Counter(run.gbs for run in present if run.gbs is not None)
    if len(sizes) > 1:
        counts = ", ".join(f"{number} × {size}" for size, number in sorted(sizes.items()))
        yield Finding(
            result.result_id, Severity.REJECTED, "mixed-gbs", f"runs differ in global batch size: {counts}",
            "File runs of one batch size.",
        )  # fmt: skip


def _seeds(result: StoredResult, present: Sequence[StoredRun]) -> Iterator[Finding]:
    refused = result.division == "closed" and _at_least(result.round, _CHECKED_SINCE)
    severity = Severity.REJECTED if refused else Severity.NOTE
    seeds = Counter(run.seed for run in present if run.seed is not None)
    repeated = [(seed, number) for seed, number in seeds.items() if number > 1]
    if repeated:
        seed, number = max(repeated, key=lambda item: item[1])
        yield Finding(
            result.result_id, severity, "seeds-repeated",
            f"{number} of {len(present)} runs have the seed {seed}", "Every run needs a seed of its own.",
        )  # fmt: skip
    missing = sum(run.seed is None for run in present)
    if missing and present:
        yield Finding(
            result.result_id, severity, "seeds-missing", f"{missing} of {len(present)} runs log no seed",
            "Log the seed of every run.",
        )  # fmt: skip


def _at_least(round_name: str, first: str) -> bool:
    order = rounds()
    return round_name in order and order.index(round_name) >= order.index(first)


def _duplicates(result: StoredResult, present: Sequence[StoredRun]) -> Iterator[Finding]:
    copies: dict[str, list[str]] = {}
    for run in present:
        if run.content_hash:
            copies.setdefault(run.content_hash, []).append(_name(run))
    for names in copies.values():
        if len(names) > 1:
            yield Finding(
                result.result_id, Severity.REJECTED, "duplicate-runs",
                f"{', '.join(names)} are byte-identical: one run filed {len(names)} times",
                "File every run once.",
            )  # fmt: skip


def _reference(result: StoredResult, present: Sequence[StoredRun]) -> Iterator[Finding]:
    row = rcp_row(result, present, Variant.OFFICIAL_CODE)
    if row["verdict"] in _RCP_CODES:
        figures = (
            ""
            if row["limit"] is None
            else f": {row['mean']:.7g}, the limit is {row['limit']:.7g} {row['unit']}s"
        )
        yield Finding(
            result.result_id, Severity.REJECTED, _RCP_CODES[row["verdict"]],
            f"the RCP test says {row['verdict']}{figures}", f"{row['note'].capitalize()}.",
        )  # fmt: skip
    elif row["normalisation"] > 1:
        yield Finding(
            result.result_id, Severity.NOTE, "rcp-normalised", f"converges {row['note']}",
            f"scaling.json holds {result.scaling_factor:.6g}.",
        )  # fmt: skip


def _score(
    result: StoredResult, rules: Benchmark, runs: Sequence[StoredRun], step: float | None
) -> Iterator[Finding]:
    """The score with its interval, where there is one."""
    scored = score(
        [run.minutes for run in runs],
        [run.status for run in runs],
        rules,
        result.scaling_factor,
        [run.start_ms for run in runs],
    )
    if scored.state is not ScoreState.VALID or scored.score_minutes is None:
        return
    converged = [run for run in runs if run.status == RunStatus.CONVERGED and run.minutes]
    interval = own_interval(
        [run.minutes for run in converged if run.minutes],
        "expected-score",
        rules,
        points={run.convergence_point for run in converged if run.convergence_point is not None},
        step=step,
        level=DEFAULT_LEVEL,
    )
    between = (
        ""
        if interval is None
        else (
            f"; sets like this one score {interval.low:.4g} to {interval.high:.4g} on average "
            f"({DEFAULT_LEVEL:.0%} interval of that average, unscaled)"
        )
    )
    yield Finding(
        result.result_id, Severity.FINE, "score", f"score {scored.score_minutes:.4g} minutes{between}"
    )


def _name(run: StoredRun) -> str:
    return run.path.rpartition("/")[2]
