"""Writing submissions: what is new is added, what differs is replaced, the same again is left alone."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any, NamedTuple

from mlperf_stats.model import Problem, ResultLogs, Run, RunStatus, Submission
from mlperf_stats.rules.convergence import convergence
from mlperf_stats.rules.suite import LOCAL_ROUND, canonical_benchmark, rules_for
from mlperf_stats.store.rows import encoded, evaluation_rows, result_id, run_row, submission_row
from mlperf_stats.store.schema import EVALUATION_COLUMNS, RUN_COLUMNS, SUBMISSION_COLUMNS

_RESULT_COLUMNS = ("result_id", "submission_key", "benchmark", "folder", "path", "scaling_factor", "problems")


def _insert(table: str, columns: Sequence[str]) -> str:
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"


def _assignments(columns: Sequence[str]) -> str:
    return ", ".join(f"{name} = excluded.{name}" for name in columns)


_PUT_SUBMISSION = (
    f"{_insert('submissions', SUBMISSION_COLUMNS)} ON CONFLICT (round, submitter, entry, system) "
    f"DO UPDATE SET {_assignments(SUBMISSION_COLUMNS[4:])} RETURNING submission_key"
)
_PUT_RESULT = (
    f"{_insert('results', _RESULT_COLUMNS)} ON CONFLICT (result_id) "
    f"DO UPDATE SET {_assignments(_RESULT_COLUMNS[3:])} RETURNING result_key"
)
_FIND_RESULT = f"SELECT {', '.join(_RESULT_COLUMNS)} FROM results WHERE result_id = ?"
_KNOWN_RUNS = f"SELECT run_key, {', '.join(RUN_COLUMNS)} FROM runs WHERE result_key = ?"
_ADD_RUN = _insert("runs", ("run_key", "result_key", *RUN_COLUMNS))
_REPLACE_RUN = f"UPDATE runs SET {', '.join(f'{name} = ?' for name in RUN_COLUMNS)} WHERE run_key = ?"
_ADD_EVALUATION = _insert("evaluations", ("run_key", *EVALUATION_COLUMNS))


class Written(NamedTuple):
    """What writing a submission did to its runs."""

    added: int
    replaced: int
    unchanged: int
    gone: int
    """Runs of an own campaign that were there before and are no part of it any more."""


class SubmissionWriter:
    """Writes submissions, each inside a transaction that the caller holds."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._added: list[tuple[Any, ...]] = []
        self._replaced: list[tuple[Any, ...]] = []
        self._evaluations: list[tuple[Any, ...]] = []
        self._gone: list[tuple[int]] = []
        self._unchanged = 0
        self._next_key = 0
        self._forgotten: set[str] = set()
        self._data_version = -1

    def write(self, submission: Submission) -> Written:
        """Write one submission with all its results."""
        self._begin()
        submission_key = self._put(_PUT_SUBMISSION, submission_row(submission))
        for logs, name in _named(submission):
            if self._put_result(submission, submission_key, logs, name):
                self._forget_summaries(name)
        return self._flush()

    def _begin(self) -> None:
        self._unchanged = 0
        for rows in (self._added, self._replaced, self._evaluations, self._gone):
            rows.clear()
        self._next_key = self._one("SELECT ifnull(max(run_key), 0) + 1 FROM runs")
        # The version changes when another connection has written: summaries may be there again.
        version = self._one("PRAGMA data_version")
        if version != self._data_version:
            self._data_version = version
            self._forgotten.clear()

    def _flush(self) -> Written:
        self._connection.executemany(
            "DELETE FROM evaluations WHERE run_key = ?", [row[-1:] for row in (*self._replaced, *self._gone)]
        )
        self._connection.executemany("DELETE FROM runs WHERE run_key = ?", self._gone)
        self._connection.executemany(_ADD_RUN, self._added)
        self._connection.executemany(_REPLACE_RUN, self._replaced)
        self._connection.executemany(_ADD_EVALUATION, self._evaluations)
        return Written(len(self._added), len(self._replaced), self._unchanged, len(self._gone))

    def _one(self, query: str) -> int:
        return int(self._connection.execute(query).fetchone()[0])

    def _put(self, statement: str, row: tuple[Any, ...]) -> int:
        return int(self._connection.execute(statement, row).fetchone()[0])

    def _put_result(self, submission: Submission, submission_key: int, logs: ResultLogs, name: str) -> bool:
        """Write a result and collect its runs; True if anything of it is new or differs."""
        problems = list(logs.problems)
        has_suite = submission.round != LOCAL_ROUND
        if has_suite and canonical_benchmark(submission.round, logs.benchmark) is None:
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
            encoded(problems),
        )
        differs: bool = self._connection.execute(_FIND_RESULT, row[:1]).fetchone() != row
        result_key = self._put(_PUT_RESULT, row)
        rules = rules_for(submission.round, name, len(logs.runs))
        known = {row[1]: row for row in self._connection.execute(_KNOWN_RUNS, (result_key,))}
        for run in logs.runs:
            point, unit = convergence(run.evaluations, rules, run.train_samples)
            differs |= self._collect(result_key, run, run_row(run, point, unit), known.pop(run.path, None))
        if not has_suite:
            # Of a published round an input may hold a part; a campaign's folder shows all of its runs.
            self._gone.extend((row[0],) for row in known.values())
            differs |= bool(known)
        return differs

    def _collect(
        self, result_key: int, run: Run, row: tuple[Any, ...], known: tuple[Any, ...] | None
    ) -> bool:
        """Take a run for writing unless it is there already; True if taken."""
        if known is None:
            run_key = self._next_key
            self._next_key += 1
            self._added.append((run_key, result_key, *row))
        elif known[1:] == row or run.status is RunStatus.ABSENT:
            self._unchanged += 1
            return False
        else:
            run_key = known[0]
            self._replaced.append((*row, run_key))
        self._evaluations.extend(evaluation_rows(run, run_key))
        return True

    def _forget_summaries(self, benchmark: str) -> None:
        """Estimates borrow from other results of the benchmark, of all rounds: all of them are stale now."""
        if benchmark not in self._forgotten:
            self._forgotten.add(benchmark)
            self._connection.execute(
                "DELETE FROM summaries WHERE result_key IN "
                "(SELECT result_key FROM results WHERE benchmark = ?)",
                (benchmark,),
            )


def _named(submission: Submission) -> list[tuple[ResultLogs, str]]:
    """Results with the suite's names; of 'mask' and 'maskrcnn' side by side both stay visible."""
    names = [canonical_benchmark(submission.round, logs.benchmark) for logs in submission.results]
    taken = {name for name, logs in zip(names, submission.results, strict=True) if name == logs.benchmark}
    named = []
    for name, logs in zip(names, submission.results, strict=True):
        if name is None or (name in taken and name != logs.benchmark):
            named.append((logs, logs.benchmark))
        else:
            taken.add(name)
            named.append((logs, name))
    return named
