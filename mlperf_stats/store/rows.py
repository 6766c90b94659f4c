"""Nouns to database rows: what of a submission goes into which column."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from mlperf_stats.model import Problem, Run, Submission, System
from mlperf_stats.rules.spelling import normalise_availability, normalise_division


def result_id(submission: Submission, benchmark: str) -> str:
    """``<round>/<submitter>/<system>/<benchmark>``, in v0.5 with the entry after the submitter."""
    parts = (submission.round, submission.submitter, submission.entry, submission.system_folder, benchmark)
    return "/".join(part for part in parts if part)


def submission_row(submission: Submission) -> tuple[Any, ...]:
    """Values of :data:`~mlperf_stats.store.schema.SUBMISSION_COLUMNS`."""
    system = submission.system
    return (
        submission.round,
        submission.submitter,
        submission.entry,
        submission.system_folder,
        system.name,
        normalise_division(system.division_as_filed) or _logged_division(submission),
        system.division_as_filed,
        normalise_availability(system.availability_as_filed),
        system.availability_as_filed,
        system.accelerator,
        system.accelerators,
        system.accelerators_per_node,
        system.nodes,
        system.host_processor,
        system.host_processors,
        system.framework,
        system.path,
        encoded(_system_problems(system)),
    )


def _system_problems(system: System) -> list[Problem]:
    problems = list(system.problems)
    if system.division_as_filed and not normalise_division(system.division_as_filed):
        problems.append(Problem("division-unknown", system.division_as_filed))
    if system.availability_as_filed and not normalise_availability(system.availability_as_filed):
        problems.append(Problem("availability-unknown", system.availability_as_filed))
    return problems


def _logged_division(submission: Submission) -> str:
    """The division that all logs agree on, for a description that names none."""
    logged = {normalise_division(run.logged_division) for logs in submission.results for run in logs.runs} - {
        ""
    }
    return logged.pop() if len(logged) == 1 else ""


def run_row(run: Run, convergence_point: float | None, convergence_unit: str) -> tuple[Any, ...]:
    """Values of :data:`~mlperf_stats.store.schema.RUN_COLUMNS`."""
    progress_unit = next((item.unit for item in run.evaluations if item.unit), "")
    return (
        run.path,
        run.status.value,
        run.start_ms,
        run.stop_ms,
        run.minutes,
        run.gbs,
        run.seed,
        run.train_samples,
        convergence_point,
        convergence_unit,
        progress_unit,
        run.energy_joules,
        run.grammar,
        run.logged_benchmark,
        run.logged_division,
        run.content_hash,
        run.size_bytes,
        encoded(run.problems),
    )


def evaluation_rows(run: Run, run_key: int) -> list[tuple[Any, ...]]:
    """``run_key`` and values of :data:`~mlperf_stats.store.schema.EVALUATION_COLUMNS`."""
    return [
        (run_key, number, elapsed_ms, point, value, metric, after_stop)
        for number, (elapsed_ms, point, value, metric, after_stop, _) in enumerate(run.evaluations)
    ]


def encoded(problems: Iterable[Problem]) -> str:
    """Problems as JSON: ``[[code, detail, count], …]``."""
    rows = [(problem.code, problem.detail, problem.count) for problem in problems]
    return msgspec.json.encode(rows).decode() if rows else "[]"
