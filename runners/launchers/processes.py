"""How a worker's command line and environment look, whoever starts it."""

from __future__ import annotations

import sys

from mlperf_runners.campaign.plan import Launch

WORKER = "mlperf_runners.worker"
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def thread_environment(launch: Launch) -> dict[str, str]:
    """Variables that hold numeric libraries to the campaign's thread count."""
    return dict.fromkeys(_THREAD_VARIABLES, str(launch.threads))


def worker_command(launch: Launch, folder: str, rendezvous: tuple[str, ...] = ("--standalone",)) -> list[str]:
    """The command that trains the attempt in ``folder`` on one node."""
    if launch.processes == 1 and launch.nodes == 1:
        return [sys.executable, "-m", WORKER, folder]
    return [
        sys.executable,
        "-m",
        "mlperf_runners.launchers.elastic",
        *rendezvous,
        f"--nproc-per-node={launch.processes}",
        "--max-restarts=0",
        "-m",
        WORKER,
        folder,
    ]
