"""What comparing and combining cost, CPU seconds after import.

Usage: python tests/benchmarks/bench_compare.py

Asked: all results of a benchmark of a round, all pairs, within two seconds; a summary within one.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import mlperf_stats as ms

PAIR = ("5.0/HPE/HPE-Cray-XD670-H200-SXM5-141GB_n1_24.09", "5.0/QCT/D74H-7U")


def measured(name: str, ask: Callable[[], object]) -> None:
    before = time.process_time()
    ask()
    print(f"{name:56} {time.process_time() - before:6.2f} s")


def main() -> None:
    ms.compare(*(f"{name}/bert" for name in PAIR))  # imports
    filters = {"round": "5.0", "division": "closed"}
    for benchmark in ("llama2_70b_lora", "retinanet", "bert", "rgat"):
        count = len(ms.published().filter(benchmark=benchmark, **filters))
        measured(
            f"compare {benchmark} of round 5.0, {count} results, all pairs",
            lambda name=benchmark: ms.compare(filters={**filters, "benchmark": name}),
        )
    measured("compare two systems on six benchmarks", lambda: ms.compare(*PAIR))
    for interval in ("own", "controlled"):
        measured(
            f"combine six benchmarks, {interval}", lambda how=interval: ms.combine(PAIR[0], interval=how)
        )
        measured(f"combine two submissions, {interval}", lambda how=interval: ms.combine(*PAIR, interval=how))


if __name__ == "__main__":
    main()
