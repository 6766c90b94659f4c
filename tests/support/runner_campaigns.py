"""Campaigns that take seconds: a small NCF, run by the real command line in processes of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

SMALL = {"users": 200, "items": 300, "target": 0.35, "evaluate_every": 0.1, "first_evaluation": 0}
FAST = ("ncf", "--mini", *(f"--set={name}={value}" for name, value in SMALL.items()))
"""One run takes about 0.3 s after start-up."""
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def command_line(*arguments: object) -> list[str]:
    """``mlperf-stats`` with these arguments."""
    return [sys.executable, "-m", "mlperf_stats", *map(str, arguments)]
