"""The files of one submission, put together as they are read."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from mlperf_stats.logs.layout import Kind, Place, SubmissionKey
from mlperf_stats.logs.marks import UndecodableError, as_number, decode_object
from mlperf_stats.logs.power import PowerLog, read_power, run_energy
from mlperf_stats.logs.problems import merge_problems
from mlperf_stats.logs.runs import read_run
from mlperf_stats.logs.systems import read_system
from mlperf_stats.model import Problem, ResultLogs, Run, RunStatus, Submission, System


@dataclass(slots=True)
class Parts:
    """What has been read of one submission so far."""

    system: System | None = None
    entry: System | None = None
    runs: dict[str, dict[str, Run]] = field(default_factory=dict)
    """benchmark folder → path → run"""
    scaling: dict[str, tuple[float, tuple[Problem, ...]]] = field(default_factory=dict)
    power: dict[tuple[str, str], list[PowerLog]] = field(default_factory=dict)

    def add(self, place: Place, content: bytes | OSError) -> None:
        """Read one file; one that could not be opened comes with its error."""
        match place.kind:
            case Kind.RUN:
                self.runs.setdefault(place.benchmark_folder, {})[place.path] = _run(place, content)
            case Kind.POWER:
                logs = self.power.setdefault((place.benchmark_folder, place.run_stem), [])
                logs.append(_power(place, content))
            case Kind.SCALING:
                self.scaling[place.benchmark_folder] = _scaling(place, content)
            case Kind.SYSTEM:
                self.system = _system(place, content)
            case Kind.ENTRY:
                self.entry = _system(place, content)

    def submission(self, key: SubmissionKey, missing: list[Place]) -> Submission:
        """Everything together, with absent runs in the places of ``missing`` files."""
        for place in missing:
            self.runs.setdefault(place.benchmark_folder, {})[place.path] = Run(place.path, RunStatus.ABSENT)
        system = self.system or self.entry
        if system is None:
            system = System("", problems=(Problem("system-missing", "no system description was filed"),))
        results = []
        for folder, runs in sorted(self.runs.items()):
            factor, problems = self.scaling.get(folder, (1.0, ()))
            for benchmark, paths in _by_benchmark(folder, runs).items():
                results.append(
                    ResultLogs(
                        benchmark=benchmark,
                        folder=folder,
                        path=paths[0].rpartition("/")[0],
                        runs=tuple(
                            self._with_energy(runs[path], folder) for path in sorted(paths, key=_natural)
                        ),
                        scaling_factor=factor,
                        problems=problems,
                    )
                )
        return Submission(key.round, key.submitter, key.entry, key.system_folder, system, tuple(results))

    def _with_energy(self, run: Run, folder: str) -> Run:
        logs = self.power.get((folder, run.file_name.split(".", 1)[0]))
        if not logs:
            return run
        energy, problems = run_energy(sorted(logs, key=lambda log: log.path), run.minutes)
        merged = tuple(merge_problems((*run.problems, *problems)))
        return replace(run, energy_joules=energy, problems=merged)


def _run(place: Place, content: bytes | OSError) -> Run:
    if isinstance(content, OSError):
        problem = Problem("file-unreadable", str(content))
        return Run(place.path, RunStatus.UNREADABLE, problems=(problem,))
    return read_run(content, place.path)


def _power(place: Place, content: bytes | OSError) -> PowerLog:
    if isinstance(content, OSError):
        problem = Problem("power-log-unsound", f"{place.path}: {content}")
        return PowerLog(place.path, True, None, (problem,))
    return read_power(content, place.path)


def _system(place: Place, content: bytes | OSError) -> System:
    if isinstance(content, OSError):
        return System(place.path, problems=(Problem("system-unreadable", str(content)),))
    return read_system(content, place.path)


def _scaling(place: Place, content: bytes | OSError) -> tuple[float, tuple[Problem, ...]]:
    factor = None
    if not isinstance(content, OSError):
        try:
            factor = as_number(decode_object(content).get("scaling_factor"))
        except UndecodableError:
            factor = None
    if factor is None or factor <= 0:
        detail = f"{place.path}: no positive scaling_factor; none is applied"
        return 1.0, (Problem("scaling-unreadable", detail),)
    if factor == 1:
        return factor, (Problem("scaling-is-one", f"{place.path}: the factor is 1, as without the file"),)
    return factor, ()


def _by_benchmark(folder: str, runs: dict[str, Run]) -> dict[str, list[str]]:
    """Paths by benchmark: runs filed without a benchmark folder go by the one that their log names."""
    if folder:
        return {folder: list(runs)}
    split: dict[str, list[str]] = {}
    for path, run in runs.items():
        split.setdefault(run.logged_benchmark or "unknown", []).append(path)
    return split


def _natural(path: str) -> list[tuple[int, str]]:
    """Numbers compared as numbers: result_2 before result_10."""
    return [
        (int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d{1,15})", path) if part
    ]
