"""What a path inside a results repository is: a run file, a system description, a power log, …

Two layouts exist. v0.6 and later: ``<submitter>/results/<system>/<benchmark>/result_*.txt`` with
``<submitter>/systems/<system>.json``; v0.5: ``v0.5.0/<submitter>/<entry…>/results/<system>/…`` with
``entry.json`` beside the benchmarks. The input may start at any level of them, or above.
"""

from __future__ import annotations

import fnmatch
import re
from dataclasses import dataclass
from enum import Enum

from mlperf_stats.errors import RoundUnknownError

_ROUND_FOLDER = re.compile(
    r"^(?:.*training[-_]results[-_])?v(\d+\.\d+)(?:\.\d+)?(?:-(?:main|master))?$", re.IGNORECASE
)


class Kind(Enum):
    """What a file is to us."""

    RUN = "run"
    SYSTEM = "system"
    ENTRY = "entry"
    SCALING = "scaling"
    POWER = "power"


@dataclass(frozen=True, slots=True, order=True)
class SubmissionKey:
    """Identity of a submission: folder names, never names from inside files."""

    round: str
    submitter: str
    entry: str
    system_folder: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where a file stands in the layout."""

    kind: Kind
    path: str
    """Relative to the root of the results repository."""
    submission: SubmissionKey
    benchmark_folder: str = ""
    run_stem: str = ""
    """For power logs: name of the run file they belong to, up to the first dot."""


class Layout:
    """Places the files of one input."""

    def __init__(self, context: tuple[str, ...], round_given: str | None) -> None:
        """``context``: names of the folders around the input; ``round_given``: the user's word, or None."""
        self._context = context
        self._round_given = round_given

    def place(self, path: str) -> Place | None:
        """What ``path`` (relative to the input, ``/``-separated) is; None if it is nothing to us.

        Raises:
            RoundUnknownError: it belongs to a submission, but to which round cannot be told.
        """
        parts = (*self._context, *path.split("/"))
        anchor = _last_results(parts)
        if len(parts) >= 3 and parts[-2] == "systems" and parts[-1].endswith(".json"):
            return self._system(parts)
        if anchor is None:
            return None
        kind, benchmark_folder, run_stem = _kind_below(parts[anchor + 1 :])
        if kind is None:
            return None
        round_, submitter, entry, top = self._owner(parts, anchor)
        key = SubmissionKey(round_, submitter, entry, parts[anchor + 1])
        return Place(kind, "/".join(parts[top:]), key, benchmark_folder, run_stem)

    def _system(self, parts: tuple[str, ...]) -> Place:
        round_, submitter, entry, top = self._owner(parts, len(parts) - 2)
        key = SubmissionKey(round_, submitter, entry, parts[-1].removesuffix(".json"))
        return Place(Kind.SYSTEM, "/".join(parts[top:]), key)

    def _owner(self, parts: tuple[str, ...], anchor: int) -> tuple[str, str, str, int]:
        """Round, submitter and entry of the tree whose ``results`` or ``systems`` is ``parts[anchor]``.

        The last item is the index of the repository root's first child on the way there.
        """
        named = next((i for i in range(anchor - 1, -1, -1) if _ROUND_FOLDER.match(parts[i])), None)
        found = _ROUND_FOLDER.match(parts[named]) if named is not None else None
        round_ = self._round_given or (found[1] if found else None)
        if round_ is None:
            raise RoundUnknownError(
                f"{'/'.join(parts[max(0, anchor - 2) : anchor + 2])}: the path does not tell "
                "the MLPerf round (like training_results_v5.0); name it with --round 5.0"
            )
        submitter_at = max(anchor - 1, 0)
        if round_ != "0.5":
            return round_, parts[submitter_at], "", submitter_at
        if named is not None and named < anchor - 1:
            submitter_at = named + 1
        elif len(self._context) < anchor:
            submitter_at = len(self._context)
        top = submitter_at - 1 if submitter_at and parts[submitter_at - 1] == "v0.5.0" else submitter_at
        return round_, parts[submitter_at], "/".join(parts[submitter_at + 1 : anchor]), top


def repository_prefix(place: Place, member_path: str) -> str:
    """Path of the input's own root relative to the repository root, from one placed member."""
    inner = len(member_path.split("/"))
    parts = place.path.split("/")
    return "/".join(parts[: max(0, len(parts) - inner)])


def _last_results(parts: tuple[str, ...]) -> int | None:
    """Index of the ``results`` folder that has at least a system folder and a file below it."""
    for index in range(len(parts) - 3, -1, -1):
        if parts[index] == "results":
            return index
    return None


def _kind_below(below: tuple[str, ...]) -> tuple[Kind | None, str, str]:
    """Kind, benchmark folder and run stem of a path below ``results``: (system, …, file)."""
    name = below[-1]
    is_run = fnmatch.fnmatchcase(name, "result_*.txt")
    if len(below) == 2 and (is_run or name == "entry.json"):
        return (Kind.RUN if is_run else Kind.ENTRY), "", ""
    if len(below) == 3 and (is_run or name == "scaling.json"):
        return (Kind.RUN if is_run else Kind.SCALING), below[1], ""
    is_power = len(below) == 5 and below[2] == "power"
    if is_power and (fnmatch.fnmatchcase(name, "node_*.txt") or fnmatch.fnmatchcase(name, "sw_*.txt")):
        return Kind.POWER, below[1], below[3]
    return None, "", ""
