"""Attempts, results and the lock on disk."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mlperf_runners.campaign.files import link_or_copy, write_durably
from mlperf_runners.campaign.folder import CampaignFolder, RunResult, attempt_at
from mlperf_runners.campaign.lock import FILE_NAME, DispatcherLock, dispatching
from mlperf_runners.errors import CampaignError, CampaignLockedError

RESULT = RunResult(
    status="converged",
    seed=1,
    minutes=2.0,
    quality=0.7,
    epochs=3.0,
    samples=300,
    wall_seconds=130.0,
    cpu_seconds=120.0,
    waited_share=0.0,
    contended=False,
)


def test_the_first_finished_attempt_counts(tmp_path: Path) -> None:
    folder = CampaignFolder(tmp_path)
    died, first, second = (folder.new_attempt(4) for _ in range(3))
    assert folder.counting(4) is None
    second.finish(RESULT)
    first.finish(RESULT)
    counting = folder.counting(4)
    assert counting is not None
    assert counting[0].number == 2
    assert [attempt.number for attempt in folder.attempts(4)] == [1, 2, 3]
    assert attempt_at(died.folder) == died
    assert [attempt.index for attempt, _ in folder.all_counting()] == [4]


def test_a_damaged_result_is_named(tmp_path: Path) -> None:
    attempt = CampaignFolder(tmp_path).new_attempt(0)
    (attempt.folder / "result.json").write_text("{")
    with pytest.raises(CampaignError, match="remove it and the run is repeated"):
        CampaignFolder(tmp_path).counting(0)


def test_time_of_died_attempts_is_spent_too(tmp_path: Path) -> None:
    folder = CampaignFolder(tmp_path)
    folder.new_attempt(0).finish(RESULT)
    died = folder.new_attempt(1)
    for name, age in (("env.json", 50), ("mllog.txt", 10)):
        (died.folder / name).touch()
        os.utime(died.folder / name, (0, time.time() - age))
    assert folder.seconds_spent() == pytest.approx(130 + 40, abs=0.1)


def test_files_may_come_and_go_while_time_is_counted(tmp_path: Path) -> None:
    """A worker replaces files while the dispatcher looks: a listed name may lead nowhere."""
    attempt = CampaignFolder(tmp_path).new_attempt(0)
    (attempt.folder / "stdout").touch()
    (attempt.folder / ".env.json-scratch").symlink_to("gone")
    assert CampaignFolder(tmp_path).seconds_spent() == 0


def test_a_failed_write_leaves_the_old_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    write_durably(path, b"old")

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_durably(path, b"new")
    assert path.read_bytes() == b"old"
    assert [item.name for item in tmp_path.iterdir()] == ["file"]


def test_links_follow_to_another_source(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text(name)
    shown = tmp_path / "shown"
    for name in ("a", "a", "b"):
        link_or_copy(tmp_path / name, shown)
        assert shown.read_text() == name
    assert (tmp_path / "a").read_text() == "a"


def test_file_systems_without_links_get_copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*names: object) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refused)
    (tmp_path / "a").write_text("a")
    link_or_copy(tmp_path / "a", tmp_path / "shown")
    assert (tmp_path / "shown").read_text() == "a"
    assert not (tmp_path / "shown").samefile(tmp_path / "a")


def test_a_second_dispatcher_is_refused_and_told_who_the_first_is(tmp_path: Path) -> None:
    holder = "import sys, time; from pathlib import Path; from mlperf_runners.campaign.lock import *\n"
    holder += f"with dispatching(Path({str(tmp_path)!r})): print('held', flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", holder], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(CampaignLockedError, match=f"process {process.pid} on "), dispatching(tmp_path):
            pass
        process.kill()
        process.wait()
        with dispatching(tmp_path):
            assert json.loads((tmp_path / FILE_NAME).read_text())["pid"] == os.getpid()


@pytest.mark.parametrize(("silent_seconds", "is_refused"), [(5.0, True), (600.0, False)])
def test_another_host_holds_as_long_as_its_heart_beats(
    silent_seconds: float, is_refused: bool, tmp_path: Path
) -> None:
    """Its kernel lock cannot be seen here."""
    other = {"host": "elsewhere", "pid": 7, "boot_id": "", "heartbeat": time.time() - silent_seconds}
    (tmp_path / FILE_NAME).write_text(json.dumps(other))
    if is_refused:
        with pytest.raises(CampaignLockedError, match="process 7 on elsewhere"):
            DispatcherLock(tmp_path).__enter__()
    else:
        with dispatching(tmp_path):
            assert json.loads((tmp_path / FILE_NAME).read_text())["pid"] == os.getpid()
