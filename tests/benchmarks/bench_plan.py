"""What planning and checking cost, CPU seconds after import. Usage: python tests/benchmarks/bench_plan.py

Asked: any plan within a second, the audit of the snapshot within three.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import mlperf_stats as ms
from mlperf_stats.analysis.check import check
from mlperf_stats.store import Filters, open_snapshot


def measured(name: str, ask: Callable[[], object]) -> None:
    before = time.process_time()
    ask()
    print(f"{name:44} {time.process_time() - before:6.2f} s")


def check_round(round_name: str) -> int:
    with open_snapshot() as store:
        return check(store, Filters(rounds=(round_name,))).results


def main() -> None:
    ms.plan_width("rgat", 0.05)  # imports
    for name in ("bert", "unet3d"):
        measured(f"plan width {name} ±2.5 %", lambda name=name: ms.plan_width(name, 0.025))
        measured(f"plan detect {name} 3 %", lambda name=name: ms.plan_detect(name, 0.03))
        measured(f"plan valid {name}", lambda name=name: ms.plan_valid(name))
        measured(f"plan cost {name} ±5 %", lambda name=name: ms.plan_cost(name, 0.05, minutes=30))
    measured("plan cost bert ±2.5 %", lambda: ms.plan_cost("bert", 0.025, minutes=30))
    measured("plan audit, snapshot", ms.plan_audit)
    measured("check round 5.0 (from the snapshot)", lambda: check_round("5.0"))
    measured("check round 4.0 (from the snapshot)", lambda: check_round("4.0"))


if __name__ == "__main__":
    main()
