"""Logs into a results database: one transaction per submission, repeatable at will.

Ingesting the same files again changes nothing; a changed file replaces its run; what is wrong with
an input is counted and reported, never a reason to stop.
"""

from __future__ import annotations

import csv
import os
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from mlperf_stats.errors import InputError
from mlperf_stats.logs.sources import Limits, open_source
from mlperf_stats.logs.submissions import Plan, plan_input, read_submissions
from mlperf_stats.model import Problem, ResultLogs, Run, RunStatus, Submission, System
from mlperf_stats.rules.convergence import convergence
from mlperf_stats.rules.spelling import normalise_availability, normalise_division
from mlperf_stats.rules.suite import canonical_benchmark, normalise_round, rules_for
from mlperf_stats.store.database import Store
from mlperf_stats.store.schema import EVALUATION_COLUMNS, RUN_COLUMNS, SUBMISSION_COLUMNS

_WORST_KEPT = 20
_RESULT_COLUMNS = "result_id, submission_key, benchmark, folder, path, scaling_factor, problems"


@dataclass(frozen=True, slots=True)
class IngestProgress:
    """How far an ingest has come."""

    bytes_done: int
    bytes_total: int
    label: str


@dataclass
class IngestReport:
    """What an ingest found and did."""

    submissions: int = 0
    results: int = 0
    runs: int = 0
    added: int = 0
    replaced: int = 0
    unchanged: int = 0
    ignored_files: int = 0
    """Files that are no run file, system description, scaling or power log."""
    runs_by_status: Counter[str] = field(default_factory=Counter)
    runs_by_round: Counter[str] = field(default_factory=Counter)
    problems_by_code: Counter[str] = field(default_factory=Counter)
    skipped_members: Counter[str] = field(default_factory=Counter)
    """Archive members that were not looked at, by reason."""
    worst: list[tuple[str, str, str]] = field(default_factory=list)
    """(path, code, detail) of inputs that cost a run or a system, most serious first."""


_SERIOUS = {
    "file-unreadable": 0,
    "no-marks": 1,
    "run-start-missing": 2,
    "run-stop-missing": 3,
    "stop-before-start": 4,
    "line-unparsable": 5,
    "status-unknown": 6,
    "system-unreadable": 7,
    "system-missing": 8,
    "scaling-unreadable": 9,
    "power-log-unsound": 10,
    "benchmark-unknown": 11,
}


def ingest(
    store: Store,
    paths: Sequence[str | os.PathLike[str]],
    *,
    round: str | None = None,
    manifest: str | os.PathLike[str] | None = None,
    limits: Limits | None = None,
    on_progress: Callable[[IngestProgress], None] | None = None,
) -> IngestReport:
    """Read results repositories (folders, zips, tars) into the store.

    Args:
        store: Open for writing.
        paths: Inputs; each may hold several rounds.
        round: The round of all inputs; None reads it from each path.
        manifest: CSV file with lines ``round,path`` of files that were published; those that an
            input should hold but does not become runs with status ``absent``.
        limits: What an input may cost.
        on_progress: Called after every file.

    Raises:
        InputError: a path or the manifest cannot be used; nothing was changed by that input.
        RoundUnknownError: the round can be told neither from ``round`` nor from the path.
        DatabaseError: the database cannot be written; submissions before that are in it.
    """
    if not paths:
        raise InputError("nothing to ingest: name a folder or archive with <submitter>/results")
    round_ = normalise_round(round) if round else None
    absent = read_manifest(manifest) if manifest else ()
    # Every input is listed and placed before the first write, so that a wrong path changes nothing.
    plans = [plan_input(open_source(path, limits), round_) for path in paths]
    report = IngestReport()
    total = sum(plan.total_bytes for plan in plans)
    done_before = 0
    for plan in plans:
        _ingest_plan(store, plan, absent, report, _relay(on_progress, done_before, total, plan))
        done_before += plan.total_bytes
    report.worst.sort(key=lambda item: (_SERIOUS[item[1]], item[0]))
    del report.worst[_WORST_KEPT:]
    return report


