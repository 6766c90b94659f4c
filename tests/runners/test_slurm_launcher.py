"""What the Slurm launcher asks and submits, on a machine that need not have Slurm."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from mlperf_runners.campaign.folder import Attempt
from mlperf_runners.campaign.plan import Launch
from mlperf_runners.launchers import slurm
from mlperf_runners.launchers.slurm import SlurmLauncher

DIGEST = "0123456789abcdef"


def program(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/bash\n{script}\n")
    path.chmod(0o755)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Slurm's commands, which do nothing."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("sbatch", "squeue", "scancel", "scontrol"):
        program(folder, name, "true")
    program(folder, "srun", 'while [[ $1 == --* ]]; do shift; done; exec "$@"')
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return folder


def test_other_peoples_jobs_may_have_any_name(programs: Path, tmp_path: Path) -> None:
    program(programs, "squeue", r"printf 'a|b|7|1_7\nM\xfcller|N/A|2\n|||\nmlperf-0123456789ab-2|5|3_5\n'")
    launcher = SlurmLauncher(tmp_path, DIGEST, Launch("slurm"))
    mine, other = (Attempt(5, number, tmp_path) for number in (2, 1))
    assert launcher.adopt([mine, other]) == [mine]


def test_jobs_in_a_hidden_partition_are_seen(programs: Path, tmp_path: Path) -> None:
    """A job that is not seen is taken for dead, and submitted again while it runs."""
    program(programs, "squeue", '[[ " $* " == *" --all "* ]] && echo "mlperf-0123456789ab-2|5|3_5"; true')
    mine = Attempt(5, 2, tmp_path)
    assert SlurmLauncher(tmp_path, DIGEST, Launch("slurm")).adopt([mine]) == [mine]


def test_the_folder_of_a_campaign_may_have_spaces(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "my runs; $HOME"
    root.mkdir()
    monkeypatch.setattr(
        slurm, "worker_command", lambda launch, folder, rendezvous: ["printf", "%s|", *rendezvous, folder]
    )
    launcher = SlurmLauncher(root, DIGEST, Launch("slurm", nodes=2))
    done = subprocess.run(
        ["bash"],
        input=launcher._script(3),
        env={**os.environ, "SLURM_ARRAY_TASK_ID": "4", "SLURM_JOB_ID": "5", "SLURM_NODEID": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split("|") == [
        "--nnodes=2",
        "--node-rank=1",
        "--master-addr=",
        "--master-port=20005",
        f"{root}/runs/4/attempt-3",
        "",
    ]


def test_a_percent_sign_in_the_folder_is_none_of_slurms(programs: Path, tmp_path: Path) -> None:
    launcher = SlurmLauncher(tmp_path / "50%a", DIGEST, Launch("slurm"))
    assert f"--output={tmp_path}/50%%a/runs/%a/attempt-1/stdout" in launcher._submission(1)
