"""How long the controlled estimates of the whole published database take.

Usage: python tests/benchmarks/bench_controlled.py
CPU seconds on one core, so that what else the machine does counts little.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import time

from mlperf_stats.analysis.controlled import ControlledEstimates
from mlperf_stats.store import open_snapshot
from mlperf_stats.store.queries import list_results


def main() -> None:
    with open_snapshot() as store:
        results = list_results(store)
        estimates = ControlledEstimates(store)
        start = time.process_time()
        # The first estimate reads the runs of all results and loads SciPy.
        estimates.of(results[0].key, 0.95)
        loaded = time.process_time()
        found = [estimates.of(result.key, 0.95) for result in results]
        done = time.process_time()
    made = sum(one is not None for one in found)
    print(f"{len(results)} results read in {loaded - start:.1f} s of CPU")
    print(f"{made} estimates in {done - loaded:.1f} s of CPU")


if __name__ == "__main__":
    main()
