"""The command line in an empty folder."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from coco_files import write_coco
from runner_campaigns import ENVIRONMENT, Run, command_line


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


@pytest.fixture
def coco(tmp_path: Path) -> Path:
    """A small dataset in COCO's format."""
    write_coco(tmp_path)
    return tmp_path
