"""Whether the campaign needs another run."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from mlperf_runners.campaign.folder import RunResult
from mlperf_runners.campaign.plan import Plan

if TYPE_CHECKING:
    from mlperf_stats.stats.interval import Interval
    from mlperf_stats.stats.sequential import Decision, SequentialRule


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
        from mlperf_stats.stats.order_statistics import median_interval

        times = [result.minutes if result.status == "converged" else math.inf for result in results]
        return median_interval(times, self._level) if any(map(math.isfinite, times)) else None


class Sequential:
    """Runs until an interval is narrow enough, or a difference is settled, looking after every run."""

    def __init__(self, plan: Plan) -> None:
        self.most_runs = plan.most_runs
        self._plan = plan
        self._rule: SequentialRule = self._new_rule()
        self._seen = 0
        self._decision: Decision | None = None

    def judge(self, results: list[RunResult]) -> Verdict:
        for result in results[self._seen :]:
            # Runs after the one that decided do not reopen the question.
            if self._decision is None or not self._decision.stop:
                self._decision = self._rule.update(
                    result.minutes,
                    result.status == "converged",
                    variant="ab"[self._plan.variant_of(self._seen)],  # type: ignore[arg-type]
                )
            self._seen += 1
        if self._decision is None:
            return Verdict(False, "no run yet")
        decision = self._decision
        return Verdict(decision.stop, decision.reason, self._runs_left(decision), decision.interval)

    def _new_rule(self) -> SequentialRule:
        from mlperf_stats.stats.sequential import Anytime, Comparison, SequentialRule, Width

        stopping = self._plan.stopping
        goal = Width(stopping.half_width) if stopping.half_width is not None else Comparison()
        return SequentialRule(
            goal,
            Anytime(min(20, stopping.runs)),
            maximum=stopping.runs,
            level=stopping.level,
            estimand=stopping.estimand,
        )

    def _runs_left(self, decision: Decision) -> int | None:
        """From how the interval shrinks: with the square root of the number of runs."""
        if decision.stop:
            return 0
        interval = decision.interval
        if interval is None or math.isinf(interval.high) or interval.low <= 0:
            return None
        wanted = self._plan.stopping.half_width
        if wanted is not None:
            factor = interval.half_width_relative / wanted
        elif interval.estimate != 1:
            factor = math.log(interval.high / interval.low) / 2 / abs(math.log(interval.estimate))
        else:
            return None
        needed = min(max(math.ceil(decision.runs * factor**2), decision.runs + 1), self._rule.maximum)
        return (needed - decision.runs) * len(self._plan.variants)


def stopping_rule(plan: Plan) -> StoppingRule:
    """The rule that the plan asks for."""
    return FixedRuns(plan) if plan.stopping.kind == "fixed" else Sequential(plan)
