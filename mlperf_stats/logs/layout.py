"""What a path inside a results repository is: a run file, a system description, a power log, …

Two layouts exist. v0.6 and later: ``<submitter>/results/<system>/<benchmark>/result_*.txt`` with
``<submitter>/systems/<system>.json``; v0.5: ``v0.5.0/<submitter>/<entry…>/results/<system>/…`` with
``entry.json`` beside the benchmarks. The input may start at any level of them, or above.

A campaign of own runs has ``campaign.json`` beside ``results``, a suite of campaigns ``suite.json``; both
are read like a submitter's folder of the round ``local``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from mlperf_stats.errors import RoundUnknownError

_ROUND_FOLDER = re.compile(
    r"^(?:.*training[-_]results[-_])?v(\d+\.\d+)(?:\.\d+)?(?:-(?:main|master))?$", re.IGNORECASE
)


CAMPAIGN_FILES = frozenset({"campaign.json", "suite.json"})
CAMPAIGN_ROUND = "local"


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


@dataclass(slots=True)
class _Folder:
    """What a folder of the input may hold; many files share one, so it is looked at once."""

    parts: tuple[str, ...]
    holds_systems: bool
    anchor: int | None
    """Index of the ``results`` folder in ``parts``, if any."""
    below: tuple[str, ...] = ()
    """Folders from the system folder down."""
    owner: tuple[SubmissionKey, int] | None = None


class Layout:
    """Places the files of one input."""

    def __init__(
        self, context: tuple[str, ...], round_given: str | None, campaigns: Iterable[str] = ()
    ) -> None:
        """``context``: names of the folders around the input; ``round_given``: the user's word, or None;
        ``campaigns``: paths of the campaign files in the input.
        """
        self._context = tuple(map(_valid, context))
        self._round_given = round_given
        self._folders: dict[str, _Folder] = {}
        self._campaigns = {(*self._context, *_valid(path).split("/")[:-1]) for path in campaigns}

    def place(self, path: str) -> Place | None:
        """What ``path`` (relative to the input, ``/``-separated) is; None if it is nothing to us.

        Raises:
            RoundUnknownError: it belongs to a submission, but to which round cannot be told.
        """
        folder_path, _, name = _valid(path).rpartition("/")
        folder = self._folders.get(folder_path)
        if folder is None:
            folder = self._folders[folder_path] = self._folder(folder_path)
        if folder.holds_systems and name.endswith(".json"):
            return self._system(folder, name)
        kind = _kind(folder.below, name)
        if kind is None or folder.anchor is None:
            return None
        if folder.owner is None:
            round_, submitter, entry, top = self._owner(folder.parts, folder.anchor)
            folder.owner = SubmissionKey(round_, submitter, entry, folder.below[0]), top
        key, top = folder.owner
        benchmark_folder = folder.below[1] if len(folder.below) > 1 else ""
        run_stem = folder.below[3] if kind is Kind.POWER else ""
        return Place(kind, "/".join((*folder.parts[top:], name)), key, benchmark_folder, run_stem)

    def _folder(self, path: str) -> _Folder:
        parts = (*self._context, *path.split("/")) if path else self._context
        anchor = next((i for i in range(len(parts) - 2, -1, -1) if parts[i] == "results"), None)
        holds_systems = len(parts) >= 2 and parts[-1] == "systems"
        return _Folder(parts, holds_systems, anchor, () if anchor is None else parts[anchor + 1 :])

    def _system(self, folder: _Folder, name: str) -> Place:
        round_, submitter, entry, top = self._owner(folder.parts, len(folder.parts) - 1)
        key = SubmissionKey(round_, submitter, entry, name.removesuffix(".json"))
        return Place(Kind.SYSTEM, "/".join((*folder.parts[top:], name)), key)

    def _owner(self, parts: tuple[str, ...], anchor: int) -> tuple[str, str, str, int]:
        """Round, submitter and entry of the tree whose ``results`` or ``systems`` is ``parts[anchor]``.

        The last item is the index of the repository root's first child on the way there.
        """
        named = next((i for i in range(anchor - 1, -1, -1) if _ROUND_FOLDER.match(parts[i])), None)
        found = _ROUND_FOLDER.match(parts[named]) if named is not None else None
        is_campaign = parts[:anchor] in self._campaigns
        round_ = self._round_given or (CAMPAIGN_ROUND if is_campaign else found[1] if found else None)
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


def _kind(below: tuple[str, ...], name: str) -> Kind | None:
    """Kind of a file in the folder ``results/<below>``, where ``below`` starts with the system folder."""
    is_text = name.endswith(".txt")
    if len(below) in (1, 2) and is_text and name.startswith("result_"):
        return Kind.RUN
    if len(below) == 1 and name == "entry.json":
        return Kind.ENTRY
    if len(below) == 2 and name == "scaling.json":
        return Kind.SCALING
    if len(below) == 4 and below[2] == "power" and is_text and name.startswith(("node_", "sw_")):
        return Kind.POWER
    return None


def _valid(path: str) -> str:
    """Text that every database and terminal can take, of a name whose bytes are not UTF-8."""
    return path if path.isascii() else path.encode("utf-8", "backslashreplace").decode()
