"""What results are normalised by: published references, another submission, own minutes, or nothing."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from mlperf_stats.analysis.like_with_like import BENCHMARK, TARGET, difference
from mlperf_stats.analysis.machines import Catalogue
from mlperf_stats.analysis.summary_parts import Entry, Part, cannot_combine, entry_of
from mlperf_stats.errors import CannotCombineError, InputError, NotComparableError, RoundUnknownError
from mlperf_stats.rules.normalise import references
from mlperf_stats.store.database import Store

PUBLISHED, NONE = "published", "none"
_UNREADABLE = (OSError, ValueError, KeyError, AttributeError, TypeError, RecursionError, csv.Error)
"""What files of another form end in."""

_BENCHMARK, _MINUTES = "benchmark", "minutes"
"""Columns of a CSV file of references."""

_LONGEST_SHOWN = 40
"""Characters of a wrong value that a message repeats."""

_FILES = (".csv", ".json")
"""What a name ends in that can only be a file."""


class ReferenceKind(StrEnum):
    """Where the reference's minutes come from."""

    NONE = "none"
    PUBLISHED = "published"
    SUBMISSION = "submission"
    FILE = "file"


@dataclass(frozen=True)
class Reference:
    """Reference results in minutes, and their runs where they are a submission's."""

    kind: ReferenceKind
    label: str
    """As it is named in every output."""
    minutes: Mapping[str, float]
    entry: Entry | None = None
    """The submission, if its uncertainty counts."""

    def part(self, benchmark: str) -> Part | None:
        """The reference's runs on a benchmark; None if the reference is exact."""
        return self.entry.parts[benchmark] if self.entry else None


def reference_for(
    store: Store,
    text: str,
    entries: Sequence[Entry],
    benchmarks: Sequence[str],
    allow: frozenset[str],
    *,
    exact: bool,
) -> Reference:
    """The reference that ``text`` names; empty: the published one where the round has it, else none.

    Args:
        store: Where submissions are looked up.
        text: ``published``, ``none``, a submission's name or the path of a CSV or JSON file.
        entries: The submissions to normalise, of one round.
        benchmarks: What is combined.
        allow: Differences the user takes on.
        exact: A submission's results are taken as exact, without the uncertainty of their runs.

    Raises:
        CannotCombineError: it lacks a benchmark.
        NotComparableError: the submission trained another workload, or to another target.
        NotFoundError, InputError: there is no such submission; the file cannot be used.
    """
    wanted = text.strip()
    if wanted == NONE or (not wanted and not _has_published(entries, benchmarks)):
        return Reference(ReferenceKind.NONE, "none (geometric mean of minutes)", {})
    if wanted in ("", PUBLISHED):
        round_name = entries[0].parts[benchmarks[0]].result.round
        minutes = _published(round_name)
        label = f"reference results published for round {round_name}, taken as exact"
        found = Reference(ReferenceKind.PUBLISHED, label, minutes)
    elif Path(wanted).is_file():
        found = Reference(ReferenceKind.FILE, f"{Path(wanted).name}, taken as exact", _read(Path(wanted)))
    elif Path(wanted).suffix.lower() in _FILES:
        raise InputError(f"{wanted}: no such file; --reference takes published, none, a submission or a file")
    else:
        found = _submission(store, wanted, entries, benchmarks, allow, exact=exact)
    _require_all(found, benchmarks)
    return found


def _require_all(found: Reference, benchmarks: Sequence[str]) -> None:
    missing = tuple(name for name in benchmarks if name not in found.minutes)
    if not missing:
        return
    if not found.minutes:
        raise CannotCombineError(
            "this round has no published reference results; name a submission or a file with --reference",
            missing,
            (),
        )
    usable = tuple(name for name in benchmarks if name in found.minutes)
    reasons = [f"the reference ({found.label}) has no result for {', '.join(missing)}"]
    raise cannot_combine(reasons, missing, usable)


def _has_published(entries: Sequence[Entry], benchmarks: Sequence[str]) -> bool:
    minutes = _published(entries[0].parts[benchmarks[0]].result.round)
    return all(name in minutes for name in benchmarks)


