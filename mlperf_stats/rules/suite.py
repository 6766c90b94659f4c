"""The suite of every round: which benchmarks it has and how each is scored.

The facts stand in ``suites.toml`` beside this module; they are read once, when first asked for.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from types import MappingProxyType
from typing import Any

from mlperf_stats.errors import InputError, RoundUnknownError, UnknownBenchmarkError

LOCAL_ROUND = "local"
"""The round under which own campaigns are filed; no suite belongs to it."""

_ROUND = re.compile(r"(?:.*[^0-9.])?v?(\d+\.\d+)(?:\.0+)?", re.IGNORECASE)


class ConvergenceRule(StrEnum):
    """Which evaluation says how far a run had to train."""

    LAST_EVALUATION = "last-evaluation"
    LAST_OR_TRAINED_SAMPLES = "last-evaluation-or-trained-samples"
    FIRST_PASSING = "first-passing"


@dataclass(frozen=True, slots=True)
class Target:
    """A quality that a run has to reach, in the units of the logs."""

    metric: str
    value: float
    higher_is_better: bool
    logged: str = ""
    """The metric's name in logs that hold several, else empty."""

    def reached(self, quality: float) -> bool:
        """Whether ``quality`` is as good as the target or better."""
        return quality >= self.value if self.higher_is_better else quality <= self.value

    def __str__(self) -> str:
        return f"{self.metric} {'≥' if self.higher_is_better else '≤'} {self.value:g}"


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One benchmark of one round, with the rules that its score follows."""

    name: str
    round: str
    area: str
    model: str
    dataset: str
    runs: int
    """N, the number of runs that a submission has to file."""
    dropped_each_side: int
    """How many of the fastest and how many of the slowest runs the score leaves out."""
    max_non_converged: int
    """With more runs than this that missed the target, there is no score."""
    targets: tuple[Target, ...]
    """All of them have to be reached; empty for campaigns."""
    convergence_unit: str
    """``epoch``, ``sample``, ``step``, ``token`` or ``model``: what logs of this round count."""
    workload: str
    """Identity of what is trained to which quality: equal keys may be pooled, unequal ones never.

    It survives a renaming (ssd 4.1 and retinanet 5.0) and ends where model, data or target change
    (ssd 1.1 and ssd 2.0). Compare :attr:`convergence_unit` as well before pooling convergence points.
    """
    convergence: ConvergenceRule = ConvergenceRule.LAST_EVALUATION
    first_converged: int | None = None
    """v0.5 ncf: only so many runs count, the first that converged in order of launch."""
    reference_minutes: float | None = None
    """Minutes of the reference implementation, where the organisation published them."""
    aliases: tuple[str, ...] = ()
    """Other names of its folders."""
    note: str = ""

    @property
    def scored_runs(self) -> int:
        """Number of runs that enter the olympic mean before dropping."""
        return self.first_converged or self.runs

    @property
    def quality_metric(self) -> str:
        """Names of the metrics of quality."""
        return " and ".join(target.metric for target in self.targets)

    @property
    def quality_target(self) -> str:
        """The targets in words, e.g. ``FID ≤ 90 and CLIP ≥ 0.15``."""
        return " and ".join(map(str, self.targets))

    @property
    def higher_is_better(self) -> bool | None:
        """Direction of the quality metric; None where the targets disagree or there are none."""
        directions = {target.higher_is_better for target in self.targets}
        return directions.pop() if len(directions) == 1 else None


@dataclass(frozen=True, slots=True)
class Suite:
    """The benchmarks of one round, by name."""

    round: str
    benchmarks: Mapping[str, Benchmark]

    def __iter__(self) -> Iterator[Benchmark]:
        return iter(self.benchmarks.values())

    def __len__(self) -> int:
        return len(self.benchmarks)


def normalise_round(text: str) -> str:
    """``5.0`` of ``v5.0``, ``5.0``, ``5.0.0`` or ``training_results_v5.0``; ``local`` stays.

    Only the spelling is looked at: the round need not have a suite here.

    Raises:
        RoundUnknownError: the text names no round.
    """
    cleaned = text.strip().strip("/")
    if cleaned.lower() == LOCAL_ROUND:
        return LOCAL_ROUND
    match = _ROUND.fullmatch(cleaned)
    if match is None:
        raise RoundUnknownError(f"{text!r} names no MLPerf round; write it like 5.0 or v5.0")
    return match[1]


def rounds() -> tuple[str, ...]:
    """All rounds that have a suite, oldest first."""
    return tuple(_suites())


def suite(round_name: str) -> Suite:
    """The suite of a round, however the round is spelled.

    Raises:
        RoundUnknownError: there is no such round, or it is ``local``, whose campaigns have rules of
            their own (:func:`campaign_rules`).
    """
    wanted = normalise_round(round_name)
    try:
        return _suites()[wanted]
    except KeyError:
        raise RoundUnknownError(
            f"round {wanted} has no suite of benchmarks; known rounds: {', '.join(rounds())}"
        ) from None


def require_rounds(names: Iterable[str]) -> None:
    """Refuse rounds that do not exist, so that nothing passes for want of rules; ``local`` may be among them.

    Raises:
        RoundUnknownError: a round has no suite; the message lists those that have one.
    """
    for name in dict.fromkeys(names):
        if name != LOCAL_ROUND:
            suite(name)


def benchmark(round_name: str, name: str) -> Benchmark:
    """The benchmark of that name (or alias) in a round.

    Raises:
        RoundUnknownError: as :func:`suite`.
        UnknownBenchmarkError: the round has no such benchmark; the message lists what it has.
    """
    of_round = suite(round_name)
    found = _find(of_round, name)
    if found is not None:
        return found
    close = difflib.get_close_matches(_folded(name), of_round.benchmarks, n=2)
    hint = f"did you mean {' or '.join(close)}? " if close else ""
    names = ", ".join(sorted(of_round.benchmarks))
    raise UnknownBenchmarkError(f"round {of_round.round} has no benchmark {name!r}; {hint}it has: {names}")


def canonical_benchmark(round_name: str, folder_name: str) -> str | None:
    """The benchmark that a folder of a round's logs stands for, or None if it is not one of its suite."""
    of_round = _suites().get(normalise_round(round_name))
    found = _find(of_round, folder_name) if of_round is not None else None
    return None if found is None else found.name


