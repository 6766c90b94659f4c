"""What takes longer than a page may take is found out beside the pages, and stands there at the next look."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlperf_stats.analysis.plan_controlled import Controlled

_WORKER = ThreadPoolExecutor(max_workers=1, thread_name_prefix="trial")
"""One for all readers: pages share the processor with it."""


class Trial:
    """How wide controlled intervals are, tried on results; ``read`` finds whom to try it on."""

    def __init__(self, read: Callable[[], Controlled | None]) -> None:
        self._read = read
        self._begun: dict[float, Future[None]] = {}
        self._lock = Lock()

    @cached_property
    def found(self) -> Controlled | None:
        """None where nobody lends; slow at first."""
        return self._read()

    def is_done(self, level: float) -> bool:
        """Whether intervals of that level have been tried; if not, it is begun.

        Raises what went wrong, once: asked again, it is tried again.
        """
        with self._lock:
            begun = self._begun.get(level)
            if begun is None:
                begun = self._begun[level] = _WORKER.submit(self._try, level)
            is_done = begun.done()
            if is_done and begun.exception() is not None:
                del self._begun[level]
        if is_done:
            begun.result()
        return is_done

    def _try(self, level: float) -> None:
        if self.found is not None:
            self.found.half_width(1, level)
