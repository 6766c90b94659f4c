"""The run's MLLOG file, written with the official library, flushed line by line."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from mlperf_logging.mllog import constants
from mlperf_logging.mllog.mllog import MLLogger


class _UnforgivingHandler(logging.Handler):
    """A log with a missing line is no log: failed writes end the run instead of a note on stderr."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        # Unbuffered: a line is one write, which a kill leaves whole or out.
        self._file = path.open("wb", buffering=0)

    def emit(self, record: logging.LogRecord) -> None:
        self._file.write(f"{self.format(record)}\n".encode())

    def close(self) -> None:
        self._file.close()
        super().close()


class Logbook:
    """Lines of one run. Processes that do not lead keep a silent one."""

    def __init__(self, path: Path | None) -> None:
        self._logger = logging.Logger("mllog", logging.INFO)
        handler = _UnforgivingHandler(path) if path else logging.NullHandler()
        self._handler = handler
        self._logger.addHandler(handler)
        # Call sites point to the loop: two frames above the library's own.
        root = str(Path(__file__).resolve().parent.parent)
        self._mllog = MLLogger(self._logger, default_stack_offset=2, root_dir=root)

    def __enter__(self) -> Logbook:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._handler.close()

    def event(self, key: str, value: Any = None, time_ms: int | None = None, **metadata: Any) -> None:
        """A point in time."""
        self._mllog.event(key, value, metadata or None, time_ms=time_ms)

    def start(self, key: str, time_ms: int | None = None, **metadata: Any) -> None:
        """The start of an interval."""
        self._mllog.start(key, None, metadata or None, time_ms=time_ms)

    def end(self, key: str, time_ms: int | None = None, **metadata: Any) -> None:
        """The end of an interval."""
        self._mllog.end(key, None, metadata or None, time_ms=time_ms)

    def header(self, submission: Mapping[str, Any]) -> None:
        """The lines that say whose run this is and of what."""
        for key, value in submission.items():
            self.event(key, value)
        # The rules want the line; to clear the system's caches is not in this program's power.
        self.event(constants.CACHE_CLEAR, False)

    def hyperparameters(self, values: Mapping[str, Any]) -> None:
        """Settings of model and optimiser under their official keys."""
        for key, value in values.items():
            # Sentences that are too long are left out of training.
            metadata: dict[str, Any] = {"method": "discard"} if key == constants.MAX_SEQUENCE_LENGTH else {}
            self.event(key, value, **metadata)
