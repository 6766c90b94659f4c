"""How often does the check claim something of a clean round? Usage: python tests/statistical/table_check.py

Prints the table of docs/validation/check.md: rounds in which nothing is wrong, any claim of significance.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from clean_rounds import clean_round

from mlperf_stats.analysis.check_findings import significant
from mlperf_stats.analysis.check_review import suspicions

ROUNDS, RESULTS = 200, 150


def main() -> None:
    flagged, codes, tests = 0, Counter[str](), 0
    for seed in range(ROUNDS):
        tested = list(suspicions(clean_round(1000 + seed, RESULTS)))
        found = significant(tested)
        tests += len(tested)
        flagged += bool(found)
        codes.update(entry.code for entry in found)
    print(f"{ROUNDS} clean rounds of {RESULTS} results, {tests / ROUNDS:.0f} tests each:")
    print(f"{flagged} rounds with any claim ({100 * flagged / ROUNDS:.1f} %), by code: {dict(codes)}")


if __name__ == "__main__":
    main()
