"""How far the reference implementation trained, as moments: for whoever pools it with other runs.

``reference_moments.csv`` stands beside this module, so that figures do not depend on whether the official
tool is installed. It holds number, mean and standard deviation of log convergence for every round,
benchmark and batch size that the package ``mlperf-logging`` has reference convergence points of, and is
written by ``python -m mlperf_stats.rules.reference_moments`` where that package is installed. The points
themselves are read by :mod:`mlperf_stats.rules.rcp_data`.
"""

from __future__ import annotations

import csv
import math
import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from mlperf_stats.errors import UnknownBenchmarkError
from mlperf_stats.rules.rcp_data import known_references, reference_set

COLUMNS = ("round", "benchmark", "unit", "gbs", "runs", "log_mean", "log_sd")
_FILE = "reference_moments.csv"
_DIGITS = 9


@dataclass(frozen=True, slots=True)
class ReferenceMoments:
    """All runs of the reference at one global batch size; natural logarithms of convergence."""

    gbs: int
    unit: str
    """What convergence counts: ``epoch``, ``sample``, ``step`` or ``token``."""
    runs: int
    log_mean: float
    log_sd: float
    """Sample standard deviation; 0 for a single run."""


def reference_moments(round_name: str, benchmark: str) -> tuple[ReferenceMoments, ...]:
    """Moments of the reference by batch size, ascending; empty where there is no reference."""
    return _table().get((round_name, benchmark), ())


@cache
def _table() -> Mapping[tuple[str, str], tuple[ReferenceMoments, ...]]:
    found: dict[tuple[str, str], list[ReferenceMoments]] = {}
    text = files("mlperf_stats.rules").joinpath(_FILE).read_text(encoding="utf-8")
    for row in csv.DictReader(text.splitlines()):
        moments = ReferenceMoments(
            int(row["gbs"]), row["unit"], int(row["runs"]), float(row["log_mean"]), float(row["log_sd"])
        )
        found.setdefault((row["round"], row["benchmark"]), []).append(moments)
    return {key: tuple(rows) for key, rows in found.items()}


def moments_of_installed() -> list[dict[str, str]]:
    """Rows with :data:`COLUMNS` from the installed official tool.

    Raises NoReferenceError if it is not installed.
    """
    rows = []
    for round_name, name in known_references():
        try:
            references = reference_set(round_name, name)
        except UnknownBenchmarkError:
            continue  # Left in the official tool from an earlier round.
        for point in references.points:
            logs = [math.log(value) for value in point.values]
            figures = (
                round_name, name, references.unit, point.gbs, len(logs),
                f"{statistics.fmean(logs):.{_DIGITS}g}",
                f"{statistics.stdev(logs) if len(logs) > 1 else 0.0:.{_DIGITS}g}",
            )  # fmt: skip
            rows.append(dict(zip(COLUMNS, map(str, figures), strict=True)))
    return rows


def main() -> None:
    """Write the table beside this module."""
    with Path(__file__).with_name(_FILE).open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(moments_of_installed())


if __name__ == "__main__":
    main()
