"""Would this result be sent back? — what the rules and the official package checker ask of one result."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from mlperf_stats.analysis.check_findings import Finding, Severity
from mlperf_stats.analysis.check_reference import reference_findings
from mlperf_stats.analysis.check_score import score_finding
from mlperf_stats.errors import InputError
from mlperf_stats.model import RunStatus
from mlperf_stats.rules.selection import select
from mlperf_stats.rules.suite import LOCAL_ROUND, Benchmark, canonical_benchmark, rounds, rules_for, suite
from mlperf_stats.store.queries import StoredResult, StoredRun
from mlperf_stats.text.numbers import plural

_CHECKED_SINCE = "1.0"
"""First round with reference convergence points and a seed check."""


def rule_findings(
    result: StoredResult, runs: Sequence[StoredRun], step: float | None = None
) -> Iterator[Finding]:
    """Everything about one result that a review of its files alone would say.

    ``step``: gap between the evaluations of its runs; intervals of runs that tie need it.
    """
    rules = rules_for(result.round, result.benchmark, len(runs))
    present = [run for run in runs if run.status != RunStatus.ABSENT]
    found = [
        *_benchmark(result),
        *(_count(result, rules, runs) if rules.round != LOCAL_ROUND else ()),
        *_readable(result, present),
        *_converged(result, rules, present),
        *_batch_sizes(result, present),
        *_seeds(result, present),
        *_duplicates(result, present),
    ]
    if result.division != "open" and len(present) == len(runs):
        found += reference_findings(result, present, {entry.code for entry in found})
    yield from found
    if any(entry.code == "benchmark-unknown" for entry in found):
        return  # Without the benchmark's rules nobody knows what its score is the mean of.
    refused = any(entry.severity is Severity.REJECTED for entry in found)
    yield from score_finding(result, rules, runs, step, refused=refused)


def described(results: Iterable[StoredResult]) -> Iterator[Finding]:
    """Systems of submissions without a description that can be read, each named with its first result."""
    systems: dict[tuple[str, ...], list[StoredResult]] = {}
    for result in results:
        systems.setdefault((result.round, result.submitter, result.entry, result.system), []).append(result)
    for of_system in systems.values():
        first, number = of_system[0], len(of_system)
        unreadable = any(problem.code == "system-unreadable" for problem in first.system_problems)
        if first.round == LOCAL_ROUND or (first.description_path and not unreadable):
            continue
        state = "cannot be read" if first.description_path else "is missing"
        yield Finding(
            first.result_id,
            Severity.LOOK,
            "system-unreadable" if first.description_path else "system-missing",
            f"systems/{first.system}.json {state}; {number} result{'s are' if number > 1 else ' is'} "
            "on this system",
            "File the system's description; a review asks for it.",
            size=number,
        )


def _benchmark(result: StoredResult) -> Iterator[Finding]:
    if result.round == LOCAL_ROUND or canonical_benchmark(result.round, result.benchmark) is not None:
        return
    names = ", ".join(sorted(suite(result.round).benchmarks))
    yield Finding(
        result.result_id, Severity.REJECTED, "benchmark-unknown",
        f"round {result.round} has no benchmark {result.benchmark!r}; it has: {names}",
        "Check the round and the folder's name; no rule of the benchmark was applied.",
    )  # fmt: skip


def _count(result: StoredResult, rules: Benchmark, runs: Sequence[StoredRun]) -> Iterator[Finding]:
    if len(runs) < rules.runs and rules.first_converged is None:
        yield Finding(
            result.result_id, Severity.REJECTED, "too-few-runs",
            f"{plural(len(runs), 'run')} filed, {rules.runs} asked for",
            f"Measure {rules.runs - len(runs)} more.",
        )  # fmt: skip
    elif len(runs) > rules.runs:
        yield Finding(
            result.result_id, Severity.REJECTED, "extra-runs",
            f"{plural(len(runs), 'run')} filed, exactly {rules.runs} asked for", _window(rules, runs),
        )  # fmt: skip


def _window(rules: Benchmark, runs: Sequence[StoredRun]) -> str:
    """Which of too many runs the rule takes, copies left out."""
    seen: set[str] = set()
    distinct: list[StoredRun] = []
    copies: list[StoredRun] = []
    for run in runs:
        (copies if run.content_hash in seen else distinct).append(run)
        seen |= {run.content_hash} - {""}
    first = f"Remove the copies first: {', '.join(map(_name, copies))}. " if copies else ""
    if len(distinct) < rules.runs:
        return f"{first}That leaves {len(distinct)} runs: measure {rules.runs - len(distinct)} more."
    if len(distinct) == rules.runs:
        return f"{first}The {rules.runs} runs that are left are the set to file."
    return first + _median_window(rules, distinct)


def _median_window(rules: Benchmark, runs: Sequence[StoredRun]) -> str:
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


def _readable(result: StoredResult, present: Sequence[StoredRun]) -> Iterator[Finding]:
    unreadable = [_name(run) for run in present if run.status == RunStatus.UNREADABLE]
    if unreadable:
        yield Finding(
            result.result_id, Severity.REJECTED, "run-unreadable",
            f"{', '.join(unreadable)}: no log of a run, of {len(present)} run files",
            "A log that cannot be read is no evidence, not even of a failure: file the log of the run.",
        )  # fmt: skip
    cut = [_name(run) for run in present if run.status == RunStatus.INCOMPLETE]
    if cut:
        yield Finding(
            result.result_id, Severity.LOOK, "run-incomplete",
            f"{', '.join(cut)}: no whole log of a run, of {len(present)} run files; counted as having missed "
            "the target",
            "See whether the run was killed, which the rules count as a failure, or its log cut off.",
        )  # fmt: skip


def _converged(result: StoredResult, rules: Benchmark, present: Sequence[StoredRun]) -> Iterator[Finding]:
    missed = [run for run in present if run.status != RunStatus.CONVERGED]
    if all(run.status == RunStatus.UNREADABLE for run in missed) and len(missed) <= rules.max_non_converged:
        return  # Nothing is forgiven there: a finding of its own says so.
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
    readable = [run for run in present if run.status != RunStatus.UNREADABLE]
    missing = sum(run.seed is None for run in readable)
    if missing:
        yield Finding(
            result.result_id, severity, "seeds-missing", f"{missing} of {len(readable)} runs log no seed",
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


def _name(run: StoredRun) -> str:
    return run.path.rpartition("/")[2]
