"""Campaigns that take seconds: a small NCF, run by the real command line in processes of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

SMALL = {"users": 200, "items": 300, "target": 0.35, "evaluate_every": 0.1, "first_evaluation": 0}
FAST = ("ncf", "--mini", *(f"--set={name}={value}" for name, value in SMALL.items()))
"""One run takes about 0.3 s after start-up."""
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def command_line(*arguments: object) -> list[str]:
    """``mlperf-stats`` with these arguments."""
    return [sys.executable, "-m", "mlperf_stats", *map(str, arguments)]


def workers_in(folder: Path) -> list[int]:
    """Process ids of the workers of campaigns that were started in ``folder``."""
    found = []
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            if entry.name.isdecimal() and (entry / "cwd").samefile(folder):
                words = (entry / "cmdline").read_bytes().split(b"\0")
                if b"mlperf_runners.worker" in words and b"mlperf_runners.launchers.elastic" not in words:
                    found.append(int(entry.name))
    return found


def wait_for(condition: Callable[[], object], seconds: float = 120) -> None:
    """Return as soon as the condition holds, which it must within ``seconds``."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)
