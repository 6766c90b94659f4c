"""Exact bootstrap against resampling and against full enumeration: CPU seconds and ratios.

Usage: python tests/benchmarks/bench_stats.py
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from scipy import stats

from mlperf_stats.stats.exact_bootstrap import enumerated_law, percentile_bounds
from mlperf_stats.stats.resampling import listed_laws, trimmed_mean_law

SETS, RUNS, RESAMPLES = 1_000, 10, 9_999
LEVEL = 0.95
MEDIAN_DROPS = (RUNS - 1) // 2


def cpu_seconds(work: Callable[[], object], rounds: int) -> float:
    """Least CPU time of ``work`` in ``rounds`` rounds, after one to warm up."""
    work()
    taken = []
    for _ in range(rounds):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return min(taken)


def exact_medians(samples: np.ndarray) -> np.ndarray:
    """Exact percentile limits of the median of each row, shape (2, rows)."""
    ordered = np.sort(samples, axis=1)
    return np.stack(percentile_bounds(ordered, MEDIAN_DROPS, *listed_laws(ordered, MEDIAN_DROPS), LEVEL))


def resampled_medians(samples: np.ndarray) -> np.ndarray:
    """The same by SciPy."""
    found = stats.bootstrap(
        (samples,), np.median, axis=1, n_resamples=RESAMPLES, method="percentile", rng=1, batch=100
    ).confidence_interval
    return np.stack([found.low, found.high])


def median_ratio(sets: int = SETS, rounds: int = 3) -> tuple[float, float, float]:
    """(seconds exact, seconds resampled, mean distance of limits in sample standard deviations)."""
    samples = np.random.default_rng(7).lognormal(3, 0.05, size=(sets, RUNS))
    distance = np.abs(exact_medians(samples) - resampled_medians(samples)).mean() / samples.std(axis=1).mean()
    exact = cpu_seconds(lambda: exact_medians(samples), rounds)
    resampled = cpu_seconds(lambda: resampled_medians(samples), 1)
    return exact, resampled, float(distance)


def olympic_ratio(rounds: int = 5) -> tuple[float, float, float]:
    """(seconds short table, seconds full enumeration, largest difference of quantiles) at ten runs."""
    ordered = np.sort(np.random.default_rng(8).lognormal(3, 0.05, size=RUNS))

    def full() -> object:
        return enumerated_law(ordered, lambda rows: rows[:, 1:-1].mean(axis=1))

    short = trimmed_mean_law(ordered, 1)
    whole = enumerated_law(ordered, lambda rows: rows[:, 1:-1].mean(axis=1))
    probabilities = np.linspace(0.001, 0.999, 999)
    difference = max(abs(short.quantile(p) - whole.quantile(p)) for p in probabilities)
    return cpu_seconds(lambda: trimmed_mean_law(ordered, 1), rounds), cpu_seconds(full, rounds), difference


def main() -> None:
    exact, resampled, distance = median_ratio()
    print(f"median of {SETS} sets of {RUNS}: exact {exact:.4f} s, scipy.stats.bootstrap {resampled:.2f} s")
    print(f"  ratio {resampled / exact:.0f}; limits differ by {distance:.4f} standard deviations on average")
    short, full, difference = olympic_ratio()
    print(f"olympic mean of {RUNS}: short table {short * 1e3:.2f} ms, full enumeration {full * 1e3:.1f} ms")
    print(f"  ratio {full / short:.1f}; quantiles differ by at most {difference:.1e}")


if __name__ == "__main__":
    main()
