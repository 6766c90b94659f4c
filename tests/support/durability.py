"""Databases under attack: writers that are killed, writers and readers at once, disks that fill up."""

from __future__ import annotations

import multiprocessing
import random
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from unittest import mock

from madeup_logs import run_log, submission_files, write_tree

from mlperf_stats.analysis.export import export_table
from mlperf_stats.model import Submission
from mlperf_stats.store import open_store
from mlperf_stats.store.ingest import ingest
from mlperf_stats.store.queries import list_results, runs_of
from mlperf_stats.store.report import IngestReport
from mlperf_stats.store.writer import Written

RUNS = 5
PROCESSES = multiprocessing.get_context("forkserver")
"""Processes start fast and share nothing with this one, least of all an open database."""
PROCESSES.set_forkserver_preload([__name__])


def many_submissions(
    root: Path, number: int = 40, first_minutes: float = 10.0, evaluations: int = 40
) -> Path:
    """A round of ``number`` submissions with :data:`RUNS` runs each, the times from ``first_minutes`` on."""
    files: dict[str, bytes] = {}
    for system in range(number):
        minutes = [first_minutes + system / 100 + run for run in range(RUNS)]
        files |= submission_files("ACME", f"system-{system:03d}", "resnet", minutes)
        for run, time_minutes in enumerate(minutes):
            files[f"ACME/results/system-{system:03d}/resnet/result_{run}.txt"] = run_log(
                time_minutes, seed=run, evaluations=[(n, n / evaluations) for n in range(evaluations)]
            )
    return write_tree(root / "training_results_v5.0", files)


def exported(database: Path) -> dict[str, bytes]:
    """The exported tables of a database, after a check of the whole file."""
    with open_store(database, published=False) as store, tempfile.TemporaryDirectory() as folder:
        store.check()
        tables = {}
        for what in ("runs", "evaluations", "results"):
            path = Path(folder) / f"{what}.csv"
            export_table(store, what, None, path)
            tables[what] = path.read_bytes()
        return tables


def ingested(database: Path, tree: Path) -> IngestReport:
    """Ingest without disturbance."""
    with open_store(database, published=False, write=True) as store:
        return ingest(store, [tree])


def _ingest_and_tell(database: Path, tree: Path, jobs: int, told: Connection) -> None:
    """Ingest, telling when it begins and after every commit which submission is in."""
    add = IngestReport.add

    def add_and_tell(report: IngestReport, submission: Submission, written: Written) -> None:
        add(report, submission, written)
        told.send(submission.system_folder)

    with (
        mock.patch.object(IngestReport, "add", add_and_tell),
        mock.patch("mlperf_stats.store.ingest.WORTH_BYTES", 0),
    ):
        told.send("")
        with open_store(database, published=False, write=True) as store:
            ingest(store, [tree], jobs=jobs)


@dataclass
class Killer:
    """Kills ingests of one tree at random moments and checks what they leave."""

    tree: Path
    folder: Path
    seed: int
    jobs: int = 1
    expected: dict[str, bytes] = field(init=False)
    seconds: float = field(init=False)
    """How long an ingest takes when nobody disturbs it."""
    committed: list[int] = field(default_factory=list)
    """Submissions that the killed ingests had committed."""

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)
        undisturbed = self.folder / "undisturbed.db"
        _, self.seconds = self._ingest(undisturbed, None)
        self.expected = exported(undisturbed)

    def _ingest(self, database: Path, kill_after_s: float | None) -> tuple[list[str], float]:
        """Ingest in a process of its own and kill it; submissions it told are in, and seconds it had."""
        ours, theirs = PROCESSES.Pipe(duplex=False)
        process = PROCESSES.Process(target=_ingest_and_tell, args=(database, self.tree, self.jobs, theirs))
        process.start()
        theirs.close()
        ours.recv()
        start = time.perf_counter()
        if kill_after_s is not None:
            process.join(kill_after_s)
            process.kill()
        told = list(_received(ours))
        process.join()
        return told, time.perf_counter() - start

    def kill_once(self) -> None:
        """One more ingest into a new database, killed.

        Raises:
            AssertionError: the database does not open, lacks what was committed, or cannot be completed.
        """
        database = self.folder / f"killed-{len(self.committed)}.db"
        told, _ = self._ingest(database, self.rng.uniform(0, self.seconds))
        self.committed.append(len(told))
        if told:
            with open_store(database, published=False) as store:
                store.check()
                runs = runs_of(store, found := list_results(store))
                assert {result.system for result in found} >= set(told)
                assert {len(runs[result.key]) for result in found} == {RUNS}
        ingested(database, self.tree)
        assert exported(database) == self.expected
        for path in self.folder.glob(f"{database.name}*"):
            path.unlink()


