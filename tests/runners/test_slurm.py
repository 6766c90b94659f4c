"""Campaigns on a real Slurm of two nodes: a node dies, jobs die, the dispatcher dies."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from runner_campaigns import ENVIRONMENT, FAST, command_line, wait_for
from slurm_cluster import SlurmCluster, missing_programs, slurm_cluster

from mlperf_runners.campaign.folder import CampaignFolder
from mlperf_stats.logs.runs import read_run
from mlperf_stats.model import RunStatus

pytestmark = pytest.mark.cluster

SLOWER = ("--set", "users=1000", "--set", "target=0.55")
"""Runs of some seconds, long enough to be killed in the middle."""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SlurmCluster]:
    missing = missing_programs()
    if missing:
        pytest.skip(f"no {', '.join(missing)}: apt-get install slurm-wlm munge")
    if os.geteuid() != 0:
        pytest.skip("only root may start the daemons of a Slurm of its own")
    with slurm_cluster(tmp_path_factory.mktemp("slurm")) as running:
        yield running


def start(cluster: SlurmCluster, folder: Path, *options: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command_line("run", *FAST, *SLOWER, "--launcher", "slurm", *options),
        cwd=folder,
        env={**ENVIRONMENT, **cluster.environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def check(root: Path, runs: int) -> None:
    folder = CampaignFolder(root)
    assert folder.indices() == list(range(runs))
    for index in range(runs):
        finished = [attempt for attempt in folder.attempts(index) if attempt.result() is not None]
        assert len(finished) == 1
        run = read_run(finished[0].log.read_bytes(), "")
        assert (run.status, run.problems) == (RunStatus.CONVERGED, ())
    assert len(list(root.glob("results/*/ncf/result_*.txt"))) == runs


def test_the_campaign_completes_though_a_node_dies_and_the_dispatcher_too(
    cluster: SlurmCluster, tmp_path: Path
) -> None:
    root = tmp_path / "ncf-mini"
    options = ("--runs", 4, "--at-once", 2)
    first = start(cluster, tmp_path, *options)
    wait_for(lambda: list(root.glob("runs/*/attempt-1/mllog.txt")))
    first.kill()
    first.wait()
    second = start(cluster, tmp_path, *options)
    wait_for(lambda: len(list(root.glob("runs/*/attempt-*/mllog.txt"))) >= 2)
    cluster.kill_node("n2")
    cluster.start_node("n2")
    output, _ = second.communicate(timeout=400)
    assert second.returncode == 0, output
    assert "4 runs, 4 converged" in output
    check(root, 4)


def test_one_run_over_two_nodes(cluster: SlurmCluster, tmp_path: Path) -> None:
    """torchrun on each node, gloo between them; the log is the one of the leading process."""
    process = start(cluster, tmp_path, "--runs", 1, "--nodes", 2)
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output
    check(tmp_path / "ncf-mini", 1)
    (noted,) = tmp_path.glob("ncf-mini/runs/0/attempt-1/env.json")
    assert '"processes": 2' in noted.read_text()


def test_wrong_input_is_not_submitted_again(cluster: SlurmCluster, tmp_path: Path) -> None:
    (tmp_path / "ratings.csv").write_text("a,b\n1,2\n")
    done = subprocess.run(
        command_line("run", "ncf", "--data", ".", "--runs", 1, "--launcher", "slurm"),
        cwd=tmp_path,
        env={**ENVIRONMENT, **cluster.environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 2
    assert "it needs the columns userId,movieId" in done.stderr
    assert len(list(tmp_path.glob("ncf-full/runs/0/attempt-*"))) == 1
