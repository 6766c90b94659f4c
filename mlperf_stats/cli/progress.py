"""A progress bar for what is counted in steps: on the terminal's standard error, else nothing."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


@contextmanager
def steps_bar(label: str) -> Iterator[Callable[[int, int], None] | None]:
    """What to call with (steps done, steps in all); None where standard error is no terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    bar = _StepsBar(label)
    try:
        yield bar.show
    finally:
        bar.stop()


class _StepsBar:
    """Appears with the first step: what answers at once neither shows nor loads it."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._started: tuple[Progress, TaskID] | None = None

    def show(self, done: int, total: int) -> None:
        if self._started is None:
            self._started = self._start()
        progress, task = self._started
        progress.update(task, completed=done, total=total)

    def stop(self) -> None:
        if self._started is not None:
            self._started[0].stop()

    def _start(self) -> tuple[Progress, TaskID]:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        progress.start()
        return progress, progress.add_task(self._label, total=None)