def _relay(
    on_progress: Callable[[IngestProgress], None] | None, before: int, total: int, plan: Plan
) -> Callable[[int, int], None] | None:
    if on_progress is None:
        return None
    label = plan.source.root.name
    return lambda done, _: on_progress(IngestProgress(before + done, total, label))


def read_manifest(path: str | os.PathLike[str]) -> tuple[tuple[str, str], ...]:
    """The (round, path) lines of a manifest, with or without a header.

    Raises:
        InputError: the file cannot be read or has other lines.
    """
    try:
        with open(path, encoding="utf-8", newline="") as file:
            lines = [row for row in csv.reader(file) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read as a manifest ({error})") from error
    if lines and lines[0][:2] == ["round", "path"]:
        del lines[0]
    if any(len(row) != 2 for row in lines):
        raise InputError(f"{path}: a manifest has lines 'round,path', this file has others")
    return tuple((normalise_round(row[0]), row[1]) for row in lines)


def _ingest_plan(
    store: Store,
    plan: Plan,
    absent: Iterable[tuple[str, str]],
    report: IngestReport,
    on_progress: Callable[[int, int], None] | None,
) -> None:
    report.ignored_files += plan.ignored_files
    for submission in read_submissions(plan, absent, on_progress):
        counts: Counter[str] = Counter()
        with store.transaction() as connection:
            _Writer(connection, counts).write(submission)
        _count(report, submission, counts)
    report.skipped_members.update(plan.source.skipped)


def _count(report: IngestReport, submission: Submission, counts: Counter[str]) -> None:
    report.submissions += 1
    report.added += counts["added"]
    report.replaced += counts["replaced"]
    report.unchanged += counts["unchanged"]
    _note(report, submission.system.path or submission.system_folder, submission.system.problems)
    for logs in submission.results:
        report.results += 1
        _note(report, logs.path, logs.problems)
        for run in logs.runs:
            report.runs += 1
            report.runs_by_status[run.status] += 1
            report.runs_by_round[submission.round] += 1
            _note(report, run.path, run.problems)


def _note(report: IngestReport, path: str, problems: Iterable[Problem]) -> None:
    for problem in problems:
        report.problems_by_code[problem.code] += problem.count
        if problem.code in _SERIOUS:
            report.worst.append((path, problem.code, problem.detail))


def result_id(submission: Submission, benchmark: str) -> str:
    """``<round>/<submitter>/<system>/<benchmark>``, in v0.5 with the entry after the submitter."""
    parts = (submission.round, submission.submitter, submission.entry, submission.system_folder, benchmark)
    return "/".join(part for part in parts if part)


class _Writer:
    """Writes one submission inside an open transaction."""

    def __init__(self, connection: sqlite3.Connection, counts: Counter[str]) -> None:
        self._connection = connection
        self._counts = counts

    def write(self, submission: Submission) -> None:
        submission_key = self._write_submission(submission)
        taken: set[str] = set()
        for logs in submission.results:
            name = canonical_benchmark(submission.round, logs.benchmark) or logs.benchmark
            if name in taken:
                name = logs.benchmark  # 'mask' and 'maskrcnn' side by side: both stay visible
            taken.add(name)
            changed = self._write_result(submission, submission_key, logs, name)
            if changed:
                self._forget_summaries(submission.round, name)

    def _write_submission(self, submission: Submission) -> int:
        row = _submission_row(submission)
        assignments = ", ".join(f"{name} = excluded.{name}" for name in SUBMISSION_COLUMNS[4:])
        return int(
            self._connection.execute(
                f"INSERT INTO submissions ({', '.join(SUBMISSION_COLUMNS)}) VALUES ({_marks(row)}) "
                f"ON CONFLICT (round, submitter, entry, system) DO UPDATE SET {assignments} "
                "RETURNING submission_key",
                row,
            ).fetchone()[0]
        )

    def _write_result(self, submission: Submission, submission_key: int, logs: ResultLogs, name: str) -> bool:
        """Write a result with its runs; True if that changed anything."""
        problems = list(logs.problems)
        if canonical_benchmark(submission.round, logs.benchmark) is None:
            problems.append(
                Problem("benchmark-unknown", f"round {submission.round} has no {logs.benchmark!r}")
            )
        row = (
            result_id(submission, name),
            submission_key,
            name,
            logs.folder,
            logs.path,
            logs.scaling_factor,
            _encoded(problems),
        )
        before = self._connection.execute(
            f"SELECT {_RESULT_COLUMNS} FROM results WHERE result_id = ?",
            row[:1],
        ).fetchone()
        result_key = int(
            self._connection.execute(
                f"INSERT INTO results ({_RESULT_COLUMNS}) VALUES ({_marks(row)}) "
                "ON CONFLICT (result_id) DO UPDATE SET folder = excluded.folder, path = excluded.path, "
                "scaling_factor = excluded.scaling_factor, problems = excluded.problems "
                "RETURNING result_key",
                row,
            ).fetchone()[0]
        )
        changed = before is None or before != row
        rules = rules_for(submission.round, name, len(logs.runs))
        known = self._known_runs(result_key)
        for run in logs.runs:
            point, unit = convergence(run.evaluations, rules, run.train_samples)
            changed |= self._write_run(result_key, _run_row(run, point, unit), run, known.get(run.path))
        return changed

    def _known_runs(self, result_key: int) -> dict[str, tuple[int, tuple[Any, ...]]]:
        rows = self._connection.execute(
            f"SELECT run_key, {', '.join(RUN_COLUMNS)} FROM runs WHERE result_key = ?", (result_key,)
        )
        return {row[1]: (row[0], row[1:]) for row in rows}

    def _write_run(
        self, result_key: int, row: tuple[Any, ...], run: Run, known: tuple[int, tuple[Any, ...]] | None
    ) -> bool:
        if known is not None and (known[1] == row or run.status is RunStatus.ABSENT):
            self._counts["unchanged"] += 1
            return False
        if known is None:
            self._counts["added"] += 1
            run_key = self._connection.execute(
                f"INSERT INTO runs (result_key, {', '.join(RUN_COLUMNS)}) VALUES (?, {_marks(row)})",
                (result_key, *row),
            ).lastrowid
        else:
            self._counts["replaced"] += 1
            run_key = known[0]
            self._connection.execute("DELETE FROM evaluations WHERE run_key = ?", (run_key,))
            assignments = ", ".join(f"{name} = ?" for name in RUN_COLUMNS)
            self._connection.execute(f"UPDATE runs SET {assignments} WHERE run_key = ?", (*row, run_key))
        self._connection.executemany(
            f"INSERT INTO evaluations (run_key, {', '.join(EVALUATION_COLUMNS)}) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                (run_key, number, item.elapsed_ms, item.point, item.value, item.metric, item.after_stop)
                for number, item in enumerate(run.evaluations)
            ),
        )
        return True

    def _forget_summaries(self, round_: str, benchmark: str) -> None:
        """Estimates borrow from results of the same round and benchmark: all of them are stale now."""
        self._connection.execute(
            "DELETE FROM summaries WHERE result_key IN (SELECT result_key FROM results "
            "JOIN submissions USING (submission_key) WHERE round = ? AND benchmark = ?)",
            (round_, benchmark),
        )


def _submission_row(submission: Submission) -> tuple[Any, ...]:
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
        _encoded(_system_problems(system)),
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


def _run_row(run: Run, convergence_point: float | None, convergence_unit: str) -> tuple[Any, ...]:
    progress_unit = next((item.unit for item in run.evaluations if item.unit), "")
    return (
        run.path,
        str(run.status),
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
        _encoded(run.problems),
    )


def _encoded(problems: Iterable[Problem]) -> str:
    rows = [(problem.code, problem.detail, problem.count) for problem in problems]
    return msgspec.json.encode(rows).decode() if rows else "[]"


def _marks(row: tuple[Any, ...]) -> str:
    return ", ".join("?" * len(row))
