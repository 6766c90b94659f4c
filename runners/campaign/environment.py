"""What a run was measured on: hardware, versions, state of the code, load."""

from __future__ import annotations

import contextlib
import os
import platform
import re
import socket
import subprocess
import time
from importlib import metadata
from pathlib import Path
from typing import Any

_PACKAGES = (
    "jiwer",
    "mlperf-logging",
    "mlperf-stats",
    "numpy",
    "open_spiel",
    "pycocotools",
    "sacrebleu",
    "scikit-learn",
    "sentencepiece",
    "soundfile",
    "torch",
)


def frozen_environment() -> dict[str, Any]:
    """What must stay the same for runs of one campaign to be comparable."""
    return {
        "cpu": cpu_model(),
        "cores": os.cpu_count() or 1,
        "gpus": list(gpu_models()),
        "python": platform.python_version(),
        "packages": _versions(),
    }


def session_environment() -> dict[str, Any]:
    """What may change between sessions: host, kernel, state of the checkout."""
    return {
        "host": socket.gethostname(),
        "kernel": platform.release(),
        "git": _git_state(Path(__file__).resolve().parent),
    }


def momentary_environment() -> dict[str, Any]:
    """The process and the machine's load right now."""
    return {
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "time": time.time(),
        "load": list(os.getloadavg()),
        "cores_allowed": sorted(os.sched_getaffinity(0)),
        "memory_free_kib": _memory_free_kib(),
    }


def system_name() -> str:
    """A folder name for this machine, made of its accelerators or else its processor."""
    gpus = gpu_models()
    model = f"{len(gpus)}x{gpus[0]}" if gpus else f"{os.cpu_count()}x{cpu_model()}"
    words = re.sub(r"\((?:R|TM|tm|r)\)|\b(?:CPU|Processor|@.*)", " ", model)
    return re.sub(r"[^A-Za-z0-9.]+", "-", words).strip("-")[:60] or "system"


def cpu_model() -> str:
    """The processor's name as the kernel tells it."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return " ".join(line.partition(":")[2].split())
    return platform.machine()


def processors() -> tuple[int, int]:
    """Number of processors (sockets) and cores of each; one with all threads if the kernel does not tell."""
    text = ""
    with contextlib.suppress(OSError):
        text = Path("/proc/cpuinfo").read_text()
    found = re.findall(r"^physical id\s*: (\d+)$.*?^core id\s*: (\d+)$", text, re.MULTILINE | re.DOTALL)
    sockets = len({socket for socket, _ in found})
    return (sockets, len(set(found)) // sockets) if sockets else (1, os.cpu_count() or 1)


def gpu_models() -> tuple[str, ...]:
    """Names of the NVIDIA GPUs that the driver lists, without loading any library."""
    names = []
    for path in sorted(Path("/proc/driver/nvidia/gpus").glob("*/information")):
        with contextlib.suppress(OSError):
            found = re.search(r"^Model:\s*(.+)$", path.read_text(), re.MULTILINE)
            names.append(found[1].strip() if found else "NVIDIA GPU")
    return tuple(names)


def _versions() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


def _git_state(folder: Path) -> dict[str, Any]:
    """Commit and cleanness of the checkout that the code runs from; empty for an installed package."""

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(folder), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout.strip()

    try:
        # A package may be installed below a checkout of something else.
        git("ls-files", "--error-unmatch", "--", Path(__file__).name)
        return {"commit": git("rev-parse", "HEAD"), "changed": bool(git("status", "--porcelain", "--", "."))}
    except (OSError, subprocess.SubprocessError):
        return {}


def _memory_free_kib() -> int | None:
    with contextlib.suppress(OSError):
        found = re.search(r"^MemAvailable:\s*(\d+)", Path("/proc/meminfo").read_text(), re.MULTILINE)
        return int(found[1]) if found else None
    return None
