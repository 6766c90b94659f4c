"""The nouns of MLPerf Training results, as frozen dataclasses. Imports nothing of this package.

Times of day are milliseconds since the epoch, durations are minutes; every name says its unit.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class RunStatus(StrEnum):
    """How a run ended. Everything but CONVERGED counts as non-converged for scoring.

    ABSENT is the exception: the file was published but is not at hand, so a score that needs
    it is unknown, not invalid.
    """

    CONVERGED = "converged"
    NOT_CONVERGED = "not_converged"
    INCOMPLETE = "incomplete"
    UNREADABLE = "unreadable"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with an input that was noticed, counted and kept; never a reason to stop."""

    code: str
    """Kebab-case kind, e.g. ``line-unparsable``; ``mlperf-stats explain CODE`` describes it."""
    detail: str = ""
    """What and where, for a person."""
    count: int = 1


class Evaluation(NamedTuple):
    """One measurement of model quality during a run; a tuple, because rounds have 100 000 of them."""

    elapsed_ms: float | None
    """Milliseconds since run_start; None where the log has no usable start mark."""
    point: float | None
    """Training progress at the evaluation, as logged."""
    value: float | None
    """The quality reached; None where the log holds no number."""
    metric: str = ""
    """Name of the metric where a benchmark logs several (``BBOX``, ``SEGM``, ``FID``, ``CLIP``)."""
    after_stop: bool = False
    """True if it was logged after run_stop and therefore does not belong to the timed run."""
    unit: str = ""
    """What ``point`` counts, as logged: ``epoch_num``, ``samples_count``, ``step_num``, …"""


@dataclass(frozen=True, slots=True)
class Run:
    """One training from initialisation towards the quality target, as read from one run file."""

    path: str
    """Source path relative to the root of its results repository, with ``/``."""
    status: RunStatus
    start_ms: float | None = None
    stop_ms: float | None = None
    minutes: float | None = None
    """Time to train, run_stop - run_start; None unless both marks are there."""
    evaluations: tuple[Evaluation, ...] = ()
    convergence_point: float | None = None
    """Training progress at the last evaluation at or before run_stop."""
    convergence_unit: str = ""
    """``epoch``, ``sample``, ``token`` or ``model``; see the suite table."""
    gbs: int | None = None
    seed: str | None = None
    """The seed as logged (decimal text: published logs hold numbers beyond 64 bits)."""
    train_samples: int | None = None
    content_hash: str = ""
    """SHA-256 of the file's bytes, hexadecimal; empty when the file is absent."""
    size_bytes: int = 0
    grammar: str = ""
    """``MLPv0.5.0``, ``MLL`` or ``MLLOG``; empty when no mark of any was found."""
    logged_benchmark: str = ""
    logged_division: str = ""
    energy_joules: float | None = None
    problems: tuple[Problem, ...] = ()

    @property
    def file_name(self) -> str:
        """The last component of the source path."""
        return self.path.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class System:
    """A system description as filed with a submission, spelling normalised, original kept."""

    path: str
    """Source path of the description; empty when there is none."""
    name: str = ""
    division: str = ""
    """``closed``, ``open`` or empty when it cannot be told."""
    division_as_filed: str = ""
    availability: str = ""
    """``available``, ``preview``, ``research`` or empty when it cannot be told."""
    availability_as_filed: str = ""
    accelerator: str = ""
    accelerators: int | None = None
    """Accelerators of the whole system, not per node."""
    nodes: int | None = None
    accelerators_per_node: int | None = None
    host_processor: str = ""
    host_processors: int | None = None
    """Host processors of the whole system."""
    framework: str = ""
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class ResultLogs:
    """All run files of one benchmark of one submission, before any scoring."""

    benchmark: str
    """Name of the benchmark folder, or the logged name where there is no such folder."""
    folder: str
    """The benchmark folder as filed; empty where runs lie directly in the system folder."""
    path: str
    """Path of the folder relative to the root of the results repository."""
    runs: tuple[Run, ...]
    scaling_factor: float = 1.0
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Submission:
    """One submitter's results on one system in one round: the unit of an ingest transaction."""

    round: str
    submitter: str
    entry: str
    """v0.5 entry folder below the submitter, else empty."""
    system_folder: str
    system: System
    results: tuple[ResultLogs, ...]
    problems: tuple[Problem, ...] = ()
