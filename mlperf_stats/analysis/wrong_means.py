"""What not to do: arithmetic and harmonic means of normalised results, whose order depends on the reference.

Source: Fleming and Wallace 1986, "How not to lie with statistics: the correct way to summarize benchmark
results", Commun. ACM 29(3).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from mlperf_stats.analysis.summary_parts import Entry
from mlperf_stats.analysis.summary_reference import Reference, ReferenceKind
from mlperf_stats.analysis.summary_working import geometric


def arithmetic(values: Sequence[float], weights: Sequence[float]) -> float:
    """Weighted arithmetic mean; the weights sum to 1."""
    return math.fsum(w * value for w, value in zip(weights, values, strict=True))


def harmonic(values: Sequence[float], weights: Sequence[float]) -> float:
    """Weighted harmonic mean; the weights sum to 1."""
    return 1 / math.fsum(w / value for w, value in zip(weights, values, strict=True))


MEANS: Mapping[str, Callable[[Sequence[float], Sequence[float]], float]] = {
    "geometric": geometric,
    "arithmetic": arithmetic,
    "harmonic": harmonic,
}


@dataclass(frozen=True)
class WrongMean:
    """One kind of mean of results normalised by one reference."""

    mean: str
    reference: str
    values: tuple[float, ...]
    """By submission, larger is better."""
    order: tuple[str, ...]
    """Submissions, best first."""


@dataclass(frozen=True)
class WrongMeans:
    """Every mean with every reference."""

    submissions: tuple[str, ...]
    means: tuple[WrongMean, ...]

    def flips(self, mean: str) -> bool:
        """Whether the order by this mean depends on the reference."""
        return len({one.order for one in self.means if one.mean == mean}) > 1

    def sentences(self) -> list[str]:
        """What a reader should see."""
        said = []
        for mean in MEANS:
            orders: dict[tuple[str, ...], list[str]] = {}
            for one in self.means:
                if one.mean == mean:
                    orders.setdefault(one.order, []).append(one.reference)
            if len(orders) == 1:
                said.append(f"The {mean} mean puts {next(iter(orders))[0]} first with every reference here.")
                continue
            parts = [f"{order[0]} first with reference {names[0]}" for order, names in orders.items()]
            said.append(f"The {mean} mean puts {', but '.join(parts)}: its order is the reference's doing.")
        return said

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "submissions": list(self.submissions),
            "means": [asdict(one) for one in self.means],
            "order_depends_on_reference": {mean: self.flips(mean) for mean in MEANS},
        }


def wrong_means(
    entries: Sequence[Entry], benchmarks: Sequence[str], weights: Sequence[float], reference: Reference
) -> WrongMeans:
    """Means of the submissions' results, normalised by each of them in turn and by the reference."""
    times = {entry.label: [entry.parts[name].minutes for name in benchmarks] for entry in entries}
    references = dict(times)
    if reference.kind is not ReferenceKind.NONE:
        references[reference.label] = [reference.minutes[name] for name in benchmarks]
    labels = tuple(entry.label for entry in entries)
    found = []
    for mean, function in MEANS.items():
        for label, minutes in references.items():
            values = tuple(
                function([ref / own for ref, own in zip(minutes, times[entry], strict=True)], weights)
                for entry in labels
            )
            ranked = sorted(zip(values, labels, strict=True), key=lambda pair: -pair[0])
            found.append(WrongMean(mean, label, values, tuple(name for _, name in ranked)))
    return WrongMeans(labels, tuple(found))
