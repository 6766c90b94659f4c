"""What the installed official RCP checker computes, from its own class.

Its table of runs per benchmark lacks dlrm, for which it ships reference points; it is completed here, as
the class cannot be made without.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from mlperf_logging.rcp_checker import rcp_checker

rcp_checker.submission_runs["training"].setdefault("dlrm", 5)

MISSED = 1e9
"""How the checker marks a run that missed the target."""


@dataclass(frozen=True)
class OfficialVerdict:
    """One test by the official code; figures are None where it computes none."""

    passed: bool
    message: str
    normalisation: float
    mean: float | None = None
    limit: float | None = None
    reference_mean: float | None = None


@cache
def checker(round_name: str, benchmark: str) -> Any:
    """The official checker of a round and benchmark, statistics computed."""
    return rcp_checker.RCP_Checker("training", f"{round_name}.0", benchmark, False)


def official_verdict(
    round_name: str, benchmark: str, gbs: int, points: Sequence[float], dropped: int = 1
) -> OfficialVerdict:
    """Drive the checker's methods on convergence points (:data:`MISSED` for runs that missed the target)."""
    official = checker(round_name, benchmark)
    record, message = official._find_rcp(gbs, "pruned_rcps"), "RCP found"
    if record is None:
        low = official._find_top_min_rcp(gbs, "pruned_rcps")
        high = official._find_bottom_max_rcp(gbs, "pruned_rcps")
        if low is not None and high is not None:
            record, message = official._create_interp_rcp(gbs, low, high)[1], "RCP Interpolation"
        elif high is not None:
            record, message = official._find_min_rcp("pruned_rcps"), "smaller batch"
        else:
            return OfficialVerdict(False, "Missing RCP", 1.0)
    passed, factor = official._eval_submission_record(record, list(points), "")
    kept = sorted(points)[dropped : len(points) - dropped]
    return OfficialVerdict(
        bool(passed),
        message,
        float(factor),
        sum(kept) / len(kept),
        float(record["RCP Mean"] / record["Max Speedup"]),
        float(record["RCP Mean"]),
    )


def official_reading(folder: Path, round_name: str, trained_samples: bool) -> tuple[int, list[float] | None]:
    """Global batch size and convergence points that the checker reads from a folder of logs."""
    files = sorted(str(path) for path in folder.glob("result_*.txt"))
    gbs, points, _ = rcp_checker.get_submission_epochs(files, f"{round_name}.0", trained_samples)
    return gbs, points
