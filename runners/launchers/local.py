"""Workers as processes of this machine, one process group each."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass

from mlperf_runners.campaign.folder import Attempt
from mlperf_runners.campaign.plan import Launch
from mlperf_runners.errors import CampaignError
from mlperf_runners.launchers.launcher import STANDARD_ERROR, STANDARD_OUTPUT, Cause, Ended
from mlperf_runners.launchers.processes import thread_environment, worker_command
from mlperf_runners.worker import CORES_VARIABLE, EXIT_STORAGE_FULL, PARENT_VARIABLE

_GPUS_VARIABLE = "CUDA_VISIBLE_DEVICES"


@dataclass
class _Running:
    attempt: Attempt
    process: subprocess.Popen[bytes]
    handle: int
    """Becomes readable when the process ends."""
    share: _Share
    deadline: float


@dataclass(frozen=True, slots=True)
class _Share:
    """What one of several runs at once has to itself; nothing where it may use all there is."""

    cores: tuple[int, ...] = ()
    gpus: tuple[str, ...] = ()


class LocalLauncher:
    """Starts workers here; several at once get cores and GPUs of their own."""

    def __init__(self, launch: Launch, gpus: int = 0) -> None:
        """``gpus``: of the machine, 0 where runs use none.

        Raises:
            CampaignError: there are not enough cores or GPUs for so many runs at once.
        """
        self.capacity = launch.at_once
        self._launch = launch
        self._running: list[_Running] = []
        self._free = _shares(launch, gpus)

    def adopt(self, attempts: Sequence[Attempt]) -> list[Attempt]:
        # Workers die with their dispatcher.
        return []

    def start(self, attempts: Sequence[Attempt]) -> None:
        for attempt in attempts:
            share = self._free.pop() if self._free else _Share()
            process = self._spawn(attempt, share)
            limit = self._launch.timeout_minutes
            deadline = time.monotonic() + 60 * limit if limit else float("inf")
            handle = os.pidfd_open(process.pid)
            self._running.append(_Running(attempt, process, handle, share, deadline))

    def wait(self, seconds: float) -> list[Ended]:
        now = time.monotonic()
        first_deadline = min((run.deadline for run in self._running), default=now)
        patience = max(min(seconds, first_deadline - now), 0)
        poll = select.poll()
        for run in self._running:
            poll.register(run.handle, select.POLLIN)
        ready = {handle for handle, _ in poll.poll(patience * 1000)}
        ended = []
        for run in list(self._running):
            if run.handle in ready:
                ended.append(self._reap(run))
            elif time.monotonic() >= run.deadline:
                self._reap(run)
                detail = f"killed after {self._launch.timeout_minutes:g} minutes"
                ended.append(Ended(run.attempt, Cause.TIMED_OUT, detail))
        return ended

    def stop(self) -> None:
        for run in list(self._running):
            self._reap(run)

    def _spawn(self, attempt: Attempt, share: _Share) -> subprocess.Popen[bytes]:
        environment = {
            **os.environ,
            **thread_environment(self._launch),
            PARENT_VARIABLE: str(os.getpid()),
            CORES_VARIABLE: ",".join(map(str, share.cores)),
        }
        if share.gpus:
            environment[_GPUS_VARIABLE] = ",".join(share.gpus)
        folder = attempt.folder
        with (folder / STANDARD_OUTPUT).open("wb") as output, (folder / STANDARD_ERROR).open("wb") as errors:
            return subprocess.Popen(
                worker_command(self._launch, str(folder)),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                env=environment,
                # A session of its own: the terminal's Ctrl-C reaches the dispatcher alone, and
                # killing the group takes data-loading processes along.
                start_new_session=True,
            )

    def _reap(self, run: _Running) -> Ended:
        """End what is left of a run and say how it ended."""
        # What the worker started must not outlive it: the next run wants the machine to itself. Before
        # the wait, because until then the group's number cannot go to somebody else.
        _kill_group(run.process)
        code = run.process.wait()
        os.close(run.handle)
        self._running.remove(run)
        if run.share.cores:
            self._free.append(run.share)
        cause = Cause.STORAGE_FULL if code == EXIT_STORAGE_FULL else Cause.DIED
        return Ended(run.attempt, cause, _how(code))


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _how(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    with contextlib.suppress(ValueError):
        return signal.Signals(-code).name
    return f"signal {-code}"


def _shares(launch: Launch, gpus: int) -> list[_Share]:
    """One for each of several runs at once; a run alone may use everything."""
    if launch.at_once == 1:
        return []
    cores = sorted(os.sched_getaffinity(0))
    each = launch.threads * launch.processes
    if each * launch.at_once > len(cores):
        raise CampaignError(
            f"{launch.at_once} runs at once with {each} threads each need {each * launch.at_once} cores, "
            f"this machine has {len(cores)}; lower --at-once"
        )
    shown, needed = _shown_gpus(gpus), launch.processes * launch.at_once
    if shown and needed > len(shown):
        raise CampaignError(
            f"{launch.at_once} runs at once need {needed} GPUs, this machine shows {len(shown)}; "
            "lower --at-once, or --set device=cpu"
        )
    return [
        _Share(
            tuple(cores[number * each : (number + 1) * each]),
            tuple(shown[number * launch.processes : (number + 1) * launch.processes]),
        )
        for number in range(launch.at_once)
    ]


def _shown_gpus(gpus: int) -> list[str]:
    """Names of the GPUs that this process may use, as CUDA counts or calls them."""
    chosen = os.environ.get(_GPUS_VARIABLE)
    if not gpus or chosen is None:
        return [str(number) for number in range(gpus)]
    return [name.strip() for name in chosen.split(",") if name.strip()]
