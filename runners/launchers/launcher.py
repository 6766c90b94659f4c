"""What the dispatcher asks of a launcher."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Protocol

from mlperf_runners.campaign.folder import Attempt

STANDARD_OUTPUT = "stdout"
STANDARD_ERROR = "stderr"


class Cause(Enum):
    """Why an attempt without a result ended, as far as its files do not say."""

    DIED = "died"
    """For reasons outside the training: another attempt may succeed."""
    TIMED_OUT = "timed out"
    STORAGE_FULL = "storage full"
    """So full that not even that could be written."""


@dataclass(frozen=True, slots=True)
class Ended:
    """An attempt that does not run any more. Whether it has a result, its files say."""

    attempt: Attempt
    cause: Cause
    detail: str = ""
    """Exit code or signal, for a person."""


class Launcher(Protocol):
    """Starts attempts and watches them."""

    capacity: int
    """How many attempts may run at once."""

    def adopt(self, attempts: Sequence[Attempt]) -> list[Attempt]:
        """Those of an earlier session's attempts that still run; from now on they are watched here."""

    def start(self, attempts: Sequence[Attempt]) -> None:
        """Start attempts whose folders exist; at most as many as there is capacity left."""

    def wait(self, seconds: float) -> list[Ended]:
        """Attempts that have ended since the last call; waits at most ``seconds`` for the first."""

    def stop(self) -> None:
        """End everything that was started and still runs, and wait until it is gone."""


def last_words(folder: Path) -> str:
    """The last line with words that an attempt wrote to its standard error."""
    try:
        text = (folder / STANDARD_ERROR).read_bytes()[-4096:].decode("utf-8", "replace")
    except OSError:
        return ""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1].removeprefix("mlperf-stats: ") if lines else ""
