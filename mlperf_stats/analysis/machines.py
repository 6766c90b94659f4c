"""What a user names: a result, a system with all its results, or one machine under several folders.

Published rows often list one machine once per framework, in folders of their own. Such folders are joined
only when asked for (``+`` between names, or a glob), and only if nothing but the framework differs.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from mlperf_stats.analysis.like_with_like import FRAMEWORK, Difference, difference
from mlperf_stats.errors import NotComparableError, NotFoundError
from mlperf_stats.store.database import Store
from mlperf_stats.store.queries import StoredResult, list_results

JOIN = "+"
_SHOWN = 5


@dataclass(frozen=True)
class Machine:
    """One system, maybe joined from folders, with its results."""

    label: str
    results: tuple[StoredResult, ...]
    overrides: tuple[Difference, ...]
    """What the user took on by joining folders."""

    @property
    def benchmarks(self) -> tuple[str, ...]:
        """Names, in order."""
        return tuple(result.benchmark for result in self.results)


def system_of(result: StoredResult) -> str:
    """The result's id without the benchmark."""
    return result.result_id.rpartition("/")[0]


class Catalogue:
    """The results of a store by what they may be called."""

    def __init__(self, store: Store) -> None:
        self.results = {result.result_id: result for result in list_results(store)}
        self.systems: dict[str, list[StoredResult]] = {}
        for result in self.results.values():
            self.systems.setdefault(system_of(result), []).append(result)

    def named(self, text: str, allow: frozenset[str]) -> StoredResult | Machine:
        """The result, or else the machine, of that name: an id, a part or glob of it, or ids joined by ``+``.

        Raises:
            NotFoundError: nothing fits, or several things do.
            NotComparableError: as :meth:`machine`.
        """
        results = _fitting(text, self.results)
        if len(results) == 1 and not _fitting(text, self.systems, parts=False):
            return self.results[results[0]]
        return self.machine(text, allow)

    def machine(self, text: str, allow: frozenset[str]) -> Machine:
        """The machine of that name.

        Raises:
            NotFoundError: no system fits.
            NotComparableError: the folders are not one machine, or differ in framework and the user did not
                allow it, or hold a benchmark twice.
        """
        folders = self._folders(text)
        if not folders:
            raise NotFoundError(self._unknown(text))
        results = tuple(result for folder in folders for result in self.systems[folder])
        if len(folders) == 1:
            return Machine(folders[0], results, ())
        overrides = _joined(folders, results, allow)
        label = _glob_of(folders)
        return Machine(label, results, (*overrides, Difference(f"folders of {label}", tuple(folders))))

    def _folders(self, text: str) -> list[str]:
        whole = _fitting(text, self.systems)
        if whole or JOIN not in text:
            return whole
        parts = [_fitting(part, self.systems) for part in text.split(JOIN)]
        return list(dict.fromkeys(name for found in parts for name in found)) if all(parts) else []

    def _unknown(self, text: str) -> str:
        wanted = f"*{text.strip().lower()}*"
        within = [name for name in self.systems if fnmatch.fnmatchcase(name.lower(), wanted)]
        if within:
            more = f" and {len(within) - _SHOWN} more" if len(within) > _SHOWN else ""
            return f"{text!r} is part of {len(within)} systems: {', '.join(within[:_SHOWN])}{more}; name one"
        for name in _fitting(text, self.results):
            one = self.results[name]
            return f"{name} is a single result; name {system_of(one)} and --benchmark {one.benchmark}"
        close = get_close_matches(text, [*self.systems, *self.results], n=3, cutoff=0.5)
        hint = f"did you mean {', '.join(close)}?" if close else "'mlperf-stats results' lists them all"
        return f"no result or system is called {text!r}; {hint}"


def _fitting(text: str, names: Collection[str], *, parts: bool = True) -> list[str]:
    """The names that a text stands for: itself, else a glob of the whole, else the only one it is part of."""
    wanted = text.strip().strip("/").replace("…", "*").lower().removeprefix("v")
    by_folded: dict[str, list[str]] = {}
    for name in names:
        by_folded.setdefault(name.lower(), []).append(name)
    found = [wanted] if wanted in by_folded else fnmatch.filter(by_folded, wanted)
    if not found and parts:
        within = fnmatch.filter(by_folded, f"*{wanted}*")
        found = within if len(within) == 1 else []
    return [name for folded in found for name in by_folded[folded]]


def _glob_of(folders: Sequence[str]) -> str:
    """What folders of one submitter have in common and a star; all their names where that is not much."""
    first, last = min(folders), max(folders)
    same = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))
    return f"{first[:same]}*" if first[:same].count("/") == first.count("/") else JOIN.join(folders)


def _joined(
    folders: Sequence[str], results: Sequence[StoredResult], allow: frozenset[str]
) -> tuple[Difference, ...]:
    """What differs between folders that are joined; refuses all but the framework."""
    facts: dict[str, Callable[[StoredResult], str]] = {
        "round": lambda result: result.round,
        "division": lambda result: result.division,
        "submitter": lambda result: result.submitter,
        "availability": lambda result: result.availability,
        "accelerator": lambda result: result.accelerator,
        "number of accelerators": lambda result: str(result.accelerators or ""),
        "nodes": lambda result: str(result.nodes or ""),
        "host processor": lambda result: result.host_processor,
    }
    found = [difference(kind, [fact(result) for result in results]) for kind, fact in facts.items()]
    differing = tuple(one for one in found if one is not None)
    named = f"{len(folders)} folders ({', '.join(folders[:_SHOWN])}{', …' if len(folders) > _SHOWN else ''})"
    if differing:
        raise NotComparableError(
            f"{named} are not one machine of one submission: they differ in "
            f"{', '.join(map(str, differing))}; name one folder, or folders of one machine",
            differing,
        )
    names = [result.benchmark for result in results]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise NotComparableError(f"{named} hold {', '.join(twice)} more than once; name folders that do not")
    framework = difference(FRAMEWORK, [result.framework for result in results])
    if framework and FRAMEWORK not in allow:
        raise NotComparableError(
            f"{named} differ in {framework}: a submission result set has one; name one folder, or add "
            "--allow framework, which is then printed with the figures",
            (framework,),
        )
    return (framework,) if framework else ()
