"""Logs into a results database: one transaction per submission, repeatable at will.

Ingesting the same files again changes nothing; a changed file replaces its run; what is wrong with
an input is counted and reported, never a reason to stop.
"""

from __future__ import annotations

import contextlib
import csv
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from mlperf_stats.errors import InputError
from mlperf_stats.logs.parallel import WORTH_BYTES, Pool, processors
from mlperf_stats.logs.sources import Limits, open_source
from mlperf_stats.logs.submissions import Plan, plan_input, read_submissions
from mlperf_stats.model import Submission
from mlperf_stats.rules.suite import normalise_round
from mlperf_stats.store.database import Store
from mlperf_stats.store.report import IngestReport
from mlperf_stats.store.writer import SubmissionWriter

__all__ = ["IngestProgress", "IngestReport", "Limits", "ingest", "read_manifest"]


@dataclass(frozen=True, slots=True)
class IngestProgress:
    """How far an ingest has come."""

    bytes_done: int
    bytes_total: int
    label: str


def ingest(
    store: Store,
    paths: Sequence[str | os.PathLike[str]],
    *,
    round: str | None = None,
    manifest: str | os.PathLike[str] | None = None,
    limits: Limits | None = None,
    jobs: int | None = 1,
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
        jobs: Processes that read, where the inputs are large enough to gain from them; None means one
            per processor. As with ``multiprocessing``, a script that asks for several must keep its
            own work under ``if __name__ == "__main__":``.
        on_progress: Called after every file, with several processes after every submission.

    Raises:
        InputError: a path or the manifest cannot be used; nothing was changed by that input.
        RoundUnknownError: the round can be told neither from ``round`` nor from the path.
        DatabaseError: the database cannot be written; submissions before that are in it.
    """
    if not paths:
        raise InputError("nothing to ingest: name a folder or archive with <submitter>/results")
    if jobs is not None and jobs < 1:
        raise InputError(f"jobs is {jobs}; give 1 or more")
    round_ = normalise_round(round) if round else None
    absent = read_manifest(manifest) if manifest else ()
    report = IngestReport()
    with contextlib.ExitStack() as stack:
        # Every input is listed and placed before the first write, so that a wrong path changes nothing.
        plans = [_planned(path, limits, round_, stack) for path in paths]
        pool = _pool(plans, processors() if jobs is None else jobs, stack)
        writer = SubmissionWriter(store.connection)
        total = sum(plan.total_bytes for plan in plans)
        done_before = 0
        for plan in plans:
            progress = _relay(on_progress, done_before, total, plan)
            _write(store, writer, read_submissions(plan, absent, progress, pool), report)
            report.ignored_files += plan.ignored_files
            report.skipped_members.update(plan.source.skipped)
            done_before += plan.total_bytes
    return report


def _write(
    store: Store, writer: SubmissionWriter, submissions: Iterable[Submission], report: IngestReport
) -> None:
    """Write submissions, a transaction for each."""
    for submission in submissions:
        with store.transaction():
            written = writer.write(submission)
        report.add(submission, written)


def _planned(
    path: str | os.PathLike[str], limits: Limits | None, round_: str | None, stack: contextlib.ExitStack
) -> Plan:
    return plan_input(stack.enter_context(contextlib.closing(open_source(path, limits))), round_)


def _pool(plans: Sequence[Plan], jobs: int, stack: contextlib.ExitStack) -> Pool | None:
    """Processes for reading, if there is enough to read in parts."""
    divisible = sum(plan.total_bytes for plan in plans if not plan.source.sequential)
    return stack.enter_context(Pool(jobs)) if jobs > 1 and divisible > WORTH_BYTES else None


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
