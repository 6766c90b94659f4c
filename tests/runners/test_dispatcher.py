"""The dispatcher with a launcher that is told what becomes of each attempt."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import pytest

from mlperf_runners.campaign.folder import Attempt, CampaignFolder, Refusal, RunResult
from mlperf_runners.campaign.lock import dispatching
from mlperf_runners.campaign.plan import Launch, Plan, Stopping, Variant, freeze
from mlperf_runners.dispatch import dispatcher
from mlperf_runners.dispatch.dispatcher import Dispatcher, Finished
from mlperf_runners.dispatch.progress import Progress
from mlperf_runners.dispatch.stopping import Verdict, stopping_rule
from mlperf_runners.errors import RunsFailedError, StorageFullError
from mlperf_runners.launchers.launcher import Cause, Ended
from mlperf_runners.workloads.registry import workload

RESULT = RunResult("converged", 1, 1.0, 0.7, 2.0, 100, 60.0, 60.0, 0.0, False)
ENVIRONMENT = {"cpu": "x", "cores": 1, "gpus": [], "packages": {}, "python": "3"}

Fate = Callable[[Attempt], Cause | None]
"""None: the attempt is trained to its end."""


class Told:
    """A launcher without processes. Of attempts that run at the same time the last started ends first."""

    def __init__(self, capacity: int = 1, fate: Fate = lambda attempt: None) -> None:
        self.capacity = capacity
        self.fate = fate
        self.running: list[Attempt] = []
        self.stopped: list[int] = []
        self.most_at_once = 0

    def adopt(self, attempts: Sequence[Attempt]) -> list[Attempt]:
        return []

    def start(self, attempts: Sequence[Attempt]) -> None:
        self.running.extend(attempts)
        self.most_at_once = max(self.most_at_once, len(self.running))

    def wait(self, seconds: float) -> list[Ended]:
        attempt = self.running.pop()
        cause = self.fate(attempt)
        if cause is None:
            attempt.log.write_text("log\n")
            attempt.finish(RESULT)
        else:
            (attempt.folder / "stderr").write_text("Traceback\nmlperf-stats: the last words\n\n")
        return [Ended(attempt, cause or Cause.DIED, "told")]

    def stop(self) -> None:
        self.stopped = [attempt.index for attempt in self.running]
        self.running.clear()


class Watching:
    """Stops after ``enough`` runs and remembers how many it saw."""

    def __init__(self, enough: int) -> None:
        self.most_runs = 100
        self.enough = enough
        self.seen: list[int] = []

    def judge(self, results: list[RunResult]) -> Verdict:
        self.seen.append(len(results))
        return Verdict(len(results) >= self.enough, "watched")


def plan(runs: int = 3, **stopping: float) -> Plan:
    return Plan(
        name="c",
        workload="ncf",
        mode="mini",
        variants=(Variant("", msgspec.to_builtins(workload("ncf").mini)),),
        stopping=Stopping("fixed", runs, **stopping),  # type: ignore[arg-type]
        launch=Launch(),
        system="box",
        environment=ENVIRONMENT,
    )


def dispatch(root: Path, launcher: Told, wish: Plan, rule: Watching | None = None) -> Finished:
    frozen = freeze(root, wish)
    progress = Progress("HR@10", lambda index: 0.7, io.StringIO())
    working = Dispatcher(
        CampaignFolder(root), frozen, "ncf", launcher, rule or stopping_rule(frozen), progress
    )
    with dispatching(root) as lock:
        return working.run(lock)


def numbers(root: Path) -> dict[int, list[int]]:
    folder = CampaignFolder(root)
    return {index: [attempt.number for attempt in folder.attempts(index)] for index in folder.indices()}


def test_an_attempt_that_dies_is_followed_by_another(tmp_path: Path) -> None:
    launcher = Told(
        fate=lambda attempt: (
            Cause.DIED if (attempt.index, attempt.number) < (1, 3) and attempt.index else None
        )
    )
    finished = dispatch(tmp_path, launcher, plan())
    assert len(finished.results) == 3
    assert numbers(tmp_path) == {0: [1], 1: [1, 2, 3], 2: [1]}


def test_what_dies_again_and_again_ends_the_session_but_not_the_campaign(tmp_path: Path) -> None:
    launcher = Told(fate=lambda attempt: Cause.DIED if attempt.index == 1 else None)
    with pytest.raises(RunsFailedError, match=r"run 1 died 3 times .told: the last words"):
        dispatch(tmp_path, launcher, plan())
    assert [path.name for path in tmp_path.glob("results/box/ncf/*")] == ["result_0.txt"]
    assert len(dispatch(tmp_path, Told(), plan()).results) == 3
    assert numbers(tmp_path) == {0: [1], 1: [1, 2, 3, 4], 2: [1]}


@pytest.mark.parametrize(
    ("refusal", "error", "words"),
    [
        (Refusal("wrong input", "no such column"), RunsFailedError, r"^no such column$"),
        (Refusal("storage full", "No space left"), StorageFullError, "No space left; make room"),
    ],
)
def test_what_every_attempt_would_repeat_is_not_tried_again(
    refusal: Refusal, error: type[Exception], words: str, tmp_path: Path
) -> None:
    """The launcher only sees that the attempt has ended, as through torchrun or Slurm."""

    def refuse(attempt: Attempt) -> Cause:
        attempt.refuse(refusal)
        return Cause.DIED

    with pytest.raises(error, match=words):
        dispatch(tmp_path, Told(fate=refuse), plan())
    assert numbers(tmp_path) == {0: [1]}


def test_a_full_disk_ends_the_session_and_keeps_what_is_finished(tmp_path: Path) -> None:
    launcher = Told(fate=lambda attempt: Cause.STORAGE_FULL if attempt.index else None)
    with pytest.raises(StorageFullError, match="finished runs are kept"):
        dispatch(tmp_path, launcher, plan())
    assert len(dispatch(tmp_path, Told(), plan()).results) == 3


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("place", ["write_durably", "publish"])
def test_a_disk_that_fills_up_under_the_dispatcher_is_told(
    place: str, number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dispatch(tmp_path, Told(), plan(1))

    def full(*arguments: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(dispatcher, place, full)
    launcher = Told()
    with pytest.raises(StorageFullError, match=f"^{tmp_path}: {os.strerror(number)}; make room and run"):
        dispatch(tmp_path, launcher, plan(3))
    assert launcher.running == []
    monkeypatch.undo()
    assert len(dispatch(tmp_path, Told(), plan(3)).results) == 3


def test_the_rule_never_sees_a_run_before_those_that_started_earlier(tmp_path: Path) -> None:
    """Three at once, the youngest ends first: 2, 3, 4, … finish while 0 and 1 still train."""
    launcher = Told(capacity=3)
    slow = iter([Cause.DIED] * 2)
    launcher.fate = lambda attempt: next(slow, None) if attempt.index == 2 else None
    rule = Watching(enough=4)
    finished = dispatch(tmp_path, launcher, plan(), rule)
    assert launcher.most_at_once == 3
    assert rule.seen == sorted(rule.seen)
    assert rule.seen[:3] == [0, 0, 0], "run 2 dies twice before any run from the start is there"
    assert len(finished.results) >= 4


def test_runs_beyond_the_stop_are_ended_and_not_shown(tmp_path: Path) -> None:
    launcher = Told(capacity=2)
    launcher.fate = lambda attempt: None
    finished = dispatch(tmp_path, launcher, plan(), Watching(enough=2))
    shown = {path.name for path in tmp_path.glob("results/box/ncf/*")}
    assert shown == {f"result_{index}.txt" for index in range(len(finished.results))}
    assert launcher.running == []


def test_results_that_do_not_count_any_more_are_not_shown(tmp_path: Path) -> None:
    """Somebody removed the only result, as the message about a damaged one advises."""
    dispatch(tmp_path, Told(), plan(1))
    (tmp_path / "runs/0/attempt-1/result.json").unlink()
    with pytest.raises(RunsFailedError):
        dispatch(tmp_path, Told(fate=lambda attempt: Cause.DIED), plan(1))
    assert list(tmp_path.glob("results/box/ncf/*")) == []


def test_what_others_put_beside_results_stays(tmp_path: Path) -> None:
    dispatch(tmp_path, Told(), plan(1))
    beside = tmp_path / "results/box/ncf"
    (beside / "scaling.json").write_text("{}")
    (beside / "power").mkdir()
    (beside / "result_7.txt").touch()
    (beside / ".result_0.txt-link-123").touch()
    dispatch(tmp_path, Told(), plan(1))
    assert {path.name for path in beside.iterdir()} == {"scaling.json", "power", "result_0.txt"}


def test_a_budget_counts_what_was_spent_in_earlier_sessions(tmp_path: Path) -> None:
    """Runs of one minute: three fit into 3.5 minutes, whoever started them."""
    wish = plan(100, budget_minutes=3.5)
    finished = dispatch(tmp_path, Told(), wish)
    assert len(finished.results) == 3
    assert "the budget is spent" in finished.verdict.reason
    assert len(dispatch(tmp_path, Told(), wish).results) == 3


def test_what_is_there_already_is_not_run_again(tmp_path: Path) -> None:
    dispatch(tmp_path, Told(), plan())
    launcher = Told(fate=lambda attempt: Cause.DIED)
    assert len(dispatch(tmp_path, launcher, plan()).results) == 3
    assert launcher.most_at_once == 0


def test_not_converged_is_a_result(tmp_path: Path) -> None:
    class Missing(Told):
        def wait(self, seconds: float) -> list[Ended]:
            attempt = self.running.pop()
            attempt.log.write_text("log\n")
            attempt.finish(msgspec.structs.replace(RESULT, status="not_converged"))
            return [Ended(attempt, Cause.DIED)]

    finished = dispatch(tmp_path, Missing(), plan())
    assert finished.lines()[0] == "3 runs, 0 converged: 3 of 3 runs."
    assert numbers(tmp_path) == {0: [1], 1: [1], 2: [1]}