def campaign_rules(runs: int, name: str = "campaign", convergence_unit: str = "") -> Benchmark:
    """Rules for runs that no suite covers: own campaigns and unknown benchmarks.

    They are scored with their own number of runs; one is dropped on each side, and one may miss the
    target.

    Raises:
        InputError: ``runs`` is not positive.
    """
    if runs < 1:
        raise InputError(f"{name}: a campaign needs at least one run, not {runs}")
    return Benchmark(
        name=name,
        round=LOCAL_ROUND,
        area="",
        model="",
        dataset="",
        runs=runs,
        dropped_each_side=1,
        max_non_converged=1,
        targets=(),
        convergence_unit=convergence_unit,
        workload=f"{LOCAL_ROUND}/{name}",
    )


def rules_for(round_name: str, name: str, runs: int) -> Benchmark:
    """The rules by which ``runs`` runs of a benchmark are scored: the suite's, else a campaign's.

    A round or benchmark without a suite is no error here, because results must never be refused for
    being unknown.
    """
    of_round = _suites().get(normalise_round(round_name))
    found = _find(of_round, name) if of_round is not None else None
    return campaign_rules(max(runs, 1), name) if found is None else found


def _folded(name: str) -> str:
    return name.strip().lower().replace("-", "_")


def _find(of_round: Suite, name: str) -> Benchmark | None:
    folded = _folded(name)
    by_name = of_round.benchmarks.get(folded)
    if by_name is not None:
        return by_name
    return next((entry for entry in of_round if folded in entry.aliases), None)


@cache
def _suites() -> Mapping[str, Suite]:
    # Here, because naming a round or a campaign needs no table, and these imports cost more than it.
    import tomllib
    from pathlib import Path

    table = tomllib.loads(Path(__file__).with_name("suites.toml").read_text(encoding="utf-8"))
    order: list[str] = table["rounds"]
    found: dict[str, dict[str, Benchmark]] = {name: {} for name in order}
    for entry in table["benchmark"]:
        for stretch in entry.get("stretches", [{}]):
            facts = {**table["defaults"], **entry, **stretch}
            first, last = order.index(facts["first"]), order.index(facts["last"])
            for name in order[first : last + 1]:
                found[name][facts["name"]] = _benchmark(name, facts)
    return MappingProxyType({name: Suite(name, MappingProxyType(found[name])) for name in order})


def _benchmark(round_name: str, facts: Mapping[str, Any]) -> Benchmark:
    targets = tuple(_target(entry) for entry in facts["targets"])
    return Benchmark(
        name=facts["name"],
        round=round_name,
        area=facts["area"],
        model=facts["model"],
        dataset=facts["dataset"],
        runs=facts["runs"],
        dropped_each_side=facts["dropped_each_side"],
        max_non_converged=facts["max_non_converged"],
        targets=targets,
        convergence_unit=facts["unit"],
        workload=f"{facts['task']}@{'+'.join(f'{target.value:g}' for target in targets)}",
        convergence=ConvergenceRule(facts["convergence"]),
        first_converged=facts.get("first_converged"),
        reference_minutes=facts.get("reference_minutes"),
        aliases=tuple(facts["aliases"]),
        note=facts["note"],
    )


def _target(entry: Mapping[str, Any]) -> Target:
    higher = "at_least" in entry
    return Target(
        metric=entry["metric"],
        value=float(entry["at_least" if higher else "at_most"]),
        higher_is_better=higher,
        logged=entry.get("logged", ""),
    )
