"""The loop of a campaign: start what is missing, see what ended, stop when the rule says so.

It remembers nothing that matters: killed at any moment and started again it finds everything in the
folder. The stopping rule sees runs in their order and without gaps, never those that merely finished
first: fast runs finish first, and a rule that saw them early would favour them.
"""

from __future__ import annotations

import errno
import math
import shutil
from collections import Counter
from dataclasses import dataclass

import msgspec

from mlperf_runners.campaign.environment import momentary_environment, session_environment
from mlperf_runners.campaign.files import write_durably
from mlperf_runners.campaign.folder import ENVIRONMENT, Attempt, CampaignFolder, RunResult
from mlperf_runners.campaign.lock import DispatcherLock
from mlperf_runners.campaign.plan import Plan
from mlperf_runners.campaign.results_view import publish
from mlperf_runners.dispatch.progress import Progress
from mlperf_runners.dispatch.stopping import StoppingRule, Verdict
from mlperf_runners.errors import RunsFailedError, StorageFullError
from mlperf_runners.launchers.launcher import Cause, Ended, Launcher, last_words

MOST_ATTEMPTS = 3
"""Attempts at one run per session; more than that is no accident."""
LEAST_FREE_BYTES = 32 << 20
PAIRED = (
    "It is of pairs of runs and holds although it was looked at after every run; 'mlperf-stats compare' "
    "gives another, unpaired and as for a number of runs set beforehand."
)


@dataclass(frozen=True, slots=True)
class Finished:
    """What a campaign came to."""

    results: list[RunResult]
    """Of the runs that count, in their order."""
    verdict: Verdict

    def lines(self) -> list[str]:
        """The end of the campaign in words."""
        converged = sum(result.status == "converged" for result in self.results)
        runs = "1 run" if len(self.results) == 1 else f"{len(self.results)} runs"
        lines = [f"{runs}, {converged} converged: {self.verdict.reason}."]
        interval = self.verdict.interval
        if interval is not None and math.isfinite(interval.high - interval.low):
            is_ratio = interval.estimand.startswith("ratio")
            lines.append(
                f"{interval.estimand.replace('-', ' ').capitalize()} {interval.estimate:.4g}"
                f"{'' if is_ratio else ' min'}, from "
                f"{interval.low:.4g} to {interval.high:.4g} ({100 * interval.level_attained:.3g} %)."
            )
            if is_ratio:
                lines.append(PAIRED)
        contended = sum(result.contended for result in self.results)
        if contended:
            lines.append(f"{contended} of them shared the machine with something else: not to be trusted.")
        return lines


