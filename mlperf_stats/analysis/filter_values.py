"""Filters by the names people give them; which values fit nothing, and what was probably meant."""

from __future__ import annotations

import fnmatch
import operator
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

from mlperf_stats.errors import InputError, NotFoundError
from mlperf_stats.store.database import Store
from mlperf_stats.store.queries import Filters, list_results

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

_FIELDS = {name: column for name, (column, *_) in _SOURCES.items()} | dict.fromkeys(_LIMITS, "accelerators")
"""Every filter with the column that it chooses by."""


def filters_of(**patterns: Any) -> Filters:
    """Filters by the names of the command line: ``filters_of(round="5.0", submitter=["dell", "nvidia"])``.

    A pattern is a case-insensitive glob; of several one must fit. ``min_accelerators`` and
    ``max_accelerators`` are whole numbers.

    Raises:
        InputError: there is no filter of a name, or a number of accelerators is none.
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
            chosen[name] = _whole(name, value)
        else:
            chosen[fields[name]] = (
                tuple(map(str, value)) if isinstance(value, list | tuple) else (str(value),)
            )
    return Filters(**chosen)


def _whole(name: str, value: Any) -> int:
    try:
        return operator.index(value if not isinstance(value, str) else int(value))
    except (TypeError, ValueError):
        raise InputError(f"{name} {value!r} is not a whole number; write one, such as 8") from None


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
            whole = f"{self.value.strip().lower().removeprefix('v')}.0"
            if whole in self.known:
                return f"did you mean {whole}?"
            return f"it has {', '.join(self.known) or 'none'}; 'mlperf-stats ingest' adds others"
        value = self.value.lower()
        # Of spellings that differ in case alone, the one with capitals.
        by_folded = {name.lower(): name for name in reversed(self.known)}
        close = [by_folded[name] for name in get_close_matches(value, by_folded, n=3, cutoff=0.6)]
        if close:
            return f"did you mean {' or '.join(close)}?"
        if self.is_glob and (words := self._close_words(by_folded)):
            return "; ".join(f"'*{word}*' fits {count}" for word, count in words.items())
        within = [name for name in by_folded if value in name]
        if within and not self.is_glob:
            return f"'*{self.value}*' fits {len(within)}, such as {by_folded[within[0]]}"
        if len(self.known) <= _LISTED:
            return f"it has {', '.join(self.known) or 'none'}"
        return "'mlperf-stats results' lists what there is"

    def _close_words(self, names: Collection[str]) -> dict[str, int]:
        """Words of the names that are much like the pattern without its wildcards, and how many have each."""
        known = {word for name in names for word in re.findall(r"[a-z0-9]+", name)}
        bare = self.value.lower().strip("*?")
        close = get_close_matches(bare, sorted(known), n=3, cutoff=0.6)
        return {word: sum(word in name for name in names) for word in close}


def unmatched(store: Store, filters: Filters) -> Iterator[Unmatched]:
    """Every filter value that fits nothing in the store, other filters apart."""
    for field, (option, *_) in _SOURCES.items():
        values = getattr(filters, field)
        if not values:
            continue
        known = known_values(store, field)
        folded = [name.lower() for name in known]
        for value in values:
            pattern = value.strip().lower()
            pattern = pattern.removeprefix("v") if option == "round" else pattern
            if not fnmatch.filter(folded, pattern):
                yield Unmatched(option, value, known)


def require_fitting(store: Store, filters: Filters) -> None:
    """Refuse values without wildcards that occur nowhere (typing errors), and filters that nothing fits.

    Raises:
        NotFoundError: names the first such value and what is close to it, or says what would fit.
    """
    for entry in unmatched(store, filters):
        if not entry.is_glob:
            raise NotFoundError(entry.sentence())
    if filters != Filters() and not list_results(store, filters):
        raise nothing_fits(store, filters)


def nothing_fits(store: Store, filters: Filters) -> NotFoundError:
    """What to say of filters that no result fits: which value fits nothing, or which filter is in the way."""
    missed = [entry.sentence() for entry in unmatched(store, filters)]
    if missed:
        return NotFoundError("; ".join(missed))
    ways_out = [way for name in _FIELDS if (way := _without(store, filters, name))]
    found = "; ".join(ways_out) or "'mlperf-stats results' lists what there is"
    return NotFoundError(f"no result fits all of these filters; {found}")


def _without(store: Store, filters: Filters, name: str) -> str:
    """What fits if one filter is left out; empty if it is not set, or nothing does."""
    unset = getattr(Filters(), name)
    if getattr(filters, name) == unset:
        return ""
    found = list_results(store, replace(filters, **{name: unset}))
    if not found:
        return ""
    column = _FIELDS[name]
    having = sorted({value for one in found if (value := getattr(one, column)) not in (None, "")})
    some = ", ".join(map(str, having[:_LISTED])) + (" …" if len(having) > _LISTED else "")
    option = "--" + (name if name in _LIMITS else column).replace("_", "-")
    return f"{len(found)} would without {option} ({column} {some})"


def known_values(store: Store, field: str) -> list[str]:
    """What a field of :class:`Filters` can be, in order: values in the store, and those always known."""
    option, table, always = _SOURCES[field]
    return sorted({*always, *_values(store, option, table)})


def _values(store: Store, column: str, table: str) -> set[str]:
    return {
        row[0]
        for layer in store.layers
        for row in store.connection.execute(f"SELECT DISTINCT {column} FROM {layer}.{table}")
        if row[0]
    }
