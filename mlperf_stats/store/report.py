"""What an ingest found and did, told to the user and kept with the data."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from mlperf_stats.model import Problem, Submission
from mlperf_stats.store.writer import Written

RUNS_GONE = "runs-gone"
_WORST_KEPT = 20
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
"""Problems that cost something, the most serious first."""


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
    """Files and archive members that were not looked at, by reason."""
    worst: list[tuple[str, str, str]] = field(default_factory=list)
    """(path, code, detail) of inputs that cost a run or a system, most serious first."""

    def add(self, submission: Submission, written: Written) -> None:
        """Count one more submission."""
        self.submissions += 1
        self.added += written.added
        self.replaced += written.replaced
        self.unchanged += written.unchanged
        if written.gone:
            self.problems_by_code[RUNS_GONE] += written.gone
        self._note(submission.system.path or submission.system_folder, submission.system.problems)
        for logs in submission.results:
            self.results += 1
            self.runs += len(logs.runs)
            self.runs_by_round[submission.round] += len(logs.runs)
            self._note(logs.path, logs.problems)
            for run in logs.runs:
                self.runs_by_status[run.status.value] += 1
                self._note(run.path, run.problems)
        self.worst = heapq.nsmallest(_WORST_KEPT, self.worst, key=lambda item: (_SERIOUS[item[1]], item[0]))

    def _note(self, path: str, problems: Iterable[Problem]) -> None:
        for problem in problems:
            self.problems_by_code[problem.code] += problem.count
            if problem.code in _SERIOUS:
                self.worst.append((path, problem.code, problem.detail))