def _published(round_name: str) -> Mapping[str, float]:
    try:
        return references(round_name)
    except RoundUnknownError:
        return {}


def _submission(
    store: Store,
    text: str,
    entries: Sequence[Entry],
    benchmarks: Sequence[str],
    allow: frozenset[str],
    *,
    exact: bool,
) -> Reference:
    entry = entry_of(store, Catalogue(store).machine(text, allow))
    for name in benchmarks:
        if name in entry.parts:
            _require_same_workload(entry, entries[0], name, allow)
    minutes = {name: entry.parts[name].minutes for name in entry.usable}
    label = f"{entry.label}, {'taken as exact' if exact else 'its uncertainty included'}"
    return Reference(ReferenceKind.SUBMISSION, label, minutes, None if exact else entry)


def _require_same_workload(reference: Entry, entry: Entry, name: str, allow: frozenset[str]) -> None:
    rules = [one.parts[name].item.rules for one in (reference, entry)]
    found = [
        difference(BENCHMARK, [f"{one.model} on {one.dataset}" for one in rules]),
        difference(TARGET, [one.quality_target for one in rules]),
    ]
    refused = [one for one in found if one is not None and one.kind not in allow]
    if refused:
        raise NotComparableError(
            f"{reference.label} cannot be the reference of {entry.label} on {name}: they differ in "
            f"{', '.join(map(str, refused))}; name a reference of the same workload",
            tuple(refused),
        )


def _read(path: Path) -> dict[str, float]:
    """Minutes by benchmark of a JSON object, or of a CSV with the columns ``benchmark`` and ``minutes``.

    Raises:
        InputError: the file is neither, a time is not positive or a benchmark stands twice; names its place.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        cells = [
            (where, name.strip(), _number(where, value))
            for where, name, value in (_json_cells(text) if path.suffix == ".json" else _csv_cells(text))
        ]
    except _UNREADABLE as error:
        raise InputError(
            f"{os.fspath(path)}: no reference results ({error}); write CSV with the columns "
            'benchmark,minutes, or JSON like {"bert": 30.5}'
        ) from error
    wrong = [(where, name, value) for where, name, value in cells if not 0 < value < float("inf")]
    if wrong:
        where, name, value = wrong[0]
        raise InputError(
            f"{os.fspath(path)}, {where}: {name} has no positive minutes but {value:g}; write one, like 30.5"
        )
    names = [name for _, name, _ in cells]
    twice = [(where, name) for number, (where, name, _) in enumerate(cells) if name in names[:number]]
    if twice:
        where, name = twice[0]
        raise InputError(f"{os.fspath(path)}, {where}: {name} has minutes already; write each benchmark once")
    if not cells:
        raise InputError(f"{os.fspath(path)}: no benchmark has minutes; write lines like bert,30.5")
    return {name: value for _, name, value in cells}


def _number(where: str, value: object) -> float:
    try:
        if isinstance(value, bool):
            raise TypeError("no number")
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        shown = repr(value) if value else "nothing"
        cut = shown if len(shown) <= _LONGEST_SHOWN else f"{shown[:_LONGEST_SHOWN]}…"
        raise ValueError(f"{where} holds {cut}, where a number of minutes is expected, like 30.5") from None


def _csv_cells(text: str) -> Iterator[tuple[str, str, object]]:
    """Place, benchmark and what stands for its minutes, line by line."""
    reader = csv.DictReader(text.splitlines())
    lacking = [name for name in (_BENCHMARK, _MINUTES) if name not in (reader.fieldnames or ())]
    if lacking:
        raise ValueError(f"line 1 names no column {' and no column '.join(lacking)}")
    for row in reader:
        yield f"line {reader.line_num}, column {_MINUTES}", row[_BENCHMARK], row[_MINUTES]


def _json_cells(text: str) -> Iterator[tuple[str, str, object]]:
    """Place, benchmark and what stands for its minutes; a name that stands twice comes twice."""
    pairs = json.loads(text, object_pairs_hook=tuple)
    if not isinstance(pairs, tuple):
        raise TypeError("not an object")
    for name, value in pairs:
        yield f"entry {name!r}", name, value
