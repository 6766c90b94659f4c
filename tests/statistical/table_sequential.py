"""Coverage and cost of the stopping rules. Usage: python tests/statistical/table_sequential.py

Prints the tables of docs/validation/sequential.md: 10 000 paths of up to 200 runs on each law.
"""

from __future__ import annotations

import math

import numpy as np

from mlperf_stats.stats.alpha_spending import look_levels
from mlperf_stats.stats.confidence_sequences import (
    anytime_median_rank,
    best_prior,
    mixture_level,
    running_moments,
    student_quantile,
    t_mixture_factor,
)

PATHS, RUNS, SIGMA, LEVEL = 10_000, 200, 0.05, 0.95
COUNTS = np.arange(1, RUNS + 1)
Z95, Z90 = 1.959964, 1.281552


def laws() -> dict[str, tuple[np.ndarray, float, float, float]]:
    """Name → log times (paths, runs), their mean, their median, the floor that a pool would give."""
    rng = np.random.default_rng(20)
    shape = (PATHS, RUNS)
    epochs = np.arange(17, 27)
    odds = np.array([2, 8, 15, 20, 18, 14, 10, 7, 4, 2]) / 100
    grid = np.log(rng.choice(epochs, p=odds, size=shape))
    tied = np.log(rng.choice([35.0, 39.0], p=[0.92, 0.08], size=shape))
    tied_mean = 0.92 * math.log(35) + 0.08 * math.log(39)
    tied_sd = math.sqrt(0.92 * 0.08) * math.log(39 / 35)
    jitter = 0.002 * rng.standard_normal(shape)
    failing = grid + jitter
    failing[rng.random(shape) < 0.05] = math.inf
    failing_median = float(np.sort(failing.ravel())[failing.size // 2])
    mean = float(odds @ np.log(epochs))
    # The median of the failing law is that of its two million draws.
    return {
        "lognormal, σ 5 %": (SIGMA * rng.standard_normal(shape), 0.0, 0.0, 0.0),
        "whole epochs, skewed": (grid, mean, math.log(21), 0.03),
        "two points, 92 : 8": (tied, tied_mean, math.log(35), tied_sd),
        "epochs + jitter, 5 % fail": (failing, mean, failing_median, 0.03),
    }


def anytime_coverage() -> None:
    print("| law | mean: never missed in 200 runs | declared to end there | median |\n|---|---|---|---|")
    prior = best_prior(30, LEVEL)
    known = [
        np.array([t_mixture_factor(int(n), prior, level) for n in COUNTS])
        for level in (LEVEL, mixture_level(prior, RUNS, LEVEL))
    ]
    ranks = np.array([anytime_median_rank(int(n), LEVEL) for n in COUNTS])
    for name, (logs, mean, median, floor) in laws().items():
        means = [_mean_held(logs, mean, floor, factors).mean() for factors in known]
        below, above = np.cumsum(logs < median, axis=1), np.cumsum(logs > median, axis=1)
        held = ((below < ranks) & (above < ranks)).all(axis=1).mean()
        print(f"| {name} | {' | '.join(f'{100 * one:.1f} %' for one in (*means, held))} |")


def _mean_held(logs: np.ndarray, mean: float, floor: float, factors: np.ndarray) -> np.ndarray:
    """Whether the mean of converged runs is inside after every run; open above once a run has failed."""
    finite = np.isfinite(logs)
    centred = np.where(finite, logs - mean, 0.0)
    count = np.maximum(np.cumsum(finite, axis=1), 1)
    centre = np.cumsum(centred, axis=1) / count
    deviation = np.sqrt(np.maximum(np.cumsum(centred**2, axis=1) / count - centre**2, 0.0))
    half = np.where(
        count > 1, np.nan_to_num(factors[count - 1], posinf=1e9) * np.maximum(deviation, floor), 1e9
    )
    failed = np.cumsum(~finite, axis=1) > 0
    return ((centre - half <= 0) & ((centre + half >= 0) | failed)).all(axis=1)


def anytime_cost() -> None:
    print(
        "\n| runs of the fixed design | mean runs | ratio | covered "
        "| declared to end: mean runs | ratio | covered |"
    )
    print("|---|---|---|---|---|---|---|")
    for fixed in (5, 10, 20, 30, 60):
        width = Z95 * SIGMA / math.sqrt(fixed)
        prior, last = best_prior(int(2.6 * fixed), LEVEL), max(6 * fixed, RUNS)
        values = SIGMA * np.random.default_rng(fixed).standard_normal((PATHS, last))
        centre, deviation = running_moments(values)
        cells = []
        for level in (LEVEL, mixture_level(prior, last, LEVEL)):
            factors = np.array([t_mixture_factor(n, prior, level) for n in range(1, last + 1)])
            with np.errstate(invalid="ignore"):
                half = factors * deviation
            narrow = np.nan_to_num(half, nan=math.inf) <= width
            narrow[:, :2] = False
            stop = np.where(narrow.any(axis=1), narrow.argmax(axis=1), last - 1)
            rows = np.arange(PATHS)
            covered = np.abs(centre[rows, stop]) <= half[rows, stop]
            runs = (stop + 1).mean()
            cells += [f"{runs:.1f}", f"{runs / fixed:.2f}", f"{100 * covered.mean():.1f} %"]
        print(f"| {fixed} | {' | '.join(cells)} |")


def group_sequential() -> None:
    print("\n| goal | fixed design | 4 looks | mean runs | ratio | reached | error |")
    print("|---|---|---|---|---|---|---|")
    for fixed in (12, 20, 40):
        looks = tuple(round(share * fixed) for share in (0.6, 0.8, 1.0, 1.25))
        levels = look_levels(looks)
        values = SIGMA * np.random.default_rng(fixed).standard_normal((PATHS, looks[-1]))
        centre, half = _looks(values, looks, levels)
        narrow = half <= Z95 * SIGMA / math.sqrt(fixed)
        _print("width", fixed, looks, narrow, np.abs(centre) > half)
        # A difference that the fixed design with known variance detects with 90 %, in paired values.
        effect = (Z95 + Z90) * SIGMA / math.sqrt(fixed)
        looks = tuple(round(share * fixed) for share in (0.4, 0.7, 0.95, 1.2))
        levels = look_levels(looks)
        shift, half = _looks(values[:, : looks[-1]] + effect, looks, levels)
        none, still = _looks(values[:, : looks[-1]], looks, levels)
        _print("difference", fixed, looks, np.abs(shift) > half, np.abs(none) > still)


def _looks(values, looks, levels):  # type: ignore[no-untyped-def]
    centre = np.stack([values[:, :n].mean(axis=1) for n in looks], axis=1)
    error = np.stack([values[:, :n].std(axis=1, ddof=1) / math.sqrt(n) for n in looks], axis=1)
    return centre, error * np.array([student_quantile(q, n - 1) for n, q in zip(looks, levels, strict=True)])


def _print(goal, fixed, looks, reached, wrong):  # type: ignore[no-untyped-def]
    stop = np.where(reached.any(axis=1), reached.argmax(axis=1), len(looks) - 1)
    runs = np.array(looks)[stop].mean()
    print(
        f"| {goal} | {fixed} | {', '.join(map(str, looks))} | {runs:.1f} | {runs / fixed:.2f} | "
        f"{100 * reached.any(axis=1).mean():.1f} % | {100 * wrong.any(axis=1).mean():.1f} % |"
    )


def peeking() -> None:
    values = np.random.default_rng(21).standard_normal((2, 100_000, 20))
    (a, b), (sd_a, sd_b) = (part[..., 1:] for part in running_moments(values))
    counts = np.arange(2, 21)
    quantiles = np.array([student_quantile(LEVEL, 2 * n - 2) for n in counts])
    rejected = np.abs(a - b) > quantiles * np.sqrt((sd_a**2 + sd_b**2) / (counts - 1))
    centre, deviation = (part[..., 1:] for part in running_moments(values[0] - values[1]))
    factors = np.array([t_mixture_factor(int(n), best_prior(20, LEVEL), LEVEL) for n in counts])
    anytime = np.abs(centre) > factors * deviation
    print("\n| looking after every run from 3 to | t test | anytime |\n|---|---|---|")
    for last in (10, 20):
        shares = (part[:, 1 : last - 1].any(axis=1).mean() for part in (rejected, anytime))
        print(f"| {last} | {' | '.join(f'{100 * share:.1f} %' for share in shares)} |")
    looks = (5, 10, 15, 20)
    centre, half = _looks(values[0] - values[1], looks, look_levels(looks))
    print(f"\nDeclared looks at {looks}: {100 * (np.abs(centre) > half).any(axis=1).mean():.1f} %")


if __name__ == "__main__":
    anytime_coverage()
    anytime_cost()
    group_sequential()
    peeking()