class Dispatcher:
    """Works on one campaign that it holds the lock of."""

    def __init__(
        self,
        folder: CampaignFolder,
        plan: Plan,
        benchmark: str,
        launcher: Launcher,
        rule: StoppingRule,
        progress: Progress,
    ) -> None:
        self._folder = folder
        self._plan = plan
        self._benchmark = benchmark
        self._launcher = launcher
        self._rule = rule
        self._progress = progress
        self._counting: dict[int, tuple[Attempt, RunResult]] = {}
        self._running: dict[int, Attempt] = {}
        self._failures: Counter[int] = Counter()
        self._session = session_environment()

    def run(self, lock: DispatcherLock) -> Finished:
        """Dispatch until there are enough runs or the budget is spent.

        Raises:
            RunsFailedError: a run died too often, or every attempt at it would.
            StorageFullError: the disk is full; finished runs are kept.
            KeyboardInterrupt: the user asked to stop; nothing runs any more.
        """
        try:
            return self._run(lock)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise StorageFullError(
                f"{self._folder.root}: {error.strerror}; make room and run the same command again, finished "
                "runs are kept"
            ) from error

    def _run(self, lock: DispatcherLock) -> Finished:
        self._counting = {attempt.index: (attempt, result) for attempt, result in self._folder.all_counting()}
        try:
            unfinished = [index for index in self._folder.indices() if index not in self._counting]
            lasts = [self._folder.attempts(index)[-1:] for index in unfinished]
            adopted = self._launcher.adopt([attempt for last in lasts for attempt in last])
            self._running = {attempt.index: attempt for attempt in adopted}
            verdict = self._dispatch(lock)
        finally:
            self._launcher.stop()
            self._collect()
        return Finished(self._prefix(), verdict)

    def _dispatch(self, lock: DispatcherLock) -> Verdict:
        while True:
            lock.beat()
            verdict = self._verdict()
            self._progress.show(self._prefix(), verdict, list(self._running.values()))
            if verdict.enough:
                return verdict
            if not self._budget_is_spent():
                self._start_missing()
            elif not self._running:
                return Verdict(False, f"the budget is spent; {verdict.reason}", verdict.runs_left)
            for ended in self._launcher.wait(self._progress.interval_seconds):
                self._settle(ended)

    def _verdict(self) -> Verdict:
        return self._rule.judge(self._prefix())

    def _prefix(self) -> list[RunResult]:
        """Results of the runs before the first one that has none."""
        results: list[RunResult] = []
        while len(results) in self._counting:
            results.append(self._counting[len(results)][1])
        return results

    def _start_missing(self) -> None:
        free = self._launcher.capacity - len(self._running)
        missing = (
            index
            for index in range(self._rule.most_runs)
            if index not in self._counting and index not in self._running
        )
        starting = [index for index, _ in zip(missing, range(free), strict=False)]
        if not starting:
            return
        if shutil.disk_usage(self._folder.root).free < LEAST_FREE_BYTES:
            raise StorageFullError(
                f"{self._folder.root}: less than {LEAST_FREE_BYTES >> 20} MiB are free; make room and run "
                "the same command again, finished runs are kept"
            )
        attempts = [self._folder.new_attempt(index) for index in starting]
        for attempt in attempts:
            noted = {"session": self._session, "dispatcher": momentary_environment()}
            write_durably(attempt.folder / ENVIRONMENT, msgspec.json.encode(noted))
            self._running[attempt.index] = attempt
        self._launcher.start(attempts)

    def _settle(self, ended: Ended) -> None:
        """See from the files what an attempt that has ended came to."""
        attempt = ended.attempt
        self._running.pop(attempt.index, None)
        result = attempt.result()
        if result is not None:
            self._counting[attempt.index] = attempt, result
            self._publish()
            self._progress.finished(attempt, result)
            return
        refusal = attempt.refusal()
        words = refusal.words if refusal else last_words(attempt.folder)
        cause = refusal.cause if refusal else ended.cause.value
        if cause == Cause.STORAGE_FULL.value:
            raise StorageFullError(
                f"{attempt.folder}: {words}; make room and run the same command again, finished runs are kept"
            )
        if refusal is not None:
            raise RunsFailedError(words)
        self._progress.died(attempt, f"{cause} ({ended.detail})", words)
        self._failures[attempt.index] += 1
        if self._failures[attempt.index] >= MOST_ATTEMPTS:
            raise RunsFailedError(
                f"run {attempt.index} died {MOST_ATTEMPTS} times ({ended.detail}: {words}); see "
                f"{attempt.folder}, then run the same command again"
            )

    def _collect(self) -> None:
        """Take in attempts that finished while everything was being stopped."""
        for index, attempt in list(self._running.items()):
            result = attempt.result()
            if result is not None:
                self._counting[index] = attempt, result
        self._running.clear()
        self._publish()

    def _publish(self) -> None:
        counting = [self._counting[index][0] for index in range(len(self._prefix()))]
        publish(self._folder.results_root, self._plan, self._benchmark, counting)

    def _budget_is_spent(self) -> bool:
        """Whether another run of usual length would go past the budget."""
        budget = self._plan.stopping.budget_minutes
        if budget is None:
            return False
        spent = self._folder.seconds_spent() / 60
        walls = sorted(result.wall_seconds for _, result in self._counting.values())
        usual = walls[len(walls) // 2] / 60 if walls else 0.0
        return spent + usual > budget
