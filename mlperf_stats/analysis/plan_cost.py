"""How many launches until a result is valid and narrow, and what do they cost?"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mlperf_stats.analysis.plan import Plan, basis_of, width_question
from mlperf_stats.analysis.spread import Spread
from mlperf_stats.errors import InputError, StatisticsError

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
    return Plan(tuple(rows), VALID_COLUMNS, (_rate_sentence(rules.name, fails),))


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
    least = max(2 * spread.benchmark.dropped_each_side + 1, runs_for_width(law, half_width, question))
    rows: list[dict[str, Any]] = []
    for count in range(least, least + 8):
        rows.append(_cost_row(spread, count, half_width, price, fails.rate, valid, assurance, level))
        if rows[-1]["enough"]:
            break
    found = rows[-1]
    others = sorted({*COST_RUNS, spread.benchmark.runs} - {found["runs"]})
    others = [count for count in others if count > 2 * spread.benchmark.dropped_each_side]
    rows = [
        found,
        *(_cost_row(spread, n, half_width, price, fails.rate, valid, assurance, level) for n in others),
    ]
    rows.sort(key=lambda row: int(row["runs"]))
    basis = [*basis_of(spread, law), _rate_sentence(spread.benchmark.name, fails), _price_sentence(price)]
    if any(row["launches"] != row["runs"] for row in rows):
        basis.append(_LAUNCHES)
    return Plan(tuple(rows), COST_COLUMNS, tuple(basis), seed=SEED)


def _price_sentence(price: Price) -> str:
    source = f" ({price.source})" if price.source else ""
    return f"A run takes {price.minutes:.4g} minutes on {price.accelerators} accelerators{source}."


_LAUNCHES = (
    "Launches: where runs alone are not valid often enough, more are started, and the rules' window of "
    "consecutive launches is filed."
)


def _cost_row(
    spread: Spread,
    count: int,
    half_width: float,
    price: Price,
    rate: float,
    valid: float,
    assurance: float,
    level: float,
) -> dict[str, Any]:
    from mlperf_stats.stats.planning import half_width as width_of
    from mlperf_stats.stats.validity import launches_needed, window_invalid_probability

    forgiven = spread.benchmark.max_non_converged
    launches = launches_needed(rate, count, forgiven, valid)
    started = launches or count
    narrow = _narrow(spread, count, half_width, rate, level)
    hours = started * price.minutes / 60
    accelerator_hours = hours * price.accelerators
    chance = 1 - window_invalid_probability(rate, count, forgiven, started)
    return {
        "benchmark": spread.benchmark.name,
        "runs": count,
        "launches": launches,
        "valid": chance,
        "narrow": narrow,
        "half_width": width_of(
            spread.law(), count, width_question(spread, "expected-score", level, assurance)
        ),
        "hours": hours,
        "accelerator_hours": accelerator_hours,
        "money": price.per_accelerator_hour and accelerator_hours * price.per_accelerator_hour,
        "enough": launches is not None and narrow >= assurance,
    }


def _narrow(spread: Spread, count: int, wanted: float, rate: float, level: float) -> float:
    """P(half-width ≤ wanted) of the converged ones among ``count`` runs, given that the set is valid."""
    from mlperf_stats.stats.planning import assurance

    forgiven = min(spread.benchmark.max_non_converged, count - 2)
    law = spread.law()
    question = width_question(spread, "expected-score", level, 0.5)
    weights = [math.comb(count, k) * rate**k * (1 - rate) ** (count - k) for k in range(forgiven + 1)]
    chances = [assurance(law, count - k, wanted, question) for k in range(forgiven + 1)]
    return math.fsum(w * c for w, c in zip(weights, chances, strict=True)) / math.fsum(weights)
