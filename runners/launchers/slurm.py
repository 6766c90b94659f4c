"""Workers as Slurm jobs: one array task per run, on one node or on several.

What became of a run is read from its files. The queue is asked only whether a job is still there: one
that is gone without a result has died, whatever the accounting says, and the dispatcher tries again.
Jobs outlive the dispatcher; the next session finds them by their name and goes on with them.
"""

from __future__ import annotations

import math
import shlex
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from mlperf_runners.campaign.folder import Attempt
from mlperf_runners.campaign.plan import Launch
from mlperf_runners.errors import CampaignError
from mlperf_runners.launchers.elastic import STRAGGLER_SECONDS
from mlperf_runners.launchers.launcher import STANDARD_ERROR, STANDARD_OUTPUT, Cause, Ended
from mlperf_runners.launchers.processes import thread_environment, worker_command

POLL_SECONDS = 3.0
"""Between looks at the queue, which is everybody's."""
PATIENCE_SECONDS = 120.0
"""How long cancelled jobs may take to go."""
_FIRST_PORT, _PORTS = 20_000, 20_000
_COMMANDS = ("sbatch", "squeue", "scancel", "scontrol", "srun")


class SlurmLauncher:
    """Submits attempts and watches their files and the queue."""

    def __init__(self, root: Path, digest: str, launch: Launch) -> None:
        """``digest`` tells this campaign's jobs from all others.

        Raises:
            CampaignError: this machine has no Slurm.
        """
        missing = [name for name in _COMMANDS if shutil.which(name) is None]
        if missing:
            raise CampaignError(
                f"--launcher slurm needs {', '.join(missing)}; run it where Slurm is installed"
            )
        self.capacity = launch.at_once
        self._root = root.resolve()
        self._prefix = f"mlperf-{digest[:12]}-"
        self._launch = launch
        self._running: list[Attempt] = []

    def adopt(self, attempts: Sequence[Attempt]) -> list[Attempt]:
        queued = self._queued()
        adopted = [attempt for attempt in attempts if self._key(attempt) in queued]
        self._running.extend(adopted)
        return adopted

    def start(self, attempts: Sequence[Attempt]) -> None:
        by_number: dict[int, list[Attempt]] = {}
        for attempt in attempts:
            by_number.setdefault(attempt.number, []).append(attempt)
        for number, group in by_number.items():
            indices = ",".join(str(attempt.index) for attempt in group)
            _slurm([*self._submission(number), f"--array={indices}"], self._script(number))
            self._running.extend(group)

    def wait(self, seconds: float) -> list[Ended]:
        deadline = time.monotonic() + seconds
        while True:
            time.sleep(POLL_SECONDS)
            # The queue first: a job that ends in between has its result by the time its files are read.
            queued = self._queued()
            ended = [
                Ended(attempt, Cause.DIED, "its Slurm job is gone")
                for attempt in self._running
                if self._key(attempt) not in queued or attempt.result() is not None
            ]
            if ended or time.monotonic() >= deadline:
                gone = [item.attempt for item in ended]
                self._running = [attempt for attempt in self._running if attempt not in gone]
                return ended

    def stop(self) -> None:
        if not self._running:
            return
        deadline = time.monotonic() + PATIENCE_SECONDS
        wanted = {self._key(attempt) for attempt in self._running}
        while time.monotonic() < deadline:
            jobs = [job for key, job in self._queued().items() if key in wanted]
            if not jobs:
                break
            _slurm(["scancel", *jobs])
            time.sleep(POLL_SECONDS)
        self._running.clear()

    def _key(self, attempt: Attempt) -> tuple[int, int]:
        return attempt.index, attempt.number

    def _queued(self) -> dict[tuple[int, int], str]:
        """(index, attempt) → job id of this campaign's jobs that wait or run."""
        # All: those in hidden partitions too, for who is not seen is taken for dead.
        listed = _slurm(["squeue", "--all", "--noheader", "--array", "--format=%j|%K|%i"])
        found = {}
        for line in listed.splitlines():
            # The name is whatever its owner likes.
            name, task, job = line.strip().rsplit("|", 2)
            if name.startswith(self._prefix) and task.isdecimal():
                found[int(task), int(name.removeprefix(self._prefix))] = job
        return found

    def _submission(self, number: int) -> list[str]:
        launch = self._launch
        root = str(self._root).replace("%", "%%")
        folder = f"{root}/runs/%a/attempt-{number}"
        options = [
            f"--job-name={self._prefix}{number}",
            f"--output={folder}/{STANDARD_OUTPUT}",
            f"--error={folder}/{STANDARD_ERROR}",
            f"--nodes={launch.nodes}",
            f"--ntasks={launch.nodes}",
            f"--cpus-per-task={launch.threads * launch.processes}",
            # A requeued job would write into an attempt that has died; the dispatcher makes a new one.
            "--no-requeue",
        ]
        if launch.timeout_minutes:
            options.append(f"--time={math.ceil(launch.timeout_minutes)}")
        return ["sbatch", "--parsable", *options, *launch.slurm_options]

    def _script(self, number: int) -> str:
        launch = self._launch
        rendezvous = (
            f"--nnodes={launch.nodes}",
            "--node-rank=$SLURM_NODEID",
            "--master-addr=$head",
            "--master-port=$port",
        )
        command = worker_command(launch, "$folder", rendezvous)
        words = " ".join(f'"{word}"' if "$" in word else shlex.quote(word) for word in command)
        exports = [f"export {name}={value}" for name, value in thread_environment(launch).items()]
        lines = [
            "#!/bin/bash",
            *exports,
            f"export folder={shlex.quote(str(self._root))}/runs/$SLURM_ARRAY_TASK_ID/attempt-{number}",
            'first=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)',
            # The address that Slurm itself uses: a node's name need not resolve.
            """export head=$(scontrol show node "$first" | sed -n 's/.*NodeAddr=\\([^ ]*\\).*/\\1/p')""",
            # Tasks of one array may share a node: each meets on a port of its own.
            f"export port=$(({_FIRST_PORT} + SLURM_JOB_ID % {_PORTS}))",
            # A node that fails or stays behind must not hold the others.
            f"exec srun --kill-on-bad-exit=1 --wait={math.ceil(2 * STRAGGLER_SECONDS)} "
            f"bash -c {shlex.quote('exec ' + words)}",
        ]
        return "\n".join(lines) + "\n"


def _slurm(command: list[str], text: str | None = None) -> str:
    """Run one of Slurm's commands.

    Raises:
        CampaignError: it failed for longer than a controller takes to come back.
    """
    for pause in (1, 4, 16, None):
        done = subprocess.run(
            command, input=text, capture_output=True, encoding="utf-8", errors="replace", check=False
        )
        if done.returncode == 0:
            return done.stdout
        if pause is None or "Invalid" in done.stderr:
            break
        time.sleep(pause)
    words = done.stderr.strip().splitlines()
    raise CampaignError(f"{command[0]}: {words[-1] if words else f'exit code {done.returncode}'}")
