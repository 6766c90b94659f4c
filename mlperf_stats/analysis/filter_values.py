"""Filters by the names people give them; which values fit nothing, and what was probably meant."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from mlperf_stats.errors import InputError, NotFoundError
from mlperf_stats.store.database import Store
from mlperf_stats.store.queries import Filters

_SOURCES: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "rounds": ("round", "submissions", ()),
    "divisions": ("division", "submissions", ("closed", "open")),
    "availabilities": ("availability", "submissions", ("available", "preview", "research")),
    "submitters": ("submitter", "submissions", ()),
    "systems": ("system", "submissions", ()),
    "accelerators": ("accelerator", "submissions", ()),
    "benchmarks": ("benchmark", "results", ()),
}
"""By filter: its option, the table that has a column of that name, and values that are always known."""

_LISTED = 12
"""So few values are all named where none comes close."""


_LIMITS = ("min_accelerators", "max_accelerators")


def filters_of(**patterns: Any) -> Filters:
    """Filters by the names of the command line: ``filters_of(round="5.0", submitter=["dell", "nvidia"])``.

    A pattern is a case-insensitive glob; of several one must fit. ``min_accelerators`` and
    ``max_accelerators`` are whole numbers.

    Raises:
        InputError: there is no filter of a name.
    """
    fields = {option: name for name, (option, *_) in _SOURCES.items()}
    unknown = [name for name in patterns if name not in fields and name not in _LIMITS]
    if unknown:
        raise InputError(f"there is no filter {unknown[0]!r}; there are {', '.join([*fields, *_LIMITS])}")
    chosen: dict[str, Any] = {}
    for name, value in patterns.items():
        if value is None:
            continue
        if name in _LIMITS:
            chosen[name] = int(value)
        else:
            chosen[fields[name]] = (
                tuple(map(str, value)) if isinstance(value, list | tuple) else (str(value),)
            )
    return Filters(**chosen)


@dataclass(frozen=True, slots=True)
class Unmatched:
    """One value of one filter that nothing in the database has."""

    option: str
    value: str
    known: Sequence[str]

    @property
    def is_glob(self) -> bool:
        """Whether the value has wildcards, and so may fit nothing without being a mistake."""
        return any(sign in self.value for sign in "*?[")

    def sentence(self) -> str:
        """What is wrong and what to try."""
        verb = " fits" if self.is_glob else ""
        return f"no {self.option}{verb} '{self.value}' in the database; {self._advice()}"

    def _advice(self) -> str:
        if self.option == "round":
            return f"it has {', '.join(self.known) or 'none'}; 'mlperf-stats ingest' adds others"
        value = self.value.lower()
        # Of spellings that differ in case alone, the one with capitals.
        by_folded = {name.lower(): name for name in reversed(self.known)}
        close = [by_folded[name] for name in get_close_matches(value, by_folded, n=3, cutoff=0.6)]
        if close:
            return f"did you mean {' or '.join(close)}?"
        within = [name for name in by_folded if value in name]
        if within and not self.is_glob:
            return f"'*{self.value}*' fits {len(within)}, such as {by_folded[within[0]]}"
        if len(self.known) <= _LISTED:
            return f"it has {', '.join(self.known) or 'none'}"
        return "'mlperf-stats results' lists what there is"


def unmatched(store: Store, filters: Filters) -> Iterator[Unmatched]:
    """Every filter value that fits nothing in the store, other filters apart."""
    for field, (option, table, always) in _SOURCES.items():
        values = getattr(filters, field)
        if not values:
            continue
        known = sorted({*always, *_values(store, option, table)})
        folded = [name.lower() for name in known]
        for value in values:
            pattern = value.strip().lower()
            pattern = pattern.removeprefix("v") if option == "round" else pattern
            if not fnmatch.filter(folded, pattern):
                yield Unmatched(option, value, known)


def require_known(store: Store, filters: Filters) -> None:
    """Refuse values without wildcards that occur nowhere: they are typing errors, not empty answers.

    Raises:
        NotFoundError: names the first such value and what is close to it.
    """
    for entry in unmatched(store, filters):
        if not entry.is_glob:
            raise NotFoundError(entry.sentence())


def _values(store: Store, column: str, table: str) -> set[str]:
    return {
        row[0]
        for layer in store.layers
        for row in store.connection.execute(f"SELECT DISTINCT {column} FROM {layer}.{table}")
        if row[0]
    }