def _received(told: Connection) -> Iterator[Any]:
    try:
        while True:
            yield told.recv()
    except EOFError:
        return


@dataclass(frozen=True, slots=True)
class Traffic:
    """What writers and readers did, and the longest that one of them took, in seconds."""

    writes: int
    reads: int
    slowest_write_s: float
    slowest_read_s: float


def _write_for(seconds: float, database: Path, trees: list[Path], told: Connection) -> None:
    slowest, number, end = 0.0, 0, time.monotonic() + seconds
    while time.monotonic() < end:
        start = time.monotonic()
        ingested(database, trees[number % len(trees)])
        number += 1
        slowest = max(slowest, time.monotonic() - start)
    told.send((number, slowest))


def _read_for(seconds: float, database: Path, told: Connection) -> None:
    """Read whole tables again and again; every submission must be of one tree, never of two."""
    slowest, number, end = 0.0, 0, time.monotonic() + seconds
    with open_store(database, published=False) as store:
        while time.monotonic() < end:
            start = time.monotonic()
            for runs in runs_of(store, list_results(store)).values():
                times = [run.minutes or 0.0 for run in runs]
                if len(runs) != RUNS or max(times) - min(times) > RUNS:
                    raise AssertionError(f"a reader saw half a submission: {times}")
            slowest = max(slowest, time.monotonic() - start)
            number += 1
    told.send((number, slowest))


def traffic(folder: Path, seconds: float, writers: int = 2, readers: int = 3) -> Traffic:
    """Writers replace one tree by another in one database while readers look.

    Raises:
        AssertionError: a writer or reader failed, or the database is not what one tree alone makes.
    """
    trees = [many_submissions(folder / name, 20, minutes) for name, minutes in (("a", 10.0), ("b", 100.0))]
    database = folder / "busy.db"
    ours, theirs = zip(*(PROCESSES.Pipe(duplex=False) for _ in range(writers + readers)), strict=True)
    # The writers begin at once, on a database that is not there yet.
    processes = [
        PROCESSES.Process(target=_write_for, args=(seconds, database, trees[:: 1 - 2 * (n % 2)], theirs[n]))
        for n in range(writers)
    ]
    for process in processes:
        process.start()
    while not database.exists() or not _has_results(database):
        time.sleep(0.01)
    processes += [
        PROCESSES.Process(target=_read_for, args=(seconds, database, theirs[writers + n]))
        for n in range(readers)
    ]
    for process in processes[writers:]:
        process.start()
    for end in theirs:
        end.close()
    told = [next(_received(end), None) for end in ours]
    for process in processes:
        process.join()
    assert None not in told, "a writer or reader died"
    ingested(database, trees[0])
    ingested(folder / "quiet.db", trees[0])
    assert exported(database) == exported(folder / "quiet.db")
    counts = [item for item in told if item]
    wrote, read = counts[:writers], counts[writers:]
    return Traffic(
        sum(n for n, _ in wrote), sum(n for n, _ in read), max(s for _, s in wrote), max(s for _, s in read)
    )


def _has_results(database: Path) -> bool:
    from mlperf_stats.errors import MlperfStatsError

    try:
        with open_store(database, published=False) as store:
            return bool(list_results(store))
    except MlperfStatsError:
        return False


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path | None]:
    """A file system of its own with little room; None where mounting is not allowed."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        yield None
        return
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def resize(folder: Path, size: str) -> None:
    """Give a small disk another size."""
    subprocess.run(["mount", "-o", f"remount,size={size}", str(folder)], check=True)
