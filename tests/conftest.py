"""Fixtures for every room: where the shared data lies, and the unpacked log packs.

The module ``packs`` in ``tests/support`` says which environment variables tell their places.
Under ``CI=true`` nothing may be skipped: every skip is reported as a failure.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from pathlib import Path

import pytest
from packs import pack_archive, shared_folder, unpacked

REPOSITORY = Path(__file__).resolve().parent.parent
CI = os.environ.get("CI", "").lower() in {"1", "true"}


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return REPOSITORY


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """The shared folder with packs and oracles; tests that need it skip where it is absent."""
    path = shared_folder()
    if not (path / "data").is_dir():
        pytest.skip(f"no shared data at {path}; set MLPERF_STATS_SHARED to its folder")
    return path


@pytest.fixture(scope="session")
def packs(shared_dir: Path) -> Callable[[str], Path]:
    """``packs("5.0")`` is the folder of the unpacked logs of that round; read only."""

    def unpacked_or_skipped(round_name: str) -> Path:
        archive = pack_archive(round_name)
        if not archive.is_file():
            pytest.skip(f"no pack of round {round_name} at {archive}")
        return unpacked(round_name)

    return unpacked_or_skipped


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
