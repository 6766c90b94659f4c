"""From an input (folder, zip, tar) to submissions, one at a time.

Folders and zips are read submission by submission, by several processes where that pays; a tar can
only be read from front to back, so its files are read as they come.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from mlperf_stats.errors import InputError
from mlperf_stats.logs.assembly import Parts
from mlperf_stats.logs.layout import CAMPAIGN_FILES, Kind, Layout, Place, SubmissionKey, repository_prefix
from mlperf_stats.logs.parallel import Pool
from mlperf_stats.logs.sources import FolderSource, Source
from mlperf_stats.model import Submission

Progress = Callable[[int, int], None]
"""Called with bytes read so far and bytes in all."""


@dataclass
class Plan:
    """The files of one input, placed; made before anything is read."""

    source: Source
    places: dict[str, Place]
    """member path → place, for every member that matters"""
    sizes: dict[str, int]
    ignored_files: int
    """Files that are no part of any submission's results; counted, not read."""

    @property
    def total_bytes(self) -> int:
        """Bytes that will be read."""
        return sum(self.sizes.values())

    @property
    def rounds(self) -> frozenset[str]:
        """Rounds of the submissions in the input."""
        return frozenset(place.submission.round for place in self.places.values())


def plan_input(source: Source, round_given: str | None = None) -> Plan:
    """List the input and place its files.

    Raises:
        InputError: the input holds no run file of any submission.
        RoundUnknownError: the round can be told neither from ``round_given`` nor from the path.
        UnsafeArchiveError: the input is an archive that breaks a limit.
    """
    members = source.members()
    campaigns = (member.path for member in members if member.path.rpartition("/")[2] in CAMPAIGN_FILES)
    layout = Layout(source.context, round_given, campaigns)
    places: dict[str, Place] = {}
    sizes: dict[str, int] = {}
    ignored = 0
    for member in members:
        place = layout.place(member.path)
        if place is None:
            ignored += 1
            continue
        places[member.path] = place
        sizes[member.path] = member.size_bytes
    if not any(place.kind is Kind.RUN for place in places.values()):
        raise InputError(
            f"{source.root}: no run files found; expected them as "
            "<submitter>/results/<system>/<benchmark>/result_*.txt"
        )
    for path, place in _descriptions_above(source, places):
        places[path], sizes[path] = place, 0
    return Plan(source, places, sizes, ignored)


def _descriptions_above(source: Source, places: dict[str, Place]) -> list[tuple[str, Place]]:
    """Descriptions beside an input that starts below its submitter's folder, for submissions without one.

    Somebody who reads one system's or one benchmark's folder still wants to know what system it is.
    """
    if not isinstance(source, FolderSource) or "results" not in source.context:
        return []
    steps = source.context[::-1].index("results") + 1  # from the input up to the submitter's folder
    described = {place.submission for place in places.values() if place.kind in (Kind.SYSTEM, Kind.ENTRY)}
    found = []
    for place in [place for place in places.values() if place.kind is Kind.RUN]:
        key = place.submission
        top = place.path.split("/results/")[0]
        candidates = [
            ("../" * steps + f"systems/{key.system_folder}.json", Kind.SYSTEM, f"{top}/systems"),
            ("../" * (steps - 2) + "entry.json", Kind.ENTRY, f"{top}/results/{key.system_folder}"),
        ]
        for path, kind, folder in candidates:
            if key not in described and (source.root / path).is_file():
                described.add(key)
                found.append((path, Place(kind, f"{folder}/{path.rpartition('/')[2]}", key)))
    return found


