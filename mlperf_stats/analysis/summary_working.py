"""The arithmetic of custom summary results: one submission's times as terms of sums of logarithms."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from mlperf_stats.analysis.compare_rows import SAME_LOGS, shared_logs
from mlperf_stats.analysis.lenders import Lenders
from mlperf_stats.analysis.one_benchmark import same_workload
from mlperf_stats.analysis.summary_parts import Entry, Part, controlled_law, own_mean
from mlperf_stats.analysis.summary_reference import Reference, ReferenceKind
from mlperf_stats.analysis.summary_types import Component, Summary, SummaryRatio
from mlperf_stats.store.database import Store

if TYPE_CHECKING:
    from mlperf_stats.stats.log_sums import LogTerms

WEIGHT_FACTOR = 2.0
"""The sensitivity to weights lets each be halved and doubled."""

_LARGEST_LOG = 700.0


class Times:
    """The log times of all results that a report needs, once each, as terms of sums of logarithms."""

    def __init__(self, store: Store, parts: Sequence[Part], interval: str) -> None:
        unique = {part.result.key: part for part in parts}
        self.number = {key: number for number, key in enumerate(unique)}
        self.terms, self.warnings = _log_terms(store, list(unique.values()), interval)

    def coefficients(self, *sums: tuple[Sequence[Part], Sequence[float]]) -> list[float]:
        """One coefficient per term; a result that enters with both signs cancels."""
        found = [0.0] * len(self.number)
        for parts, weights in sums:
            for part, weight in zip(parts, weights, strict=True):
                found[self.number[part.result.key]] += weight
        return found

    def warnings_of(self, part: Part) -> tuple[str, ...]:
        """What to know of a result's times."""
        return self.warnings[self.number[part.result.key]]


class Working:
    """One submission on its way to its summary."""

    def __init__(
        self, entry: Entry, weights: Mapping[str, float], reference: Reference, times: Times, level: float
    ) -> None:
        self.entry, self.reference, self.times, self.level = entry, reference, times, level
        self.weights = list(weights.values())
        self.parts = [entry.parts[name] for name in weights]
        self.others = [part for name in weights if (part := reference.part(name)) is not None]

    @property
    def normalised(self) -> bool:
        """Whether there is a reference; then larger is better."""
        return self.reference.kind is not ReferenceKind.NONE

    def values(self, minutes: Sequence[float]) -> list[float]:
        """Times of all benchmarks on the summary's scale."""
        if not self.normalised:
            return list(minutes)
        return [
            self.reference.minutes[part.benchmark] / own
            for part, own in zip(self.parts, minutes, strict=True)
        ]

    def bounds(self, weights: Sequence[float]) -> tuple[float, float, float]:
        """Estimate and interval of the weighted geometric mean, from raw times."""
        interval = self.times.terms.interval
        if not self.normalised:
            return _exps(interval(self.times.coefficients((self.parts, weights)), self.level))
        own = (self.parts, [-weight for weight in weights])
        if self.others:
            # A submission is known exactly in units of itself: its terms cancel.
            return _exps(interval(self.times.coefficients(own, (self.others, weights)), self.level))
        exact = geometric([self.reference.minutes[part.benchmark] for part in self.parts], weights)
        centre, low, high = _exps(interval(self.times.coefficients(own), self.level))
        return exact * centre, exact * low, exact * high

    def summary(self) -> Summary:
        """The summary with its components."""
        official, raw = self.values(_official(self.parts)), self.values(_raw(self.parts))
        estimate, low, high = self.bounds(self.weights)
        least, most = weights_range(official, self.weights)
        first = self.parts[0].result
        return Summary(
            submission=self.entry.label,
            round=first.round,
            division=first.division,
            score=geometric(official, self.weights),
            raw_score=geometric(raw, self.weights),
            estimate=estimate,
            low=low,
            high=high,
            weights_low=least,
            weights_high=most,
            components=tuple(self._components(official)),
            overrides=self.entry.overrides,
        )

    def _components(self, values: Sequence[float]) -> Iterator[Component]:
        from mlperf_stats.stats.log_sums import left_one_out

        count = len(self.parts)
        shares = self._variance_shares()
        without = left_one_out([math.log(value) for value in values], self.weights)
        for number, part in enumerate(self.parts):
            estimate, low, high = self.bounds([float(other == number) for other in range(count)])
            left = without[number]
            yield Component(
                benchmark=part.benchmark,
                result_id=part.result.result_id,
                weight=self.weights[number],
                score_minutes=part.minutes,
                olympic_minutes=part.raw_minutes,
                scaling_factor=part.score.scaling_factor,
                reference_minutes=self.reference.minutes.get(part.benchmark),
                value=values[number],
                contribution=values[number] ** self.weights[number],
                estimate=estimate,
                low=low,
                high=high,
                variance_share=shares[number],
                without=None if left is None else math.exp(left),
                runs=len(part.item.minutes),
                warnings=self.times.warnings_of(part),
            )

    def _variance_shares(self) -> list[float]:
        """By benchmark, its own share and the reference's."""
        own = (self.parts, [-weight for weight in self.weights])
        sums = [own, (self.others, self.weights)] if self.others else [own]
        shares = self.times.terms.shares(self.times.coefficients(*sums))
        number = self.times.number
        found = [shares[number[part.result.key]] for part in self.parts]
        for place, part in enumerate(self.others):
            if part.result.key != self.parts[place].result.key:
                found[place] += shares[number[part.result.key]]
        return found

    def ratio_to(self, other: Working) -> SummaryRatio:
        """How many times as fast this is as ``other``: the reference is in both and cancels."""
        coefficients = self.times.coefficients(
            (self.parts, [-weight for weight in self.weights]), (other.parts, self.weights)
        )
        estimate, low, high = _exps(self.times.terms.interval(coefficients, self.level))
        official = _speeds(_official(self.parts), _official(other.parts))
        least, most = weights_range(official, self.weights)
        return SummaryRatio(
            submission=self.entry.label,
            against=other.entry.label,
            score=geometric(official, self.weights),
            raw_score=geometric(_speeds(_raw(self.parts), _raw(other.parts)), self.weights),
            estimate=estimate,
            low=low,
            high=high,
            better=self.times.terms.chance_positive(coefficients),
            weights_low=least,
            weights_high=most,
            warnings=(SAME_LOGS,) if any(map(_share_logs, self.parts, other.parts)) else (),
        )


