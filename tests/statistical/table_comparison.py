"""Do comparisons and custom summaries keep what they promise?

Usage: python tests/statistical/table_comparison.py

Prints the tables of docs/validation/comparison.md, seeds fixed. ``--only NAME`` prints one of them:
ratios, family, unlogged, equivalence, summary, splits.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable

import numpy as np
from scipy.special import stdtrit
from split_ratios import split_ratios

from mlperf_stats.stats.converged_runs import ConvergedRuns
from mlperf_stats.stats.log_means import LogMean, borrow, log_mean, log_mean_at, log_mean_with_convergence
from mlperf_stats.stats.log_sums import weighted_log_mean
from mlperf_stats.stats.pool import pool
from mlperf_stats.stats.simultaneous import Multiplicity, compare_means

SYSTEMS, PEERS = 10, 20
EVERY_PAIR = np.array([(i, j) for i in range(SYSTEMS) for j in range(i + 1, SYSTEMS)])
AGAINST_FIRST = np.array([(i, 0) for i in range(1, SYSTEMS)])
STEP = 0.05
RUNS = (3, 5, 10)

Sampler = Callable[[np.random.Generator, int], list[ConvergedRuns]]
Reading = Callable[[list[ConvergedRuns], int], list[LogMean]]


def continuous(rng: np.random.Generator, runs: int) -> list[ConvergedRuns]:
    """Lognormal convergence of 6 %, sets alike in spread; 0.3 % at a fixed convergence."""
    return _sets(rng, runs, lambda spread: rng.normal(0, 0.06 * spread, runs), math.inf)


def uneven(rng: np.random.Generator, runs: int) -> list[ConvergedRuns]:
    """The same, the spread of each set drawn with 8 degrees of freedom."""
    return _sets(rng, runs, lambda spread: rng.normal(0, 0.06 * spread, runs), 8.0)


def epochs(rng: np.random.Generator, runs: int) -> list[ConvergedRuns]:
    """Right-skewed (Gumbel) on whole epochs around 20: many sets tie."""
    return _sets(
        rng, runs, lambda spread: np.log(np.ceil(20 * np.exp(rng.gumbel(0, 0.047 * spread, runs))) / 20), 16.0
    )


def _sets(
    rng: np.random.Generator, runs: int, convergence: Callable[[float], np.ndarray], alike: float
) -> list[ConvergedRuns]:
    found = []
    for number in range(SYSTEMS + PEERS):
        spread = 1.0 if math.isinf(alike) else math.sqrt(alike / rng.chisquare(alike))
        work = convergence(spread)
        residual = rng.normal(0, 0.003 * math.sqrt(4 / rng.chisquare(4)), runs)
        found.append(ConvergedRuns(work + residual, work, 8.0, str(number), str(number)))
    return found


LAWS: dict[str, Sampler] = {"lognormal": continuous, "uneven spreads": uneven, "whole epochs": epochs}


def as_run(sets: list[ConvergedRuns], count: int) -> list[LogMean]:
    """The first sets, each with what the others lend."""
    everything = pool(sets, STEP)
    return [
        log_mean_with_convergence(one, borrow(everything.without([one.label]), one.size))
        for one in sets[:count]
    ]


def print_cells(law: str, cells: list[np.ndarray]) -> None:
    """One law: shares in percent by number of runs."""
    texts = [
        f"n={n}: " + " | ".join(f"{100 * share:.1f}" for share in cell)
        for n, cell in zip(RUNS, cells, strict=True)
    ]
    print(f"  {law:16} " + "   ".join(texts), flush=True)


def print_mean(cells: list[np.ndarray]) -> None:
    """The mean over all cells."""
    print(
        f"  {'mean':16} " + " | ".join(f"{100 * share:.1f}" for share in np.mean(cells, axis=0)), flush=True
    )


def own(sets: list[ConvergedRuns], count: int) -> list[LogMean]:
    """The first sets, with nothing to borrow."""
    return [log_mean(np.exp(one.log_time)) for one in sets[:count]]


def ratios(repetitions: int = 600) -> None:
    """Coverage of one ratio, whose true value is 1: all sets have one law."""
    print("ratio, coverage % (as run with borrowed spreads | own runs alone)")
    every: list[np.ndarray] = []
    for law, sampler in LAWS.items():
        cells = []
        for runs in RUNS:
            hits = np.zeros(2)
            rng = np.random.default_rng([1, runs])
            for _ in range(repetitions):
                sets = sampler(rng, runs)
                for index, means in enumerate((as_run(sets, 2), own(sets, 2))):
                    hits[index] += covers(means[0], means[1])
            cells.append(hits / repetitions)
        print_cells(law, cells)
        every += cells
    print_mean(every)


def covers(first: LogMean, second: LogMean, level: float = 0.95) -> bool:
    """Whether the Welch interval of the log ratio, which a family of one has, holds 0."""
    if min(first.df, second.df) <= 0:
        return True
    variance = first.variance + second.variance
    df = variance**2 / (first.variance**2 / first.df + second.variance**2 / second.df)
    return bool(abs(first.mean - second.mean) <= stdtrit(df, (1 + level) / 2) * math.sqrt(variance))


def family(repetitions: int = 300) -> None:
    """Family-wise error with ten equal systems."""
    print(f"any false difference among {SYSTEMS} equal systems, % (every pair max-t | Holm | against one)")
    every: list[np.ndarray] = []
    for law, sampler in LAWS.items():
        cells = [family_wise_errors(sampler, runs, as_run, repetitions) for runs in RUNS]
        print_cells(law, cells)
        every += cells
    print_mean(every)


def family_wise_errors(sampler: Sampler, runs: int, reading: Reading, repetitions: int) -> np.ndarray:
    """Shares of repetitions with a false difference: every pair max-t, every pair Holm, against one."""
    rng = np.random.default_rng([2, runs])
    wrong = np.zeros(3)
    for _ in range(repetitions):
        means = reading(sampler(rng, runs), SYSTEMS)
        for index, (pairs, how) in enumerate(
            (
                (EVERY_PAIR, Multiplicity.MAX_T),
                (EVERY_PAIR, Multiplicity.HOLM),
                (AGAINST_FIRST, Multiplicity.MAX_T),
            )
        ):
            found = compare_means(means, pairs, multiplicity=how)
            wrong[index] += any(one.p_adjusted <= 0.05 for one in found)
    return wrong / repetitions


def two_evaluations(later: float) -> Sampler:
    """Runs stop at one of two evaluations 5 % apart, a share of them at the later; 0.3 % beside that."""
    return lambda rng, runs: _sets(
        rng, runs, lambda _: np.where(rng.random(runs) < later, STEP, 0.0), math.inf
    )


def times_alone(sets: list[ConvergedRuns], count: int) -> list[LogMean]:
    """The first sets without their convergence; the others lend the variance of their times."""
    everything = pool(sets, STEP)
    return [
        log_mean(np.exp(one.log_time), borrow(everything.without([one.label]), one.size))
        for one in sets[:count]
    ]


def unlogged(repetitions: int = 300) -> None:
    """Family-wise error with ten equal systems whose logs tell no convergence, on a law of two modes."""
    print("no convergence logged, two evaluations: any false difference, % (max-t | Holm | against one)")
    for name, reading in (("borrowed", times_alone), ("own", own)):
        for later in (0.2, 0.5):
            cells = [family_wise_errors(two_evaluations(later), runs, reading, repetitions) for runs in RUNS]
            print_cells(f"{name}, {later:.0%} late", cells)


def equivalence(repetitions: int = 400, margin: float = 0.02) -> None:
    """How often equality is claimed of systems that differ by exactly the margin."""
    print("equality within 2 % claimed of a difference of 2 %, % (at equal convergence | as run)")
    pair = np.array([(0, 1)])
    every: list[np.ndarray] = []
    for law, sampler in LAWS.items():
        cells = []
        for runs in RUNS:
            rng = np.random.default_rng([3, runs])
            claimed = np.zeros(2)
            for _ in range(repetitions):
                sets = sampler(rng, runs)
                slow = ConvergedRuns(
                    sets[0].log_time + math.log1p(margin), sets[0].log_convergence, 8.0, "0", "0"
                )
                sets = [slow, *sets[1:]]
                everything = pool(sets, STEP)
                at = (sets[0].mean_convergence + sets[1].mean_convergence) / 2
                there = [
                    log_mean_at(one, borrow(everything.without([one.label]), 8.0), at) for one in sets[:2]
                ]
                for index, means in enumerate((there, as_run(sets, 2))):
                    claimed[index] += compare_means(means, pair, margin=margin)[0].equivalence_p <= 0.05
            cells.append(claimed / repetitions)
        print_cells(law, cells)
        every += cells
    print_mean(every)


SETTINGS = {
    "equal variances, six benchmarks, n = 5": ((5,) * 6, (0.05,) * 6),
    "three benchmarks, n = 3": ((3,) * 3, (0.05,) * 3),
    "one dominant variance, four benchmarks, n = 5": ((5,) * 4, (0.01, 0.01, 0.01, 0.15)),
}


def summary(repetitions: int = 10_000) -> None:
    """Coverage of the weighted geometric mean of equal weights, Welch-Satterthwaite and normal quantile."""
    print("custom summary, coverage % (Welch-Satterthwaite | normal quantile)")
    for name, (runs, deviations) in SETTINGS.items():
        rng = np.random.default_rng(4)
        hits = np.zeros(2)
        for _ in range(repetitions):
            means = [_measured(rng.normal(0, sd, n)) for n, sd in zip(runs, deviations, strict=True)]
            _, low, high = weighted_log_mean(means, [1.0] * len(runs))
            total = sum(one.mean for one in means) / len(runs)
            normal = 1.959964 * math.sqrt(sum(one.variance for one in means)) / len(runs)
            hits += (low <= 0 <= high, abs(total) <= normal)
        print(f"  {name:46} {100 * hits[0] / repetitions:.1f} | {100 * hits[1] / repetitions:.1f}")


def _measured(logs: np.ndarray) -> LogMean:
    variance = float(logs.var(ddof=1))
    return LogMean(float(logs.mean()), variance / logs.size, logs.size - 1.0, variance, logs.size)


def splits() -> None:
    """Ratios from n runs of each of two published results, judged by their other runs."""
    for runs in (3, 5):
        print(f"published pairs, {runs} runs of each; the submitters of both lend nothing")
        for line in split_ratios(runs):
            print(f"  {line}")


TABLES: dict[str, Callable[[], None]] = {
    "ratios": ratios,
    "family": family,
    "unlogged": unlogged,
    "equivalence": equivalence,
    "summary": summary,
    "splits": splits,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=TABLES)
    chosen = parser.parse_args().only
    for name, table in TABLES.items():
        if chosen in (None, name):
            table()


if __name__ == "__main__":
    main()
