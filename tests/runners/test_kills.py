"""Kill -9 of worker, dispatcher or both at random moments: nothing is lost, nothing counts twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
from runner_campaigns import ENVIRONMENT, FAST, command_line, wait_for, workers_in

from mlperf_runners.campaign.folder import CampaignFolder
from mlperf_stats.logs.runs import read_run
from mlperf_stats.model import RunStatus

pytestmark = pytest.mark.cluster

RUNS = 8
KILLS = 20
LONGEST_SECONDS = 3.0
"""About as long as start-up, run and clean-up of one run: moments fall into all of them."""


def kill(*pids: int) -> int:
    """How many of the processes were still there."""
    hit = 0
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            hit += 1
    return hit


def is_under_way(folder: Path, process: subprocess.Popen[bytes]) -> bool:
    return bool(workers_in(folder)) or process.poll() is not None


def test_killed_at_twenty_random_moments(tmp_path: Path) -> None:
    moments = random.Random(8)
    victims = ["worker", "dispatcher", "both"]
    command = command_line("run", *FAST, "--runs", RUNS)
    workers_hit = 0
    process = None
    for _ in range(KILLS):
        if process is None or process.poll() is not None:
            process = subprocess.Popen(
                command, cwd=tmp_path, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
            )
        victim = moments.choice(victims)
        if victim != "dispatcher":
            # On a busy machine it takes a while until there is one.
            wait_for(partial(is_under_way, tmp_path, process))
        time.sleep(moments.uniform(0.0, LONGEST_SECONDS))
        if victim != "dispatcher":
            workers_hit += kill(*workers_in(tmp_path))
        if victim != "worker":
            kill(process.pid)
            process.wait()
            # A worker does not outlive its dispatcher.
            wait_for(lambda: not workers_in(tmp_path))
    if process is not None:
        kill(process.pid)
        process.wait()
    done = subprocess.run(
        command, cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert workers_hit >= 3
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
