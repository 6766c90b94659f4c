"""From an input (folder, zip, tar) to submissions, one at a time.

Folders and zips are read submission by submission; a tar can only be read once from front to back,
so its files are parsed as they come and put together at the end.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

from mlperf_stats.errors import InputError
from mlperf_stats.logs.layout import Kind, Layout, Place, SubmissionKey, repository_prefix
from mlperf_stats.logs.marks import UndecodableError, as_number, decode_object
from mlperf_stats.logs.power import PowerLog, read_power, run_energy
from mlperf_stats.logs.runs import merge_problems, read_run
from mlperf_stats.logs.sources import Source
from mlperf_stats.logs.systems import read_system
from mlperf_stats.model import Problem, ResultLogs, Run, RunStatus, Submission, System

Progress = Callable[[int, int], None]
"""Called with bytes read so far and bytes in all."""


@dataclass
class _Parts:
    """What has been read of one submission so far."""

    system: System | None = None
    entry: System | None = None
    runs: dict[str, dict[str, Run]] = field(default_factory=dict)
    """benchmark folder → path → run"""
    scaling: dict[str, tuple[float, tuple[Problem, ...]]] = field(default_factory=dict)
    power: dict[tuple[str, str], list[PowerLog]] = field(default_factory=dict)


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
    """
    layout = Layout(source.context, round_given)
    places: dict[str, Place] = {}
    sizes: dict[str, int] = {}
    ignored = 0
    for member in source.members():
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
    return Plan(source, places, sizes, ignored)


def read_submissions(
    plan: Plan, absent: Iterable[tuple[str, str]] = (), on_progress: Progress | None = None
) -> Iterator[Submission]:
    """Read every submission of a planned input, sorted by folder names.

    Args:
        plan: the placed input.
        absent: (round, path) of files that were published; those of this input's rounds and folder
            that are not in it become runs with status ``absent``.
        on_progress: called after every file.
    """
    missing: dict[SubmissionKey, list[Place]] = {}
    for place in _absent_places(plan, absent):
        missing.setdefault(place.submission, []).append(place)
    groups = _groups(plan, missing)
    meter = _Meter(plan.total_bytes, on_progress)
    if plan.source.sequential:
        parts = _read_files(plan, [path for paths in groups.values() for path in paths], meter)
        for key in groups:
            yield _assemble(key, parts.pop(key, _Parts()), missing.get(key, []))
    else:
        for key, paths in groups.items():
            parts = _read_files(plan, paths, meter)
            yield _assemble(key, parts.get(key, _Parts()), missing.get(key, []))


@dataclass
class _Meter:
    total_bytes: int
    on_progress: Progress | None
    done_bytes: int = 0

    def add(self, size_bytes: int) -> None:
        self.done_bytes += size_bytes
        if self.on_progress:
            self.on_progress(self.done_bytes, self.total_bytes)


def _groups(plan: Plan, missing: Iterable[SubmissionKey]) -> dict[SubmissionKey, list[str]]:
    """Member paths of every submission that has a run file, present or absent."""
    with_runs = {place.submission for place in plan.places.values() if place.kind is Kind.RUN}
    groups: dict[SubmissionKey, list[str]] = {key: [] for key in sorted({*with_runs, *missing})}
    for path, place in plan.places.items():
        if place.submission in groups:
            groups[place.submission].append(path)
    return groups


def _read_files(plan: Plan, paths: list[str], meter: _Meter) -> dict[SubmissionKey, _Parts]:
    parts: dict[SubmissionKey, _Parts] = {}
    for member, content in plan.source.read(paths):
        place = plan.places[member.path]
        _read_file(parts.setdefault(place.submission, _Parts()), place, content)
        meter.add(member.size_bytes)
    return parts


def _absent_places(plan: Plan, absent: Iterable[tuple[str, str]]) -> list[Place]:
    """Places of published run files that this input should hold but does not."""
    first, place = next(iter(plan.places.items()))
    prefix = repository_prefix(place, first)
    present = {place.path for place in plan.places.values()}
    missing = []
    for round_, path in absent:
        if round_ not in plan.rounds or path in present or not path.startswith(prefix):
            continue
        absent_place = Layout(("v0.5.0",) if round_ == "0.5" else (), round_).place(path)
        if absent_place and absent_place.kind is Kind.RUN:
            missing.append(absent_place)
    return missing