def _share_logs(one: Part, other: Part) -> bool:
    return bool(shared_logs(one.item, other.item))


def _log_terms(store: Store, parts: Sequence[Part], interval: str) -> tuple[LogTerms, list[tuple[str, ...]]]:
    """The log times of some results as terms of sums, and what to know of each."""
    from mlperf_stats.stats.log_sums import WelchTerms, drawn_terms

    warnings = [_data_warnings(part, own=interval == "own") for part in parts]
    if interval == "own":
        return WelchTerms(tuple(own_mean(store, part) for part in parts)), warnings
    lenders = Lenders(store, same_workload([part.result for part in parts]))
    items = {item.result.key: item for item in lenders.sets}
    found = [controlled_law(lenders, items[part.result.key]) for part in parts]
    labels = [part.result.result_id for part in parts]
    return drawn_terms([law for law, _ in found], labels), [
        (*own, *codes) for own, (_, codes) in zip(warnings, found, strict=True)
    ]


def _data_warnings(part: Part, *, own: bool) -> tuple[str, ...]:
    from mlperf_stats.stats import codes

    item = part.item
    warnings = []
    if len(item.minutes) == 1:
        warnings.append(codes.SINGLE_RUN)
    elif own and item.on_one_point:
        warnings.append(codes.ONE_CONVERGENCE_POINT)
    if len(item.converged) < len(item.present):
        warnings.append("nonconverged-left-out")
    return tuple(warnings)


def geometric(values: Sequence[float], weights: Sequence[float]) -> float:
    """Weighted geometric mean; the weights sum to 1."""
    return math.exp(math.fsum(w * math.log(value) for w, value in zip(weights, values, strict=True)))


def weights_range(values: Sequence[float], weights: Sequence[float]) -> tuple[float, float]:
    """Least and largest geometric mean if every weight were halved or doubled."""
    from mlperf_stats.stats.log_sums import weight_range

    low, high = weight_range([math.log(value) for value in values], weights, WEIGHT_FACTOR)
    return math.exp(low), math.exp(high)


def _official(parts: Sequence[Part]) -> list[float]:
    return [part.minutes for part in parts]


def _raw(parts: Sequence[Part]) -> list[float]:
    return [part.raw_minutes for part in parts]


def _speeds(own: Sequence[float], other: Sequence[float]) -> list[float]:
    return [theirs / ours for ours, theirs in zip(own, other, strict=True)]


def _exps(logs: tuple[float, float, float]) -> tuple[float, float, float]:
    centre, low, high = (math.inf if value > _LARGEST_LOG else math.exp(value) for value in logs)
    return centre, low, high
