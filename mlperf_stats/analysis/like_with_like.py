"""What results must have in common to be compared, and which differences a user may take on.

Source: MLPerf results messaging guidelines (compare like with like), and the suite table: a name may stand
for another workload in another round.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from mlperf_stats.analysis.run_sets import RunSet
from mlperf_stats.errors import InputError, NotComparableError

BENCHMARK, TARGET, DIVISION, ROUND, FRAMEWORK = "benchmark", "target", "division", "round", "framework"

KINDS = (BENCHMARK, TARGET, DIVISION, ROUND, FRAMEWORK)
"""What ``--allow`` takes."""

_SHOWN = 4


@dataclass(frozen=True, slots=True)
class Difference:
    """One fact in which results differ."""

    kind: str
    values: tuple[str, ...]
    """Distinct values, in the order of the results."""
    where: tuple[str, ...] = ()
    """Benchmarks that show it, where several were compared; empty if all of them do."""

    def __str__(self) -> str:
        return f"{self.kind} ({self.told()})"

    def told(self) -> str:
        """The values, and on which benchmarks: ``1 / 2 on bert``."""
        shown = " / ".join(value or "not stated" for value in self.values[:_SHOWN])
        more = f" and {len(self.values) - _SHOWN} more" if len(self.values) > _SHOWN else ""
        return f"{shown}{more}" + (f" on {', '.join(self.where)}" if self.where else "")

    def to_dict(self) -> dict[str, object]:
        """Plain values; ``where`` only if it says something."""
        where = {"where": list(self.where)} if self.where else {}
        return {"kind": self.kind, "values": list(self.values), **where}


def gathered(found: Mapping[str, Sequence[Difference]]) -> tuple[Difference, ...]:
    """Differences by what was compared, each once, with where it shows unless everywhere."""
    places: dict[Difference, list[str]] = {}
    for place, differing in found.items():
        for one in differing:
            places.setdefault(one, []).append(place)
    return tuple(
        one if len(where) == len(found) else replace(one, where=tuple(where)) for one, where in places.items()
    )


def listed(found: Iterable[Difference]) -> str:
    """Differences in words, each kind once: ``global batch size (1 / 2 on bert; 3 / 4 on resnet)``."""
    kinds: dict[str, list[str]] = {}
    for one in found:
        kinds.setdefault(one.kind, []).append(one.told())
    return ", ".join(f"{kind} ({'; '.join(told)})" for kind, told in kinds.items())


def allowed(names: Iterable[str]) -> frozenset[str]:
    """The kinds of difference that a user allows; several may stand in one text, with commas.

    Raises:
        InputError: there is no such kind.
    """
    kinds = {part.strip().lower() for name in names for part in name.split(",") if part.strip()}
    unknown = sorted(kinds - set(KINDS))
    if unknown:
        raise InputError(f"--allow {unknown[0]!r} is unknown; it is one of {', '.join(KINDS)}")
    return frozenset(kinds)


def difference(kind: str, values: Sequence[str]) -> Difference | None:
    """The difference between ``values``, None if they agree."""
    distinct = tuple(dict.fromkeys(values))
    return Difference(kind, distinct) if len(distinct) > 1 else None


def differences(items: Sequence[RunSet]) -> list[Difference]:
    """All differences between results that stand in the way of comparing their times."""
    found = (difference(kind, [fact(item) for item in items]) for kind, fact in _FACTS.items())
    return [one for one in found if one is not None]


def require_comparable(items: Sequence[RunSet], allow: frozenset[str]) -> tuple[Difference, ...]:
    """The differences that the user took on; refuses all others.

    Raises:
        NotComparableError: lists every difference, and which ``--allow`` would do.
    """
    found = differences(items)
    refused = [one for one in found if one.kind not in allow]
    names = ", ".join(dict.fromkeys(item.result.result_id for item in items[:_SHOWN]))
    if any(one.kind == BENCHMARK for one in found) and len({item.result.benchmark for item in items}) > 1:
        raise NotComparableError(
            f"{names}: other benchmarks take other times; name results of one benchmark", tuple(found)
        )
    if refused:
        flags = " ".join(f"--allow {one.kind}" for one in refused)
        raise NotComparableError(
            f"{names} differ in {', '.join(map(str, found))}; compare results that agree, or add {flags}, "
            "which is then printed with the figures",
            tuple(found),
        )
    return tuple(found)


def other_facts(items: Sequence[RunSet]) -> list[Difference]:
    """Differences that do not stand in the way and have to be named."""
    found = (difference(kind, [fact(item) for item in items]) for kind, fact in _NAMED.items())
    return [one for one in found if one is not None]


def _workload(item: RunSet) -> str:
    rules = item.rules
    if not rules.model:
        return rules.workload.partition("@")[0]
    return f"{rules.model} on {rules.dataset}"


_FACTS: Mapping[str, Callable[[RunSet], str]] = {
    BENCHMARK: _workload,
    TARGET: lambda item: item.rules.quality_target,
    DIVISION: lambda item: item.result.division,
    ROUND: lambda item: item.result.round,
}

_NAMED: Mapping[str, Callable[[RunSet], str]] = {
    "submitter": lambda item: item.result.submitter,
    "availability": lambda item: item.result.availability,
    "number of accelerators": lambda item: str(item.result.accelerators or ""),
    "accelerator": lambda item: item.result.accelerator,
    "framework": lambda item: item.result.framework,
    "global batch size": lambda item: str(item.gbs or ""),
    "scaling of the score by the rules, which leaves times as they are": lambda item: (
        f"× {item.result.scaling_factor:.4g}"
    ),
}
