"""Reading with several processes: each reads whole submissions, results come in the order asked for.

The processes are started by a server process, not forked from this one, which may have threads and
an open database. They end with it: on the last result, on an error, on Ctrl-C and on its death.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait
from typing import TypeVar

from mlperf_stats.errors import InputError

Task = TypeVar("Task")
Answer = TypeVar("Answer")

WORTH_BYTES = 256 << 20
"""Smaller inputs are read before other processes have even started."""
_AHEAD = 2
"""Tasks handed out per process; bounds what is read and not yet taken."""


def processors() -> int:
    """Number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Pool:
    """Processes that read. They start with the first task; leaving the context ends them."""

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs
        self._executor: ProcessPoolExecutor | None = None

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._executor is not None:
            self._executor.shutdown(wait=True, cancel_futures=True)

    def in_order(self, work: Callable[[Task], Answer], tasks: Iterable[Task]) -> Iterator[Answer]:
        """``map(work, tasks)``, only so many tasks ahead that memory stays bounded.

        Raises:
            InputError: a process died.
        """
        if self._executor is None:
            self._executor = _started(self._jobs)
        running: deque[Future[Answer]] = deque()
        try:
            for task in tasks:
                running.append(self._executor.submit(work, task))
                if len(running) >= _AHEAD * self._jobs:
                    yield running.popleft().result()
            while running:
                yield running.popleft().result()
        except BrokenProcessPool as error:
            raise InputError(
                "a reading process died, perhaps for lack of memory; what was read before is kept. "
                "Repeat with --jobs 1"
            ) from error


def _started(jobs: int) -> ProcessPoolExecutor:
    method = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
    context = multiprocessing.get_context(method)
    if method == "forkserver":
        context.set_forkserver_preload(["mlperf_stats.logs.submissions"])
    return ProcessPoolExecutor(jobs, mp_context=context, initializer=_prepare_process)


def _prepare_process() -> None:
    """Ctrl-C is for the parent, which then ends its pool; its death ends this process as well."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)
