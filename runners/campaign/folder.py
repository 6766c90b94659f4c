"""Runs and attempts on disk. What became of a run is read from its files, never remembered.

``runs/<index>/attempt-<k>/`` holds ``mllog.txt``, ``stdout``, ``stderr``, ``env.json`` and, written
last, ``result.json``. An attempt without it died; one that every other attempt would repeat left a
``refusal.json``. Attempts are never deleted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from mlperf_runners.campaign.files import sync_folder, write_durably
from mlperf_runners.errors import CampaignError

RESULT = "result.json"
REFUSAL = "refusal.json"
ENVIRONMENT = "env.json"
LOG = "mllog.txt"
_ATTEMPT = re.compile(r"attempt-(\d+)")


class RunResult(msgspec.Struct, frozen=True):
    """How an attempt ended that was trained to its end, converged or not."""

    status: Literal["converged", "not_converged"]
    seed: int
    minutes: float
    """Time to train, run_start to run_stop."""
    quality: float
    """The last evaluation's."""
    epochs: float
    """Training progress at the last evaluation."""
    samples: int
    wall_seconds: float
    """Of the worker, start-up included."""
    cpu_seconds: float
    waited_share: float
    """Share of the timed run that the training thread was ready but had no core."""
    contended: bool
    """True if others used the cores so much that the time is not to be trusted."""


class Refusal(msgspec.Struct, frozen=True):
    """Why an attempt was not trained that no other attempt could train either.

    It stands in a file because an exit code does not come through torchrun and Slurm.
    """

    cause: Literal["wrong input", "storage full"]
    words: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at a run."""

    index: int
    number: int
    folder: Path

    @property
    def log(self) -> Path:
        return self.folder / LOG

    def result(self) -> RunResult | None:
        """The result, None while it trains or if it died.

        Raises:
            CampaignError: the file was damaged after it was written.
        """
        try:
            return msgspec.json.decode((self.folder / RESULT).read_bytes(), type=RunResult)
        except FileNotFoundError:
            return None
        except msgspec.DecodeError as error:
            raise CampaignError(
                f"{self.folder / RESULT}: damaged ({error}); remove it and the run is repeated"
            ) from error

    def finish(self, result: RunResult) -> None:
        """Write the result: after this the attempt counts."""
        content = msgspec.json.format(msgspec.json.encode(result), indent=2) + b"\n"
        write_durably(self.folder / RESULT, content)

    def refuse(self, refusal: Refusal) -> None:
        """Say that other attempts would end in the same way, if the disk still takes it."""
        with suppress(OSError):
            write_durably(self.folder / REFUSAL, msgspec.json.encode(refusal) + b"\n")

    def refusal(self) -> Refusal | None:
        """Why the worker refused, None if it did not or could not say so."""
        with suppress(OSError, msgspec.DecodeError):
            return msgspec.json.decode((self.folder / REFUSAL).read_bytes(), type=Refusal)
        return None


def attempt_at(folder: Path) -> Attempt:
    """The attempt whose folder this is (``…/runs/<index>/attempt-<k>``)."""
    return Attempt(int(folder.parent.name), int(folder.name.removeprefix("attempt-")), folder)


class CampaignFolder:
    """The runs of one campaign."""

    def __init__(self, root: Path, results_root: Path | None = None) -> None:
        """``results_root``: where ``results`` and ``systems`` stand if not in ``root``, as in a suite."""
        self.root = root
        self.results_root = results_root or root
        self._runs = root / "runs"

    def indices(self) -> list[int]:
        """Runs that have a folder."""
        if not self._runs.is_dir():
            return []
        return sorted(int(path.name) for path in self._runs.iterdir() if path.name.isdecimal())

    def attempts(self, index: int) -> list[Attempt]:
        """Attempts at a run, first one first."""
        folder = self._runs / str(index)
        if not folder.is_dir():
            return []
        numbers = (_ATTEMPT.fullmatch(path.name) for path in folder.iterdir())
        return [
            Attempt(index, number, folder / f"attempt-{number}")
            for number in sorted(int(match[1]) for match in numbers if match)
        ]

    def counting(self, index: int) -> tuple[Attempt, RunResult] | None:
        """The attempt that counts, with its result: the first that was trained to its end."""
        for attempt in self.attempts(index):
            result = attempt.result()
            if result is not None:
                return attempt, result
        return None

    def all_counting(self) -> Iterator[tuple[Attempt, RunResult]]:
        """What counts of every run that has a result, by index."""
        for index in self.indices():
            found = self.counting(index)
            if found is not None:
                yield found

    @property
    def is_untried(self) -> bool:
        """Whether nothing was trained here yet: all attempts, if there are any, were refused."""
        attempts = (attempt for index in self.indices() for attempt in self.attempts(index))
        return all(attempt.refusal() is not None for attempt in attempts)

    def new_attempt(self, index: int) -> Attempt:
        """Make the folder of the next attempt at a run."""
        number = max((attempt.number for attempt in self.attempts(index)), default=0) + 1
        folder = self._runs / str(index) / f"attempt-{number}"
        folder.mkdir(parents=True)
        sync_folder(folder.parent)
        return Attempt(index, number, folder)

    def seconds_spent(self) -> float:
        """Wall time of all attempts, died ones up to the last sign of life in their files."""
        total = 0.0
        for index in self.indices():
            for attempt in self.attempts(index):
                result = attempt.result()
                total += result.wall_seconds if result is not None else _lifetime_seconds(attempt)
        return total


def _lifetime_seconds(attempt: Attempt) -> float:
    times: list[float] = []
    for path in attempt.folder.iterdir():
        # A worker that still runs replaces its files.
        with suppress(FileNotFoundError):
            times.append(path.stat().st_mtime)
    return max(times) - min(times) if times else 0.0
