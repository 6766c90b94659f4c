"""How many launches until a result is valid and narrow, and what do they cost?"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from mlperf_stats.analysis.plan import Plan, basis_of, width_question
from mlperf_stats.analysis.spread import Spread
from mlperf_stats.errors import InputError, StatisticsError
from mlperf_stats.rules.suite import Benchmark

if TYPE_CHECKING:
    from mlperf_stats.stats.laws import LogTimeLaw
    from mlperf_stats.stats.planning import WidthQuestion

VALID_COLUMNS = (
    "benchmark",
    "runs",
    "forgiven",
    "failure_rate",
    "failure_rate_low",
    "failure_rate_high",
    "invalid",
    "invalid_low",
    "invalid_high",
    "invalid_predicted",
    "launches",
    "launches_high",
    "probability",
)
COST_COLUMNS = (
    "benchmark",
    "runs",
    "launches",
    "valid",
    "narrow",
    "half_width",
    "hours",
    "accelerator_hours",
    "money",
    "enough",
)
COST_RUNS = (3, 5, 8, 10, 15, 20, 30, 40)
VALID = 0.95


@dataclass(frozen=True, slots=True)
class FailureRate:
    """How often runs miss the target, its 95 % interval, and the counts behind it (None: it was given)."""

    rate: float
    low: float
    high: float
    failed: int | None = None
    observed: int | None = None


def failure_rate(spread: Spread, given: float | None = None) -> FailureRate:
    """The published (and pilot) runs' rate with its Clopper-Pearson interval, or the one that is given.

    Raises:
        StatisticsError: the given rate is not between 0 and 1, or there is no run to count.
    """
    from mlperf_stats.stats.proportions import convergence_probability

    if given is not None:
        if not 0 <= given < 1:
            raise StatisticsError(f"failure rate {given!r} is not from 0 to below 1; write 0.02 for 2 %")
        return FailureRate(given, given, given)
    converged = convergence_probability(spread.observed - spread.failed, spread.observed)
    return FailureRate(
        1 - converged.estimate, 1 - converged.high, 1 - converged.low, spread.failed, spread.observed
    )


def plan_valid(
    spread: Spread,
    *,
    rate: float | None = None,
    runs: Sequence[int] = (),
    probability: float = VALID,
) -> Plan:
    """P(invalid) of N runs, and how many to launch so that the window rule's result is probably valid.

    Args:
        spread: Gives the benchmark's rules and how often its runs failed.
        rate: Probability that a run fails, instead of the published one.
        runs: Numbers of runs to ask about; the official N if none.
        probability: Wanted probability of a valid result.

    Raises:
        StatisticsError: a number is impossible; the message says what is possible.
    """
    from mlperf_stats.stats.proportions import invalid_probability
    from mlperf_stats.stats.validity import launches_needed, predictive_invalid_probability

    rules, fails = spread.benchmark, failure_rate(spread, rate)
    forgiven = rules.max_non_converged
    rows = []
    for count in runs or (rules.runs,):
        invalid = [invalid_probability(p, count, forgiven) for p in (fails.rate, fails.low, fails.high)]
        predicted = (
            invalid[0]
            if fails.observed is None or fails.failed is None
            else predictive_invalid_probability(fails.failed, fails.observed, count, forgiven)
        )
        rows.append(
            {
                "benchmark": rules.name,
                "runs": count,
                "forgiven": forgiven,
                "failure_rate": fails.rate,
                "failure_rate_low": fails.low,
                "failure_rate_high": fails.high,
                "invalid": invalid[0],
                "invalid_low": invalid[1],
                "invalid_high": invalid[2],
                "invalid_predicted": predicted,
                "launches": launches_needed(fails.rate, count, forgiven, probability),
                "launches_high": launches_needed(fails.high, count, forgiven, probability),
                "probability": probability,
            }
        )
    return Plan(
        tuple(rows), VALID_COLUMNS, (_rate_sentence(rules.name, fails), *_valid_notes(fails, probability))
    )


def _valid_notes(fails: FailureRate, probability: float) -> Sequence[str]:
    launches = f"Launches: so that the window rule's result is valid with {probability:.0%}"
    if fails.observed is None:
        return (f"{launches}.",)
    return (f"{launches}; at most: at the upper end of the interval of the rate.",)


def _rate_sentence(name: str, fails: FailureRate) -> str:
    if fails.observed is None:
        return f"{name}: {fails.rate:.2%} of runs fail, as given."
    return (
        f"{name}: {fails.failed} of {fails.observed} runs missed the target, {fails.rate:.2%} "
        f"(95 % interval {fails.low:.2%} to {fails.high:.2%}). Failures are taken to be independent."
    )


@dataclass(frozen=True, slots=True)
class Price:
    """What a run takes."""

    minutes: float
    accelerators: int = 1
    per_accelerator_hour: float | None = None
    source: str = ""
    """Where the minutes come from, unless they were given."""


def price_of(
    spread: Spread, minutes: float | None, accelerators: int | None, per_hour: float | None
) -> Price:
    """The price of a run; its minutes from the pilot or from the newest published sets of that size.

    Raises:
        InputError: a figure is not positive, or the minutes are known from nowhere.
    """
    for what, value in (
        ("--minutes", minutes),
        ("--accelerators", accelerators),
        ("--price-per-hour", per_hour),
    ):
        if value is not None and not (math.isfinite(value) and value > 0):
            raise InputError(f"{what} {value} must be above 0")
    source = ""
    if minutes is None and spread.pilot:
        minutes, source = statistics.geometric_mean(spread.pilot.minutes), "as in the pilot"
        accelerators = accelerators or spread.pilot.result.accelerators
    elif minutes is None:
        minutes, source = _published_minutes(spread, accelerators)
    return Price(minutes, accelerators or 1, per_hour, source)


def _published_minutes(spread: Spread, accelerators: int | None) -> tuple[float, str]:
    """The median of the newest round with systems of that size, and what it is."""
    sized = [entry for entry in spread.sets if entry.minutes and entry.result.accelerators]
    alike = [entry for entry in sized if entry.result.accelerators == accelerators]
    if not alike:
        sizes = ", ".join(map(str, sorted({entry.result.accelerators or 0 for entry in sized})))
        raise InputError(
            "how long a run takes is not known: give --minutes, a --pilot, or --accelerators of a published "
            f"size ({sizes})"
        )
    newest = max((entry.result.round for entry in alike), key=spread.rounds.index)
    times = [statistics.median(entry.minutes) for entry in alike if entry.result.round == newest]
    results = f"{len(times)} published results" if len(times) > 1 else "the published result"
    return statistics.median(times), f"the median of {results} of v{newest}; --minutes says otherwise"


def plan_cost(
    spread: Spread,
    half_width: float,
    price: Price,
    *,
    level: float = 0.95,
    assurance: float = 0.8,
    valid: float = VALID,
    rate: float | None = None,
) -> Plan:
    """The fewest runs that are probably valid and narrow enough, with the costs of some alternatives.

    A row is *enough* if P(valid) ≥ ``valid`` and P(half-width ≤ ``half_width``) ≥ ``assurance``; where N
    runs alone are not valid often enough, the launches that the window rule needs are counted.

    Raises:
        StatisticsError, InputError: as :func:`mlperf_stats.analysis.plan.plan_width`.
    """
    from mlperf_stats.stats.laws import SEED
    from mlperf_stats.stats.planning import check_question, runs_for_width

    law, fails = spread.law(), failure_rate(spread, rate)
    question = width_question(spread, "expected-score", level, assurance)
    check_question(question, half_width)
    if not 0 < valid < 1:
        raise StatisticsError(f"probability of a valid result {valid!r} is not between 0 and 1")
    bill = _Bill(spread.benchmark, law, question, half_width, price, fails.rate, valid)
    fewest = 2 * spread.benchmark.dropped_each_side + 1
    least = max(fewest, runs_for_width(law, half_width, question))
    # Runs that fail leave fewer: a few more may be needed.
    counts = range(least, least + _MORE)
    found = next((count for count in counts if bill.narrow(count) >= assurance), counts[-1])
    shown = {*COST_RUNS, spread.benchmark.runs, found}
    rows = [bill.row(count) for count in sorted(shown) if count >= fewest]
    basis = [*basis_of(spread, law), _rate_sentence(spread.benchmark.name, fails), _price_sentence(price)]
    if any(row["launches"] != row["runs"] for row in rows):
        basis.append(_LAUNCHES)
    if any(many["narrow"] < few["narrow"] for few, many in pairwise(rows)):
        basis.append(_FALLING)
    return Plan(tuple(rows), COST_COLUMNS, tuple(basis), seed=SEED)


def _price_sentence(price: Price) -> str:
    source = f" ({price.source})" if price.source else ""
    machine = "1 accelerator" if price.accelerators == 1 else f"{price.accelerators} accelerators"
    return f"A run takes {price.minutes:.4g} minutes on {machine}{source}."


_LAUNCHES = (
    "Launches: where runs alone are not valid often enough, more are started, and the rules' window of "
    "consecutive launches is filed."
)


_FALLING = (
    "P(narrow) may fall as runs are added: few runs sometimes lie close together by chance, and from 20 runs "
    "on the interval no longer takes times to be lognormal. More runs make it rise again."
)

_MORE = 8


@dataclass(frozen=True, slots=True)
class _Bill:
    """What a number of runs gives and takes."""

    rules: Benchmark
    law: LogTimeLaw
    question: WidthQuestion
    half_width: float
    """As wanted."""
    price: Price
    rate: float
    """Of runs that fail."""
    valid: float
    """Wanted probability of a valid result."""

    def row(self, count: int) -> dict[str, Any]:
        """One alternative, as :data:`COST_COLUMNS`."""
        from mlperf_stats.stats.planning import half_width
        from mlperf_stats.stats.proportions import invalid_probability
        from mlperf_stats.stats.validity import valid_launches

        forgiven = self.rules.max_non_converged
        found = valid_launches(self.rate, count, forgiven, self.valid)
        launches, chance = found or (None, 1 - invalid_probability(self.rate, count, forgiven))
        hours = (launches or count) * self.price.minutes / 60
        accelerator_hours = hours * self.price.accelerators
        per_hour, narrow = self.price.per_accelerator_hour, self.narrow(count)
        return {
            "benchmark": self.rules.name,
            "runs": count,
            "launches": launches,
            "valid": chance,
            "narrow": narrow,
            "half_width": half_width(self.law, count, self.question),
            "hours": hours,
            "accelerator_hours": accelerator_hours,
            "money": per_hour and accelerator_hours * per_hour,
            "enough": launches is not None and narrow >= self.question.assurance,
        }

    def narrow(self, count: int) -> float:
        """P(half-width ≤ wanted) of the converged ones among ``count`` runs, given that the set is valid."""
        from mlperf_stats.stats.planning import assurance

        forgiven = min(self.rules.max_non_converged, count - 2)
        failed = range(forgiven + 1)
        weights = [math.comb(count, k) * self.rate**k * (1 - self.rate) ** (count - k) for k in failed]
        chances = [assurance(self.law, count - k, self.half_width, self.question) for k in failed]
        return math.fsum(w * c for w, c in zip(weights, chances, strict=True)) / math.fsum(weights)
