"""Logs of the reader's own: uploaded ones, kept while the session lasts, and watched folders.

Every reading has a database of its own, in a folder that goes when the reading does. It lies over the
published results like a user's database, so that every page can show it.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mlperf_dashboards.campaigns import PLAN, RUNS
from mlperf_dashboards.data import Source, source_of
from mlperf_dashboards.settings import UPLOAD_MB
from mlperf_dashboards.uploads import Upload, safe_name
from mlperf_stats.errors import InputError
from mlperf_stats.store.database import open_store
from mlperf_stats.store.ingest import IngestProgress, IngestReport, Limits, ingest
from mlperf_stats.store.queries import list_results, runs_of

UPLOAD_LIMITS = Limits(
    file_bytes=UPLOAD_MB << 20, archive_files=20_000, archive_bytes=4 << 30, archive_ratio=400.0
)
"""What an upload may unpack to. It is read in place, and archives inside it are not opened."""

MOST_LOGS = 100
"""Single logs of one upload."""

MOST_WATCHED = 20_000
"""Files of a watched folder; a larger one is read once and not watched."""

ARCHIVES = ("zip", "tar", "gz", "tgz", "xz", "txz", "bz2", "tbz2")
LOGS = ("txt", "log")
_UNKNOWN = "benchmark"

Progress = Callable[[IngestProgress], None]


@dataclass
class Reading:
    """Logs that were read into a database of their own."""

    label: str
    source: Source
    report: IngestReport
    ids: tuple[str, ...]
    """Results that are in it."""
    logs: Path
    """What was read, to be read again into the user's database."""
    round_name: str | None
    folder: tempfile.TemporaryDirectory[str] = field(repr=False)
    """Holds the database, and the logs if they were uploaded."""


def read_upload(
    uploads: Sequence[Upload], round_name: str | None, on_progress: Progress | None = None
) -> Reading:
    """Read an archive, or single logs, that a browser sent.

    Raises:
        RoundUnknownError: the round must be named.
        InputError: more than one archive, too many logs, or no run in them.
        UnsafeArchiveError: the archive breaks a limit.
    """
    folder = tempfile.TemporaryDirectory(prefix="mlperf-stats-", ignore_cleanup_errors=True)
    try:
        archives = [item for item in uploads if not item.name.lower().endswith(LOGS)]
        if archives and len(uploads) > 1:
            raise InputError("several files with an archive among them; upload one archive, or logs alone")
        if len(uploads) > MOST_LOGS:
            raise InputError(f"{len(uploads)} files, at most {MOST_LOGS} at once; upload them as one archive")
        if archives:
            logs = Path(folder.name, safe_name(archives[0].name))
            logs.write_bytes(archives[0].getvalue())
        else:
            logs = _laid_out(uploads, Path(folder.name), round_name)
        label = uploads[0].name if len(uploads) == 1 else f"{len(uploads)} logs"
        return _read(logs, label, round_name, UPLOAD_LIMITS, folder, on_progress)
    except BaseException:
        folder.cleanup()
        raise


def read_watched(path: Path) -> Reading:
    """Read a folder, campaign or archive that the command line named.

    Raises:
        InputError: it holds no runs yet.
    """
    folder = tempfile.TemporaryDirectory(prefix="mlperf-stats-", ignore_cleanup_errors=True)
    try:
        return _read(path, path.name, None, Limits(), folder, None)
    except BaseException:
        folder.cleanup()
        raise


def keep(reading: Reading, database: Path) -> IngestReport:
    """Read the same logs into the user's database.

    Raises:
        DatabaseError: it cannot be written.
    """
    with open_store(database, published=False, write=True) as store:
        return ingest(store, [reading.logs], round=reading.round_name, limits=UPLOAD_LIMITS)


def state_of(path: Path) -> str | None:
    """A digest of names, sizes and times of what is read below ``path``; None where that is too much."""
    digest = hashlib.sha256()
    for number, (name, size, changed) in enumerate(_files(path)):
        if number >= MOST_WATCHED:
            return None
        digest.update(f"{name}\0{size}\0{changed}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _read(
    logs: Path,
    label: str,
    round_name: str | None,
    limits: Limits,
    folder: tempfile.TemporaryDirectory[str],
    on_progress: Progress | None,
) -> Reading:
    database = Path(folder.name, "reading.db")
    with open_store(database, published=False, write=True) as store:
        report = ingest(store, [logs], round=round_name, limits=limits, on_progress=on_progress)
        ids = tuple(result.result_id for result in list_results(store))
    return Reading(label, source_of(database), report, ids, logs, round_name, folder)


def _laid_out(uploads: Sequence[Upload], folder: Path, round_name: str | None) -> Path:
    """Single logs as the results of one submission, by the benchmark that each names."""
    root = folder / "uploaded"
    results = root / "results" / "system"
    named = _write(uploads, results / _UNKNOWN)
    with tempfile.TemporaryDirectory() as scratch:
        looked_at = Path(scratch, "logs.db")
        with open_store(looked_at, published=False, write=True) as store:
            ingest(store, [root], round=round_name, limits=UPLOAD_LIMITS)
            runs = [run for of in runs_of(store, list_results(store)).values() for run in of]
    for run in runs:
        benchmark = safe_name(run.logged_benchmark) if run.logged_benchmark else _UNKNOWN
        path = named[run.path.rpartition("/")[2]]
        target = results / benchmark / path.name
        target.parent.mkdir(exist_ok=True)
        path.rename(target)
    return root


def _write(uploads: Sequence[Upload], folder: Path) -> dict[str, Path]:
    folder.mkdir(parents=True)
    named = {}
    for number, item in enumerate(uploads):
        path = folder / f"result_{number}.txt"
        path.write_bytes(item.getvalue())
        named[path.name] = path
    return named


def _files(path: Path) -> Iterator[tuple[str, int, int]]:
    if path.is_file():
        status = path.stat()
        yield path.name, status.st_size, status.st_mtime_ns
        return
    for folder, below, names in os.walk(path):
        # Runs of a campaign are read once they are shown as results; until then their logs grow all the time.
        below[:] = sorted(name for name in below if name != RUNS or PLAN not in names)
        for name in sorted(names):
            try:
                status = os.stat(os.path.join(folder, name))
            except OSError:
                # A file that went between listing and looking is a change like any other.
                yield os.path.join(folder, name), -1, 0
            else:
                yield os.path.join(folder, name), status.st_size, status.st_mtime_ns
