"""How many runs are enough? — for an interval of some width, or to tell two systems apart."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlperf_stats.analysis.spread import FEWEST_RUNS, Spread
from mlperf_stats.errors import InputError, StatisticsError

if TYPE_CHECKING:
    import pandas as pd

    from mlperf_stats.analysis.run_sets import RunSet
    from mlperf_stats.stats.controlled_planning import ControlledWidths
    from mlperf_stats.stats.laws import LogTimeLaw
    from mlperf_stats.stats.planning import WidthQuestion
    from mlperf_stats.stats.power import Contrast

FEWEST_PLANNED = 3
"""Two runs that happen to tie look narrow and are not."""

WIDTH_ESTIMANDS = ("expected-score", "geometric-mean", "median")
CONTROLLED = "controlled"
"""The geometric mean by the convergence-controlled estimate, which borrows from other results."""

WIDTH_COLUMNS = (
    "benchmark",
    "estimand",
    "half_width",
    "level",
    "assurance",
    "runs",
    "official_runs",
    "official_half_width",
    "sets",
    "pilot_runs",
)
CURVE_COLUMNS = ("runs", "expected_score", "geometric_mean", "median", "controlled")
CURVE_RUNS = (3, 4, 5, 6, 8, 10, 15, 20, 30, 40, 60, 100, 200)
DETECT_COLUMNS = (
    "benchmark",
    "question",
    "basis",
    "test",
    "difference",
    "margin",
    "power",
    "alpha",
    "sides",
    "spread",
    "spread_high",
    "runs_per_system",
    "official_runs",
    "official_power",
)


@dataclass(frozen=True)
class Plan:
    """The answer to one question of planning: a table, and what it rests on in sentences."""

    rows: tuple[dict[str, Any], ...]
    columns: tuple[str, ...]
    basis: tuple[str, ...]
    """What was assumed, from which runs."""
    curve: tuple[dict[str, Any], ...] = ()
    seed: int | None = None
    """Seed of the simulation, None where the answer is exact."""

    def to_frame(self) -> pd.DataFrame:
        """A DataFrame of the rows."""
        import pandas as pd

        return pd.DataFrame.from_records(list(self.rows), columns=list(self.columns))

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "rows": [dict(row) for row in self.rows],
            "curve": [dict(row) for row in self.curve],
            "basis": list(self.basis),
            "seed": self.seed,
        }

    def _repr_html_(self) -> str:
        return str(self.to_frame().to_html(index=False))


def plan_width(
    spread: Spread,
    half_width: float,
    *,
    level: float = 0.95,
    assurance: float = 0.8,
    controlled: ControlledWidths | None = None,
    with_curve: bool = True,
) -> Plan:
    """The fewest runs whose interval is that narrow with that assurance, for each estimand.

    Args:
        spread: From :func:`mlperf_stats.analysis.spread.benchmark_spread`.
        half_width: Wanted half-width as a share of the estimate.
        level: Confidence level of the interval.
        assurance: Probability that the interval turns out so narrow, the uncertainty of the spread included.
        controlled: From :func:`mlperf_stats.analysis.plan_controlled.controlled_widths`: with them, the
            convergence-controlled estimate is planned, too.
        with_curve: Whether to compute the half-width by number of runs.

    Raises:
        StatisticsError: the request is impossible; the message says what is possible.
        InputError: nothing is known of the spread.
    """
    from mlperf_stats.stats.laws import SEED
    from mlperf_stats.stats.planning import check_question, runs_for_width
    from mlperf_stats.stats.planning import half_width as width_of

    law, official = spread.law(), spread.benchmark.scored_runs
    asked = {
        "benchmark": spread.benchmark.name,
        "half_width": half_width,
        "level": level,
        "assurance": assurance,
        "official_runs": official,
        "sets": len(_lending(spread, law)),
        "pilot_runs": len(spread.pilot.converged) if spread.pilot else 0,
    }
    rows = []
    for estimand in WIDTH_ESTIMANDS:
        question = width_question(spread, estimand, level, assurance)
        check_question(question, half_width)
        answer = {
            "estimand": estimand,
            "runs": max(FEWEST_PLANNED, runs_for_width(law, half_width, question)),
            "official_half_width": width_of(law, official, question),
        }
        rows.append(asked | answer)
    basis = (*basis_of(spread, law), *([_MEDIAN_OF_TIES] if _ties(spread, law) else []))
    if controlled is not None:
        answer = {
            "estimand": CONTROLLED,
            "runs": controlled.fewest_runs(half_width, level, assurance),
            "official_half_width": controlled.half_width(official, level, assurance),
        }
        basis = (*basis, _controlled_sentence(len(controlled.borrowers), [*rows, answer]))
        rows.append(asked | answer)
    curve = _curve(spread, law, level, assurance, controlled) if with_curve else ()
    return Plan(tuple(rows), WIDTH_COLUMNS, basis, curve, SEED)


_MEDIAN_OF_TIES = (
    "The median's interval is exact, between two of the runs, and allows for no other evaluation: it looks "
    "narrow because evaluation is coarse, not because little is unknown."
)


def _controlled_sentence(sets: int, rows: Sequence[Mapping[str, Any]]) -> str:
    """What the controlled estimate was tried on, and what it means if it takes more runs than own times."""
    tried = (
        "Controlled: the same geometric mean with what others say of convergence, tried on "
        f"{_counted(sets, 'set')}"
    )
    runs = {row["estimand"]: row["runs"] for row in rows}
    if runs[CONTROLLED] is not None and runs[CONTROLLED] <= runs["geometric-mean"]:
        return f"{tried}."
    return (
        f"{tried}. It takes more runs than the own interval here: it allows for convergence unlike what own "
        "runs have shown so far, which own times alone do not. Both intervals are valid; decide for one "
        "before measuring, not by which came out narrower."
    )


def width_question(spread: Spread, estimand: str, level: float, assurance: float) -> WidthQuestion:
    """The question for a benchmark: its own N and number of dropped runs."""
    from mlperf_stats.stats.planning import WidthQuestion

    rules = spread.benchmark
    return WidthQuestion(estimand, level, assurance, rules.scored_runs, rules.dropped_each_side)


def _curve(
    spread: Spread, law: LogTimeLaw, level: float, assurance: float, controlled: ControlledWidths | None
) -> tuple[dict[str, Any], ...]:
    from mlperf_stats.stats.planning import width_curve

    counts = sorted({*CURVE_RUNS, spread.benchmark.scored_runs})
    curves: dict[str, dict[int, float]] = {
        estimand.replace("-", "_"): dict(
            width_curve(law, counts, width_question(spread, estimand, level, assurance))
        )
        for estimand in WIDTH_ESTIMANDS
    }
    if controlled is not None:
        curves[CONTROLLED] = {n: controlled.half_width(n, level, assurance) for n in counts}
    return tuple({"runs": n, **{name: curve.get(n) for name, curve in curves.items()}} for n in counts)


def basis_of(spread: Spread, law: LogTimeLaw) -> tuple[str, ...]:
    """What a plan rests on: whose runs, how they scatter."""
    rules = spread.benchmark
    lending = _lending(spread, law)
    runs = sum(len(entry.converged) for entry in lending)
    sentences = []
    if lending:
        sentences.append(
            f"{rules.name} ({rules.workload}): {_counted(len(lending), 'published set')} of {FEWEST_RUNS} "
            f"converged runs or more, {runs} in all, closed division, rounds {', '.join(spread.rounds)}, "
            "each run counted once."
        )
    if spread.pilot:
        sentences.append(
            f"Pilot {spread.pilot.result.result_id}: {len(spread.pilot.converged)} converged runs"
            + ("; published sets weigh as much as they are like it." if lending else ".")
        )
    sentences.append(
        f"One run scatters by {law.typical_spread:.2%} (standard deviation of a typical set); how much sets "
        "differ in this is part of the answer. Published sets are selected: plans are a little optimistic."
    )
    tied = _ties(spread, law)
    if tied:
        sentences.append(
            f"In {tied} of {_counted(len(lending), 'set')} all runs converged at one evaluation: intervals "
            "of such runs for a mean allow for one evaluation more or less, here as in results."
        )
    return tuple(sentences)


def _ties(spread: Spread, law: LogTimeLaw) -> int:
    """Published sets whose runs all converged at one evaluation, where the plan knows what that hides."""
    return sum(entry.on_one_point for entry in _lending(spread, law)) if law.steps else 0


def _lending(spread: Spread, law: LogTimeLaw) -> Sequence[RunSet]:
    """The published sets that the law is made of."""
    return spread.lending if law.sets else ()


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def plan_detect(
    spread: Spread,
    difference: float,
    *,
    power: float = 0.9,
    equivalence: float | None = None,
    sides: int = 2,
    level: float = 0.95,
) -> Plan:
    """Runs per system to detect a difference, or to show that two systems are equal within a margin.

    Args:
        spread: How single runs scatter, of both systems.
        difference: True difference of the times as a share (of equal systems 0, with ``equivalence``).
        power: Wanted probability of showing it.
        equivalence: Margin within which equality is to be shown; None: the difference is to be detected.
        sides: 1 if only one direction of a difference counts.
        level: 1 - the error of the test.

    Raises:
        StatisticsError, InputError: as :func:`plan_width`.
    """
    from mlperf_stats.stats.laws import SEED
    from mlperf_stats.stats.power import Contrast

    if not math.isfinite(difference) or difference <= -1:
        raise StatisticsError(f"difference {difference!r} is not a share above -100 %; write 0.03 for 3 %")
    if equivalence is not None and not equivalence > 0:
        raise StatisticsError(f"margin {equivalence!r} is not above 0; write 0.02 for 2 %")
    contrast = Contrast(1 + difference, equivalence or 0.0, 1 - level, sides)
    asked = {
        "benchmark": spread.benchmark.name,
        "question": "detect" if equivalence is None else "equivalence",
        "difference": difference,
        "margin": equivalence,
        "power": power,
        "alpha": 1 - level,
        "sides": 1 if equivalence is not None else sides,
        "official_runs": spread.benchmark.scored_runs,
    }
    rows = [
        {**asked, "basis": basis, **_spreads(law), **answer}
        for basis, law in _laws(spread)
        for answer in _detections(law, contrast, power, spread.benchmark.scored_runs)
    ]
    law = spread.law()
    ties = [_DETECTION_OF_TIES] if _ties(spread, law) else []
    return Plan(tuple(rows), DETECT_COLUMNS, (*basis_of(spread, law), *_DETECT_NOTES, *ties), seed=SEED)


_DETECT_NOTES = (
    "Spread: standard deviation of one run, of the typical set and of the noisiest in ten. The power of both "
    "tests is over all sets, so that the noisy ones decide how many runs it takes; Mann-Whitney by Noether's "
    "formula.",
    "Equal convergence: times per unit of convergence are compared, which asks for equal batch sizes.",
)

_DETECTION_OF_TIES = (
    "Raw times of sets that tie: both tests are planned with what one evaluation more or less would add, "
    "which the spread leaves out."
)


def _spreads(law: LogTimeLaw) -> dict[str, float]:
    return {"spread": law.typical_spread, "spread_high": law.spread_quantile(0.9)}


def _detections(law: LogTimeLaw, contrast: Contrast, power: float, official: int) -> Iterator[dict[str, Any]]:
    """Runs per system by test."""
    from mlperf_stats.stats.power import detection_power, rank_power, runs_for_power, runs_for_rank_power

    runs = runs_for_power(law, contrast, power)
    reached = detection_power(law, contrast, official)
    yield {"test": "t", "runs_per_system": runs, "official_power": reached}
    if not contrast.margin:
        runs, reached = runs_for_rank_power(law, contrast, power), rank_power(law, contrast, official)
        yield {"test": "mann-whitney", "runs_per_system": runs, "official_power": reached}


def _laws(spread: Spread) -> Sequence[tuple[str, LogTimeLaw]]:
    """Raw times and, where logs tell how far runs trained, times at equal convergence."""
    laws = [("raw", spread.law())]
    try:
        laws.append(("equal-convergence", spread.law(equal_convergence=True)))
    except InputError:
        return laws
    return laws
