"""The packs of published logs: where they lie, and unpacked once per machine.

``MLPERF_STATS_SHARED`` names the shared folder (default: ``../shared`` beside the checkout).
``MLPERF_STATS_TEST_CACHE`` names the folder that packs are unpacked into.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tarfile
import tempfile
from pathlib import Path

ROUNDS = ("0.5", "0.6", "1.0", "2.0", "3.0", "4.0", "5.0")


def shared_folder() -> Path:
    """The shared folder; it need not be there."""
    beside = Path(__file__).resolve().parents[3] / "shared"
    return Path(os.environ.get("MLPERF_STATS_SHARED") or beside)


def pack_archive(round_name: str) -> Path:
    """The packed logs of a round; the file need not be there."""
    return shared_folder() / "data" / f"training_results_v{round_name}.tar.xz"


def unpacked(round_name: str) -> Path:
    """The folder of the unpacked logs of a round; read only.

    Safe when several processes want it at once: the lock keeps the others waiting, the rename makes
    the folder appear complete or not at all.
    """
    cache = Path(os.environ.get("MLPERF_STATS_TEST_CACHE") or Path.home() / ".cache" / "mlperf-stats-tests")
    name = f"v{round_name}"
    target = cache / name
    if target.is_dir():
        return target
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.is_dir():
            scratch = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=cache))
            try:
                with tarfile.open(pack_archive(round_name)) as tar:
                    tar.extractall(scratch, filter="data")
                (scratch / name).rename(target)
            finally:
                shutil.rmtree(scratch, ignore_errors=True)
    return target
