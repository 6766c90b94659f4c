"""Reference convergence points: how far the reference implementation trained, by global batch size.

They are published inside the official tool, the package ``mlperf-logging``, one JSON file per round and
benchmark; they are read from the installed package and not shipped here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from mlperf_stats.errors import NoReferenceError
from mlperf_stats.rules.suite import Benchmark, benchmark

EXTRA = "rcp"
"""The extra of this package that installs the official tool."""

_FOLDER = re.compile(r"training_(\d+\.\d+)\.\d+")
_CONVERGENCE_KEYS = ("Epochs to converge", "samples to converge")
"""The first stands for samples, steps and tokens as well; only the key differs between files."""


@dataclass(frozen=True, slots=True)
class ReferencePoint:
    """All runs of the reference at one global batch size."""

    gbs: int
    values: tuple[float, ...]
    """Convergence of each run, ascending, in the benchmark's unit of that round."""


@dataclass(frozen=True, slots=True)
class ReferenceSet:
    """The reference's convergence on one benchmark of one round."""

    benchmark: Benchmark
    points: tuple[ReferencePoint, ...]
    """By global batch size, ascending."""

    @property
    def unit(self) -> str:
        """What the values count: ``epoch``, ``sample``, ``step`` or ``token``."""
        return self.benchmark.convergence_unit


def reference_set(round_name: str, benchmark_name: str) -> ReferenceSet:
    """The reference convergence points of a benchmark.

    Raises:
        NoReferenceError: the official tool is not installed, or has none for this round and benchmark.
        RoundUnknownError, UnknownBenchmarkError: as :func:`mlperf_stats.rules.suite.benchmark`.
    """
    rules = benchmark(round_name, benchmark_name)
    return _read(rules.round, rules.name)


def reference_values(round_name: str, benchmark_name: str) -> tuple[dict[int, tuple[float, ...]], str]:
    """Convergence values of the reference by global batch size, ascending, and their unit.

    Raises as :func:`reference_set`.
    """
    found = reference_set(round_name, benchmark_name)
    return {point.gbs: point.values for point in found.points}, found.unit


def has_references(round_name: str, benchmark_name: str) -> bool:
    """Whether there are reference convergence points, and the official tool to read them from."""
    try:
        reference_set(round_name, benchmark_name)
    except NoReferenceError:
        return False
    return True


def known_references() -> list[tuple[str, str]]:
    """Round and benchmark of every reference file of the official tool, in order.

    Raises NoReferenceError if the official tool is not installed.
    """
    return [
        (round_name, path.stem.removeprefix("rcps_"))
        for round_name, folder in _folders().items()
        for path in sorted(folder.glob("rcps_*.json"))
    ]


@cache
def _read(round_name: str, name: str) -> ReferenceSet:
    import msgspec

    rules = benchmark(round_name, name)
    path = _folders().get(round_name, Path()) / f"rcps_{name}.json"
    if not path.is_file():
        having = [known for known, folder in _folders().items() if (folder / path.name).is_file()]
        where = f"rounds {', '.join(having)} have some" if having else "no round has any"
        raise NoReferenceError(f"round {round_name} has no reference convergence points for {name}; {where}")
    records: Mapping[str, Mapping[str, Any]] = msgspec.json.decode(path.read_bytes())
    points = (
        ReferencePoint(
            int(record["BS"]),
            tuple(sorted(float(v) for key in _CONVERGENCE_KEYS for v in record.get(key, ()))),
        )
        for record in records.values()
    )
    return ReferenceSet(rules, tuple(sorted(points, key=lambda point: point.gbs)))


@cache
def _folders() -> dict[str, Path]:
    """Folders of reference files in the installed official tool, by round, oldest first."""
    from importlib.util import find_spec

    spec = find_spec("mlperf_logging")
    places = list(spec.submodule_search_locations or ()) if spec else []
    if not places:
        raise NoReferenceError(
            "reference convergence points are read from the package mlperf-logging, which is not installed: "
            f"pip install 'mlperf-stats[{EXTRA}]'"
        )
    found = {
        match[1]: folder
        for folder in (Path(places[0]) / "rcp_checker").iterdir()
        if (match := _FOLDER.fullmatch(folder.name))
    }
    return dict(sorted(found.items(), key=lambda item: tuple(map(int, item[0].split(".")))))
