"""Campaigns that take seconds: a small NCF, run by the real command line in processes of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

FAST = ("ncf", "--mini", "--set", "users=200", "--set", "items=300", "--set", "target=0.35")
"""One run takes about 0.3 s after start-up."""
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def command_line(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "mlperf_stats", *map(str, arguments)]


@pytest.fixture
def mlperf_stats(tmp_path: Path) -> Run:
    """Run ``mlperf-stats`` in ``tmp_path`` with a data directory of its own."""

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command_line(*arguments),
            cwd=tmp_path,
            env={**ENVIRONMENT, "XDG_DATA_HOME": str(tmp_path / "data")},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    return run
