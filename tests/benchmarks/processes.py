"""What a command costs with all the processes it starts: wall time, CPU time, peak memory (Linux)."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_INTERVAL_S = 0.1
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Cost:
    """What a command took. ``peak_mb``: proportional memory of all its processes at once."""

    wall_s: float
    cpu_s: float
    peak_mb: float
    output: str


def run(command: Sequence[str | Path]) -> Cost:
    """Run a command to its end.

    The CPU time of processes that the command starts and does not wait for is taken from the last
    look at them; it misses at most the interval between looks.

    Raises:
        RuntimeError: the command failed.
    """
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    seconds: dict[int, float] = {}
    peak = 0.0
    while process.poll() is None:
        tree = _tree(process.pid)
        peak = max(peak, sum(map(_proportional_mb, tree)))
        for pid in tree:
            seconds[pid] = _cpu_seconds(pid) or seconds.get(pid, 0.0)
        time.sleep(_INTERVAL_S)
    wall = time.perf_counter() - start
    output = process.stdout.read() if process.stdout else ""
    if process.returncode:
        raise RuntimeError(f"{command}: exit code {process.returncode}\n{output}")
    return Cost(wall, sum(seconds.values()), peak, output)


def _tree(root: int) -> list[int]:
    """``root`` and all its descendants."""
    children: dict[int, list[int]] = {}
    for entry in os.scandir("/proc"):
        if entry.name.isdecimal():
            fields = _stat(int(entry.name))
            if fields:
                children.setdefault(int(fields[1]), []).append(int(entry.name))
    found = [root]
    for pid in found:
        found.extend(children.get(pid, []))
    return found


def _stat(pid: int) -> list[str]:
    """Fields of ``/proc/<pid>/stat`` from the third on; empty for a process that is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    except OSError:
        return []


def _cpu_seconds(pid: int) -> float:
    fields = _stat(pid)
    return (int(fields[11]) + int(fields[12])) / _TICKS if fields else 0.0


def _proportional_mb(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1000
