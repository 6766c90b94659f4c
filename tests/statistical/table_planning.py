"""Are planned assurance and power reached? Usage: python tests/statistical/table_planning.py

Prints the tables of docs/validation/planning.md: what is promised, and what independent simulations with
the intervals and tests themselves reach, on a lognormal law, on whole epochs, and on resampled published
runs; then plans from one half of the published results, tried on the other half, for random halves.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from scipy.stats import ttest_ind

from mlperf_stats.analysis.plan_controlled import borrowers
from mlperf_stats.analysis.spread import benchmark_spread, log_minutes
from mlperf_stats.stats.controlled_planning import controlled_half_widths
from mlperf_stats.stats.expected_score import expected_score_bounds
from mlperf_stats.stats.laws import LogTimeLaw, lognormal_law, resampled_law
from mlperf_stats.stats.planning import WidthQuestion, assurance, half_width
from mlperf_stats.stats.power import Contrast, detection_power
from mlperf_stats.stats.predictive import predictive_quantile
from mlperf_stats.store import open_snapshot

RUNS = (3, 5, 8, 10, 20, 40)
REPETITIONS = 20_000
SPLITS, CONTROLLED_SPLITS = 40, 400
EPOCHS = np.repeat(np.log(np.arange(17, 27)), [2, 8, 15, 20, 18, 14, 10, 7, 4, 2])


def laws() -> dict[str, tuple[LogTimeLaw, int, int]]:
    """Name → law, official N and dropped runs."""
    with open_snapshot() as store:
        unet3d, bert = benchmark_spread(store, "unet3d"), benchmark_spread(store, "bert")
    return {
        "lognormal 6 %": (lognormal_law(0.06), 10, 1),
        "lognormal, spread known to 8 df": (lognormal_law(0.06, 8), 10, 1),
        "whole epochs": (resampled_law([EPOCHS]), 10, 1),
        "unet3d, resampled": (unet3d.law(), 40, 4),
        "bert, resampled": (bert.law(), 10, 1),
    }


def reached_widths(law: LogTimeLaw, runs: int, question: WidthQuestion, seed: int) -> np.ndarray:
    ordered = np.sort(np.exp(law.draw(np.random.default_rng(seed), REPETITIONS, runs)), axis=1)
    estimate, low, high = expected_score_bounds(ordered, question.scored_runs, question.dropped, 0.95)
    return (high - low) / 2 / estimate


def assured(name: str, law: LogTimeLaw, scored: int, dropped: int) -> str:
    """Promised and reached probability of a half-width that has about 80 %."""
    cells = []
    for runs in RUNS:
        question = WidthQuestion("expected-score", 0.95, 0.8, scored, dropped)
        wanted = min(half_width(law, runs, question) * 1.001, 0.99)
        promised = assurance(law, runs, wanted, question)
        reached = np.mean(reached_widths(law, runs, question, 100 + runs) <= wanted)
        cells.append(f"{100 * promised:.1f} → {100 * reached:.1f}")
    return f"| {name} | {' | '.join(cells)} |"


def powered(name: str, law: LogTimeLaw) -> str:
    """Promised and reached power of the t test, at a difference of 3.2 typical standard errors."""
    cells = []
    for runs in RUNS:
        ratio = math.exp(3.2 * law.typical_spread * math.sqrt(2 / runs))
        promised = detection_power(law, Contrast(ratio), runs)
        rng = np.random.default_rng(500 + runs)
        first, second = (law.draw(rng, REPETITIONS, runs) for _ in range(2))
        varied = (first.std(axis=1) + second.std(axis=1)) > 1e-9
        p = ttest_ind(first[varied] + math.log(ratio), second[varied], axis=1).pvalue
        cells.append(f"{100 * promised:.1f} → {100 * np.sum(p < 0.05) / REPETITIONS:.1f}")
    return f"| {name} | {' | '.join(cells)} |"


def halves(count: int, splits: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Random halves of so many results: to plan from, and to try the plan on."""
    rng = np.random.default_rng(9)
    for _ in range(splits):
        order = rng.permutation(count)
        yield order[: count // 2], order[count // 2 :]


def held_out(name: str, dropped: int) -> str:
    """Plan from half of the results, draw runs without replacement from the others: share that is narrow."""
    with open_snapshot() as store:
        spread = benchmark_spread(store, name)
    scored = spread.benchmark.scored_runs
    samples = [values for entry in spread.sets if len(values := log_minutes(entry)) >= scored]
    rng = np.random.default_rng(9)
    cells = []
    for runs in (3, 5, 8, 10):
        question = WidthQuestion("expected-score", 0.95, 0.8, scored, dropped)
        tried = []
        for values in samples:
            drawn = np.array([rng.choice(values, size=runs, replace=False) for _ in range(100)])
            estimate, low, high = expected_score_bounds(np.sort(np.exp(drawn), axis=1), scored, dropped, 0.95)
            tried.append((high - low) / 2 / estimate)
        reached = []
        for known, others in halves(len(samples), SPLITS):
            wanted = half_width(resampled_law([np.array(samples[one]) for one in known]), runs, question)
            reached.append(np.mean([np.mean(tried[one] <= wanted) for one in others]))
        cells.append(f"{100 * np.mean(reached):.1f}")
    return f"| {name} ({len(samples)} results) | {' | '.join(cells)} |"


def controlled_held_out(name: str) -> str:
    """The same for the controlled estimate, the plain quantile of the known sets beside what is promised."""
    with open_snapshot() as store:
        spread = benchmark_spread(store, name)
        long = [entry for entry in spread.sets if len(entry.converged) >= spread.benchmark.scored_runs]
        found = borrowers(store, replace(spread, sets=tuple(long)), most=len(long))
    cells = []
    for runs in (3, 5, 8):
        widths, origins = controlled_half_widths(found, runs)
        plain, reached = [], []
        for known, others in halves(len(found), CONTROLLED_SPLITS):
            seen, unseen = np.isin(origins, known), np.isin(origins, others)
            promised = predictive_quantile(widths[seen], origins[seen], 0.8)
            reached.append(np.mean(widths[unseen] <= promised))
            plain.append(np.mean(widths[unseen] <= np.quantile(widths[seen], 0.8, method="inverted_cdf")))
        cells.append(f"{100 * np.mean(plain):.1f} → {100 * np.mean(reached):.1f}")
    return f"| {name} ({len(found)} results) | {' | '.join(cells)} |"


def main() -> None:
    header = f"| law | {' | '.join(map(str, RUNS))} |\n|---|{'---|' * len(RUNS)}"
    known = laws()
    print("Assurance, promised → reached, % \n" + header)
    for name, (law, scored, dropped) in known.items():
        print(assured(name, law, scored, dropped))
    print("\nPower, promised → reached, %\n" + header)
    for name, (law, _, _) in known.items():
        print(powered(name, law))
    print("\nHeld-out results, promised 80 %\n| benchmark | 3 | 5 | 8 | 10 |\n|---|---|---|---|---|")
    for name, dropped in (("unet3d", 4), ("bert", 1), ("llama2_70b_lora", 1), ("rnnt", 1)):
        print(held_out(name, dropped))
    print("\nControlled estimate, held-out results, promised 80 %: plain quantile → as planned")
    print("| benchmark | 3 | 5 | 8 |\n|---|---|---|---|")
    for name in ("unet3d", "bert", "llama2_70b_lora", "rnnt"):
        print(controlled_held_out(name))


if __name__ == "__main__":
    main()
