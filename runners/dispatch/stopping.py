"""Whether the campaign needs another run."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from itertools import count, cycle
from typing import TYPE_CHECKING, Protocol

from mlperf_runners.campaign.folder import RunResult
from mlperf_runners.campaign.plan import Plan

if TYPE_CHECKING:
    from mlperf_stats.stats.interval import Interval
    from mlperf_stats.stats.sequential import Decision, SequentialRule


FEWEST_TO_FORETELL = 3
"""Runs of each variant before their spread says anything."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the runs so far say."""

    enough: bool
    reason: str
    """In words, for the progress display and the end."""
    runs_left: int | None = None
    """How many more runs it will probably take, None where nobody can tell yet."""
    interval: Interval | None = None
    """Of the time to train in minutes, or of the ratio of the first variant's to the second's."""


class StoppingRule(Protocol):
    """Judges the runs from the first one on without a gap, in their order."""

    most_runs: int
    """No run from this index on is ever needed."""

    def judge(self, results: list[RunResult]) -> Verdict:
        """The verdict on runs 0 … n − 1."""


class FixedRuns:
    """So many runs and no more. The interval of the median is exact at the end, for information before."""

    def __init__(self, plan: Plan) -> None:
        self.most_runs = plan.most_runs
        self._level = plan.stopping.level
        self._is_comparison = len(plan.variants) > 1
        self._last = Verdict(False, f"0 of {self.most_runs} runs", self.most_runs)
        self._seen = 0

    def judge(self, results: list[RunResult]) -> Verdict:
        if len(results) != self._seen:
            self._seen = len(results)
            left = max(self.most_runs - self._seen, 0)
            reason = f"{self._seen} of {self.most_runs} runs"
            self._last = Verdict(left == 0, reason, left, self._interval(results))
        return self._last

    def _interval(self, results: list[RunResult]) -> Interval | None:
        if self._is_comparison:
            return None
        from mlperf_stats.stats.censored_order_statistics import censored_median_interval

        converged = [result.status == "converged" for result in results]
        if not any(converged):
            return None
        return censored_median_interval([result.minutes for result in results], converged, self._level)


class Sequential:
    """Runs until an interval is narrow enough, or a difference is settled, looking after every run."""

    def __init__(self, plan: Plan) -> None:
        self.most_runs = plan.most_runs
        self._plan = plan
        self._rule: SequentialRule = self._new_rule()
        self._seen = 0
        self._decision: Decision | None = None
        self._runs_left: int | None = None

    def judge(self, results: list[RunResult]) -> Verdict:
        for result in results[self._seen :]:
            # Runs after the one that decided do not reopen the question.
            if self._decision is None or not self._decision.stop:
                self._decision = self._update(self._rule, self._seen, result)
                self._runs_left = self._foretell(results[: self._seen + 1])
            self._seen += 1
        if self._decision is None:
            return Verdict(False, "no run yet")
        decision = self._decision
        return Verdict(decision.stop, decision.reason, self._runs_left, decision.interval)

    def _update(self, rule: SequentialRule, index: int, result: RunResult) -> Decision:
        variant = self._plan.variant_of(index)
        return rule.update(result.minutes, result.status == "converged", variant="b" if variant else "a")

    def _foretell(self, results: list[RunResult]) -> int | None:
        """How many more runs the rule would ask for, were they like those so far, over and over."""
        if self._decision is None or self._decision.stop:
            return 0
        if len(results) < FEWEST_TO_FORETELL * len(self._plan.variants):
            return None
        rule = copy.deepcopy(self._rule)
        again = {
            variant: cycle([r for i, r in enumerate(results) if self._plan.variant_of(i) == variant])
            for variant in range(len(self._plan.variants))
        }
        for index in count(len(results)):
            if self._update(rule, index, next(again[self._plan.variant_of(index)])).stop:
                return index + 1 - len(results)
        return None

    def _new_rule(self) -> SequentialRule:
        from mlperf_stats.stats.sequential import Anytime, Comparison, SequentialRule, Width

        stopping = self._plan.stopping
        width = stopping.half_width
        labels = [variant.label for variant in self._plan.variants]
        return SequentialRule(
            Comparison(*labels) if width is None else Width(width),
            Anytime(min(20, stopping.runs), last_run=stopping.runs),
            maximum=stopping.runs,
            level=stopping.level,
            estimand=stopping.estimand,
        )


def stopping_rule(plan: Plan) -> StoppingRule:
    """The rule that the plan asks for."""
    return FixedRuns(plan) if plan.stopping.kind == "fixed" else Sequential(plan)
