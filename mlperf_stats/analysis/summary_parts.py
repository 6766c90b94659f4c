"""What enters a custom summary result: the results of one submission, and what is known of their times."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlperf_stats.analysis.lenders import Lenders, as_converged_runs
from mlperf_stats.analysis.like_with_like import Difference
from mlperf_stats.analysis.machines import Machine
from mlperf_stats.analysis.run_sets import RunSet, run_sets
from mlperf_stats.analysis.summaries import evaluation_step
from mlperf_stats.errors import CannotCombineError
from mlperf_stats.rules.scoring import Score, score
from mlperf_stats.store.database import Store
from mlperf_stats.store.queries import StoredResult, StoredRun, runs_of

if TYPE_CHECKING:
    from mlperf_stats.stats.log_means import LogMean
    from mlperf_stats.stats.normal_mixture import NormalMixture


@dataclass(frozen=True)
class Part:
    """One benchmark of one submission."""

    item: RunSet
    score: Score

    @property
    def benchmark(self) -> str:
        """The suite's name."""
        return self.item.result.benchmark

    @property
    def result(self) -> StoredResult:
        """As stored."""
        return self.item.result

    @property
    def minutes(self) -> float:
        """The benchmark result; only of parts with one."""
        assert self.score.score_minutes is not None
        return self.score.score_minutes

    @property
    def raw_minutes(self) -> float:
        """The same without scaling."""
        assert self.score.olympic_minutes is not None
        return self.score.olympic_minutes


@dataclass(frozen=True)
class Entry:
    """A submission with its parts by benchmark."""

    label: str
    parts: Mapping[str, Part]
    overrides: tuple[Difference, ...]

    @property
    def usable(self) -> list[str]:
        """Benchmarks with a valid result, in order."""
        return [name for name, part in self.parts.items() if part.score.score_minutes is not None]


def entry_of(store: Store, machine: Machine) -> Entry:
    """The machine's results with their scores."""
    runs = runs_of(store, machine.results)
    parts = {
        item.result.benchmark: Part(item, _score(item, runs.get(item.result.key, [])))
        for item in run_sets(store, machine.results)
    }
    return Entry(machine.label, parts, machine.overrides)


def _score(item: RunSet, filed: Sequence[StoredRun]) -> Score:
    return score(
        [run.minutes for run in filed],
        [run.status for run in filed],
        item.rules,
        item.result.scaling_factor,
        [run.start_ms for run in filed],
    )


def require_parts(entries: Sequence[Entry], wanted: Sequence[str]) -> list[str]:
    """The benchmarks to combine: those asked for, else all of the first submission.

    Raises:
        CannotCombineError: a submission lacks one, or has no valid result for it; lists what would work.
    """
    asked = list(dict.fromkeys(wanted)) or list(entries[0].parts)
    usable = [name for name in entries[0].usable if all(name in entry.usable for entry in entries)]
    offending = [name for name in asked if any(name not in entry.usable for entry in entries)]
    if offending:
        reasons = [reason for entry in entries for reason in _reasons(entry, asked)]
        raise cannot_combine(reasons, tuple(offending), tuple(usable))
    return asked


def _reasons(entry: Entry, asked: Sequence[str]) -> Iterator[str]:
    """Why a submission cannot give some of the benchmarks."""
    missing = [name for name in asked if name not in entry.parts]
    if missing:
        yield f"{entry.label} has no result for {', '.join(missing)}"
    for name in asked:
        if name in entry.parts and name not in entry.usable:
            found = entry.parts[name].score
            why = "; ".join(code for code in found.warnings if code.startswith(("invalid", "unknown")))
            yield f"{entry.label} has no score for {name} ({why or found.state})"


def cannot_combine(
    reasons: Sequence[str], benchmarks: tuple[str, ...], usable: tuple[str, ...]
) -> CannotCombineError:
    """The refusal: what is wrong, and which selection would work; a summary is never of fewer in silence."""
    flags = " ".join(f"--benchmark {name}" for name in usable)
    remedy = f"; these would work: {flags}" if usable else "; no benchmark would work"
    return CannotCombineError(f"{'; '.join(reasons)}{remedy}", benchmarks, usable)


def own_mean(store: Store, part: Part) -> LogMean:
    """Mean log time from the result's own runs alone, as :func:`~mlperf_stats.analysis.show.show` states it.

    0 degrees of freedom for a single run.
    """
    from mlperf_stats.stats.log_means import log_mean

    item = part.item
    step = evaluation_step(store, item.result) if item.on_one_point else None
    return log_mean(item.minutes, relative_step=step / item.points[0] if step else None)


def controlled_law(lenders: Lenders, item: RunSet) -> tuple[NormalMixture, tuple[str, ...]]:
    """The convergence-controlled law of mean log time of a result with a score, and warnings.

    Raises CannotCombineError where the runs are one, filed several times, and nobody says how it scatters.
    """
    import numpy as np

    from mlperf_stats.stats import codes
    from mlperf_stats.stats.controlled import controlled_posterior, moderated_posterior, usable
    from mlperf_stats.stats.normal_mixture import NormalMixture
    from mlperf_stats.stats.tied_convergence import hidden_variance

    prior, runs = lenders.prior_of(item), as_converged_runs(item)
    warnings: tuple[str, ...] = (codes.NO_PEERS if prior is None else codes.CONVERGENCE_UNKNOWN,)
    posterior = None
    if prior is not None and runs is not None:
        work, time = runs.log_convergence[None], runs.log_time[None]
        if usable(prior, work, time).all():
            posterior, warnings = controlled_posterior(prior, work, time), ()
        else:
            warnings = (codes.CONVERGENCE_CONSTANT,)
    if posterior is None:
        borrowed = prior.log_time if prior else None
        if borrowed is None and len(item.minutes) == 1:
            name = item.result.benchmark
            raise CannotCombineError(
                f"{item.result.result_id} has one run of its own, and no other result says "
                "how it scatters; combine with --interval own",
                (name,),
                (),
            )
        step = lenders.relative_step(item) if prior is None else None
        hidden = hidden_variance(step, len(item.minutes)) if step else 0.0
        posterior = moderated_posterior(borrowed, np.log(item.minutes)[None], hidden)
    law = posterior.law
    return NormalMixture(law.weights[0], law.means[0], law.variances[0]), warnings
