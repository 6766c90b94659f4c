"""Kill -9 of worker, dispatcher or both at random moments: nothing is lost, nothing counts twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest
from runner_campaigns import ENVIRONMENT, FAST, command_line

from mlperf_runners.campaign.folder import CampaignFolder
from mlperf_stats.logs.runs import read_run
from mlperf_stats.model import RunStatus

pytestmark = pytest.mark.cluster

RUNS = 6
KILLS = 20
LONGEST_SECONDS = 4.5
"""A little longer than start-up, run and clean-up of one run: moments fall into all of them."""


def workers_in(folder: Path) -> list[int]:
    """Process ids of the workers of campaigns below ``folder``."""
    found = []
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            words = (entry / "cmdline").read_bytes().split(b"\0") if entry.name.isdecimal() else []
            if b"mlperf_runners.worker" in words and any(str(folder).encode() in word for word in words):
                found.append(int(entry.name))
    return found


def kill(*pids: int) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def wait_until_gone(folder: Path) -> None:
    deadline = time.monotonic() + 20
    while workers_in(folder):
        assert time.monotonic() < deadline, "a worker outlived its dispatcher"
        time.sleep(0.05)


def test_killed_at_twenty_random_moments(tmp_path: Path) -> None:
    moments = random.Random(8)
    victims = ["worker", "dispatcher", "both"]
    command = command_line("run", *FAST, "--runs", RUNS)
    kills = 0
    process = None
    while kills < KILLS:
        if process is None or process.poll() is not None:
            process = subprocess.Popen(
                command, cwd=tmp_path, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
            )
        time.sleep(moments.uniform(0.0, LONGEST_SECONDS))
        victim = moments.choice(victims)
        if victim != "dispatcher":
            kill(*workers_in(tmp_path))
        if victim != "worker":
            kill(process.pid)
            process.wait()
            wait_until_gone(tmp_path)
        kills += 1
    if process is not None:
        kill(process.pid)
        process.wait()
    done = subprocess.run(
        command, cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert f"{RUNS} runs, {RUNS} converged" in done.stdout
    check(tmp_path / "ncf-mini")


def check(root: Path) -> None:
    folder = CampaignFolder(root)
    assert folder.indices() == list(range(RUNS))
    shown = sorted(root.glob("results/*/ncf/result_*.txt"))
    assert [path.name for path in shown] == [f"result_{index}.txt" for index in range(RUNS)]
    for index in range(RUNS):
        attempts = folder.attempts(index)
        finished = [attempt for attempt in attempts if attempt.result() is not None]
        assert len(finished) == 1, "a run that has a result is never run again"
        assert shown[index].samefile(finished[0].log)
        run = read_run(finished[0].log.read_bytes(), "")
        assert (run.status, run.problems) == (RunStatus.CONVERGED, ())
        for attempt in attempts:
            if attempt.log.exists():
                codes = {problem.code for problem in read_run(attempt.log.read_bytes(), "").problems}
                assert "line-unparsable" not in codes
