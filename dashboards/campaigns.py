"""How far campaigns of one's own have come, as their folders say: what is planned and what became of it.

A campaign has ``campaign.json``, the plan, beside ``runs/<index>/attempt-<k>/``, where ``result.json`` is
written last. A suite, or any other folder of campaigns, has several of them right below it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

PLAN, RESULT, RUNS = "campaign.json", "result.json", "runs"
FIXED = "fixed"
_MOST_BYTES = 1 << 20
"""Plans and results are far smaller; what is not is no plan and no result."""


class _Variant(msgspec.Struct, frozen=True):
    label: str = ""


class _Stopping(msgspec.Struct, frozen=True):
    kind: str
    runs: int


class _Plan(msgspec.Struct, frozen=True):
    workload: str
    mode: str
    stopping: _Stopping
    variants: tuple[_Variant, ...] = (_Variant(),)


class _Result(msgspec.Struct, frozen=True):
    status: str


@dataclass(frozen=True, slots=True)
class Progress:
    """One campaign."""

    name: str
    workload: str
    planned: int
    """Runs, or at most so many where a rule stops earlier."""
    rule: str
    """What stops it."""
    finished: int
    """Runs that were trained to their end."""
    converged: int
    begun: int
    """Runs with an attempt and no result: in training, or died."""


def campaigns_below(path: Path) -> tuple[Path, ...]:
    """The folder if it is a campaign, else the campaigns right below it."""
    if (path / PLAN).is_file():
        return (path,)
    if not path.is_dir():
        return ()
    return tuple(sorted(below for below in path.iterdir() if (below / PLAN).is_file()))


def progress_below(path: Path) -> tuple[Progress, ...]:
    """How far each campaign of :func:`campaigns_below` has come; what is no plan is left out."""
    found = (_progress(folder) for folder in campaigns_below(path))
    return tuple(one for one in found if one is not None)


def _progress(folder: Path) -> Progress | None:
    plan = _read(folder / PLAN, _Plan)
    if plan is None:
        return None
    runs = list(_runs(folder / RUNS))
    ended = [result.status for result in runs if result is not None]
    return Progress(
        name=folder.name,
        workload=f"{plan.workload}{', mini' if plan.mode == 'mini' else ''}",
        planned=plan.stopping.runs * max(len(plan.variants), 1),
        rule="this number" if plan.stopping.kind == FIXED else f"{plan.stopping.kind}, at the latest",
        finished=len(ended),
        converged=ended.count("converged"),
        begun=len(runs) - len(ended),
    )


def _runs(folder: Path) -> Iterator[_Result | None]:
    """For each run that was begun the result of its first attempt that has one."""
    if not folder.is_dir():
        return
    for run in folder.iterdir():
        attempts = sorted(run.glob("attempt-*")) if run.name.isdecimal() else []
        if attempts:
            results = (_read(attempt / RESULT, _Result) for attempt in attempts)
            yield next((result for result in results if result is not None), None)


def _read(path: Path, kind: Any) -> Any:
    """The file as a ``kind``; None where it is not there, being written, or something else."""
    try:
        with path.open("rb") as file:
            return msgspec.json.decode(file.read(_MOST_BYTES), type=kind)
    except (OSError, msgspec.DecodeError, RecursionError):
        return None
