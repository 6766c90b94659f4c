"""Fixtures for every room: where the shared data lies, and the unpacked log packs.

``MLPERF_STATS_SHARED`` names the shared folder (default: ``../shared`` beside the checkout).
``MLPERF_STATS_TEST_CACHE`` names the folder that packs are unpacked into, once per machine.
Under ``CI=true`` nothing may be skipped: every skip is reported as a failure.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
CI = os.environ.get("CI", "").lower() in {"1", "true"}


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return REPOSITORY


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """The shared folder with packs and oracles; tests that need it skip where it is absent."""
    path = Path(os.environ.get("MLPERF_STATS_SHARED") or REPOSITORY.parent / "shared")
    if not (path / "data").is_dir():
        pytest.skip(f"no shared data at {path}; set MLPERF_STATS_SHARED to its folder")
    return path


@pytest.fixture(scope="session")
def packs(shared_dir: Path) -> Callable[[str], Path]:
    """``packs("5.0")`` is the folder of the unpacked logs of that round; read only."""
    cache = Path(os.environ.get("MLPERF_STATS_TEST_CACHE") or Path.home() / ".cache" / "mlperf-stats-tests")

    def unpacked(round_name: str) -> Path:
        archive = shared_dir / "data" / f"training_results_v{round_name}.tar.xz"
        if not archive.is_file():
            pytest.skip(f"no pack of round {round_name} at {archive}")
        return _unpack_once(archive, cache, f"v{round_name}")

    return unpacked


def _unpack_once(archive: Path, cache: Path, name: str) -> Path:
    """Unpack ``archive`` to ``cache/name``; safe when several test processes want it at once.

    The lock keeps the others waiting, the rename makes the folder appear complete or not at all.
    """
    target = cache / name
    if target.is_dir():
        return target
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.is_dir():
            scratch = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=cache))
            try:
                with tarfile.open(archive) as tar:
                    tar.extractall(scratch, filter="data")
                (scratch / name).rename(target)
            finally:
                shutil.rmtree(scratch, ignore_errors=True)
    return target


def _refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    if CI and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI does not allow: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _refuse_skip(report)
    return report