def read_submissions(
    plan: Plan,
    absent: Iterable[tuple[str, str]] = (),
    on_progress: Progress | None = None,
    pool: Pool | None = None,
) -> Iterator[Submission]:
    """Read every submission of a planned input, sorted by folder names.

    Args:
        plan: the placed input.
        absent: (round, path) of files that were published; those of this input's rounds and folder
            that are not in it become runs with status ``absent``.
        on_progress: called after every file, with a pool after every submission.
        pool: processes that read, for sources that can be read in parts; None reads in this one.

    Raises:
        InputError: an archive is damaged, or a process of the pool died.
    """
    missing: dict[SubmissionKey, list[Place]] = {}
    for place in _absent_places(plan, absent):
        missing.setdefault(place.submission, []).append(place)
    tasks = _tasks(plan, missing)
    meter = _Meter(plan.total_bytes, on_progress)
    if plan.source.sequential:
        yield from _read_as_it_comes(plan, tasks, meter)
    elif pool is None:
        for task in tasks:
            yield _read(plan.source, task, meter)
    else:
        for task, submission in zip(tasks, pool.in_order(_read_elsewhere, tasks), strict=True):
            meter.add(sum(plan.sizes[path] for path in task.places))
            yield submission


class _Task(NamedTuple):
    """One submission to be read: where its files are, and which of them are missing."""

    source: Source
    key: SubmissionKey
    places: dict[str, Place]
    missing: list[Place]


@dataclass
class _Meter:
    total_bytes: int
    on_progress: Progress | None = None
    done_bytes: int = 0

    def add(self, size_bytes: int) -> None:
        self.done_bytes += size_bytes
        if self.on_progress:
            self.on_progress(self.done_bytes, self.total_bytes)


def _tasks(plan: Plan, missing: dict[SubmissionKey, list[Place]]) -> list[_Task]:
    """A task for every submission that has a run file, present or absent."""
    with_runs = {place.submission for place in plan.places.values() if place.kind is Kind.RUN}
    tasks = {key: _Task(plan.source, key, {}, missing.get(key, [])) for key in sorted({*with_runs, *missing})}
    for path, place in plan.places.items():
        if place.submission in tasks:
            tasks[place.submission].places[path] = place
    return list(tasks.values())


def _read(source: Source, task: _Task, meter: _Meter) -> Submission:
    parts = Parts()
    for member, content in source.read(task.places):
        parts.add(task.places[member.path], content)
        meter.add(member.size_bytes)
    return parts.submission(task.key, task.missing)


def _read_elsewhere(task: _Task) -> Submission:
    """Read in a process of the pool."""
    return _read(_kept(task.source), task, _Meter(0))


@lru_cache(maxsize=1)
def _kept(source: Source) -> Source:
    """The first of several equal sources, so that an archive is opened once and not for every task."""
    return source


def _read_as_it_comes(plan: Plan, tasks: list[_Task], meter: _Meter) -> Iterator[Submission]:
    """Read in the source's own order; a submission is done with its last file."""
    parts = {task.key: Parts() for task in tasks}
    left = {task.key: len(task.places) for task in tasks}
    waiting = iter(tasks)
    task = next(waiting, None)
    for member, content in plan.source.read([path for task in tasks for path in task.places]):
        place = plan.places[member.path]
        parts[place.submission].add(place, content)
        meter.add(member.size_bytes)
        left[place.submission] -= 1
        while task is not None and left[task.key] == 0:
            yield parts.pop(task.key).submission(task.key, task.missing)
            task = next(waiting, None)
    while task is not None:
        yield parts.pop(task.key).submission(task.key, task.missing)
        task = next(waiting, None)


def _absent_places(plan: Plan, absent: Iterable[tuple[str, str]]) -> list[Place]:
    """Places of published run files that this input should hold but does not."""
    first, place = next(iter(plan.places.items()))
    prefix = repository_prefix(place, first)
    present = {place.path for place in plan.places.values()}
    rounds = plan.rounds
    missing = []
    for round_, path in absent:
        if round_ not in rounds or path in present or not path.startswith(prefix):
            continue
        absent_place = Layout(("v0.5.0",) if round_ == "0.5" else (), round_).place(path)
        if absent_place and absent_place.kind is Kind.RUN:
            missing.append(absent_place)
    return missing
