"""torchrun that dies with the process that started it and leaves no process of a training behind.

torchrun itself ends the others as soon as one process has failed. It waits for ever if one has ended well
and another hangs, for example in a collective that the first has left; the watch here ends that too.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from mlperf_runners.worker import PARENT_VARIABLE, die_with_parent, pin_cores

if TYPE_CHECKING:
    from torch.distributed.elastic.multiprocessing.errors import ProcessFailure

STRAGGLER_SECONDS = 60.0
"""How long the others may go on after the first has ended; all end together, after a last barrier."""
_LOOK_SECONDS = 1.0
_TOGETHER_SECONDS = 10
"""Less than torchrun leaves processes to end by themselves before it kills them."""
_PROCESSES = "--nproc-per-node="


def main() -> None:
    """Run torchrun on the process's arguments, ``--nproc-per-node=N`` among them."""
    die_with_parent()
    os.environ[PARENT_VARIABLE] = str(os.getpid())
    pin_cores()
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.run import main as torchrun

    arguments = sys.argv[1:]
    (processes,) = (int(word.removeprefix(_PROCESSES)) for word in arguments if word.startswith(_PROCESSES))
    # Its reports would bury the last words of the training.
    logging.disable(logging.CRITICAL)
    threading.Thread(target=_kill_stragglers, args=(processes,), daemon=True).start()
    try:
        torchrun(arguments)
    except ChildFailedError as error:
        for rank, number in _killed(error.failures, error.get_first_failure()[1]):
            how = _signal_name(number)
            print(f"mlperf-stats: process {rank} of the training was killed by {how}", file=sys.stderr)
        sys.exit(1)


def _killed(failures: dict[int, ProcessFailure], first: ProcessFailure) -> list[tuple[int, int]]:
    """Processes that a signal ended, with its number, from what torchrun found together.

    One whose peer was killed may fail first and say so. Later signals are torchrun's own, which ends the
    rest.
    """
    return [
        (rank, -one.exitcode)
        for rank, one in failures.items()
        if one.exitcode < 0
        and (one is first or one.exitcode != -signal.SIGTERM)
        and one.timestamp - first.timestamp <= _TOGETHER_SECONDS
    ]


def _kill_stragglers(processes: int) -> None:
    """Wait until some of the training's processes have ended, and after a while kill the others."""
    while True:
        workers = _workers()
        while len(workers) in (0, processes):
            time.sleep(_LOOK_SECONDS)
            workers = [pid for pid in workers if _is_child(pid)] or _workers()
        time.sleep(STRAGGLER_SECONDS)
        workers = _workers()
        # All of them: the first look fell between their starts.
        if len(workers) < processes:
            for pid in workers:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


def _workers() -> list[int]:
    return [pid for pid in map(int, filter(str.isdecimal, os.listdir("/proc"))) if _is_child(pid)]


def _is_child(pid: int) -> bool:
    """Whether a process is one that this one started and that has not ended."""
    with suppress(OSError):
        state, parent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:2]
        return state != "Z" and int(parent) == os.getpid()
    return False


def _signal_name(number: int) -> str:
    with suppress(ValueError):
        return signal.Signals(number).name
    return f"signal {number}"


if __name__ == "__main__":
    main()