def _read_file(parts: _Parts, place: Place, content: bytes | OSError) -> None:
    if place.kind is Kind.RUN:
        run = _unreadable(place, content) if isinstance(content, OSError) else read_run(content, place.path)
        parts.runs.setdefault(place.benchmark_folder, {})[place.path] = run
    elif place.kind is Kind.POWER:
        log = (
            PowerLog(place.path, True, None, (Problem("power-log-unsound", f"{place.path}: {content}"),))
            if isinstance(content, OSError)
            else read_power(content, place.path)
        )
        parts.power.setdefault((place.benchmark_folder, place.run_stem), []).append(log)
    elif place.kind is Kind.SCALING:
        parts.scaling[place.benchmark_folder] = _read_scaling(content, place.path)
    elif isinstance(content, OSError):
        parts.system = System(place.path, problems=(Problem("system-unreadable", str(content)),))
    elif place.kind is Kind.SYSTEM:
        parts.system = read_system(content, place.path)
    else:
        parts.entry = read_system(content, place.path)


def _unreadable(place: Place, error: OSError) -> Run:
    return Run(place.path, RunStatus.UNREADABLE, problems=(Problem("file-unreadable", str(error)),))


def _read_scaling(content: bytes | OSError, path: str) -> tuple[float, tuple[Problem, ...]]:
    try:
        factor = (
            None if isinstance(content, OSError) else as_number(decode_object(content).get("scaling_factor"))
        )
    except UndecodableError:
        factor = None
    if factor is None or factor <= 0:
        return 1.0, (Problem("scaling-unreadable", f"{path}: no positive scaling_factor; none is applied"),)
    return factor, ()


def _assemble(key: SubmissionKey, parts: _Parts, missing: list[Place]) -> Submission:
    for place in missing:
        parts.runs.setdefault(place.benchmark_folder, {})[place.path] = Run(place.path, RunStatus.ABSENT)
    system = parts.system or parts.entry
    if system is None:
        system = System("", problems=(Problem("system-missing", "no system description was filed"),))
    results = []
    for folder, runs in sorted(parts.runs.items()):
        for benchmark, members in _split_by_benchmark(folder, runs).items():
            factor, problems = parts.scaling.get(folder, (1.0, ()))
            results.append(
                ResultLogs(
                    benchmark=benchmark,
                    folder=folder,
                    path=next(iter(members)).rpartition("/")[0],
                    runs=tuple(_with_energy(run, parts, folder) for run in _in_order(members)),
                    scaling_factor=factor,
                    problems=problems,
                )
            )
    return Submission(key.round, key.submitter, key.entry, key.system_folder, system, tuple(results))


def _split_by_benchmark(folder: str, runs: dict[str, Run]) -> dict[str, dict[str, Run]]:
    """Runs filed without a benchmark folder go by the benchmark that their log names."""
    if folder:
        return {folder: runs}
    split: dict[str, dict[str, Run]] = {}
    for path, run in runs.items():
        split.setdefault(run.logged_benchmark or "unknown", {})[path] = run
    return split


def _in_order(runs: dict[str, Run]) -> list[Run]:
    """Runs by file name, numbers compared as numbers (result_2 before result_10)."""
    return [runs[path] for path in sorted(runs, key=_natural)]


def _natural(path: str) -> list[tuple[int, str]]:
    return [
        (int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d{1,15})", path) if part
    ]


def _with_energy(run: Run, parts: _Parts, folder: str) -> Run:
    logs = parts.power.get((folder, run.file_name.split(".", 1)[0]))
    if not logs:
        return run
    energy, problems = run_energy(sorted(logs, key=lambda log: log.path), run.minutes)
    return replace(run, energy_joules=energy, problems=tuple(merge_problems((*run.problems, *problems))))
