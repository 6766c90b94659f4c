"""Warning codes of the statistics room and what each means.

Codes are part of every answer and appear in tables, charts and exports; they never change.
"""

from __future__ import annotations

LEVEL_NOT_ATTAINED = "level-not-attained"
SINGLE_RUN = "single-run"
TIED_RUNS = "tied-runs"
ZERO_VARIANCE = "zero-variance"

MEANINGS: dict[str, str] = {
    LEVEL_NOT_ATTAINED: (
        "So few runs cannot give an interval of the level asked for; the interval printed is the widest "
        "there is and its attained level is stated. Measure more runs (six for 95 %)."
    ),
    SINGLE_RUN: "One run says nothing about the spread between runs; its interval is unbounded.",
    TIED_RUNS: (
        "Some runs took exactly the same time, so the law of times has atoms. Order-statistics intervals "
        "still cover at least as often as they state; smooth models may not."
    ),
    ZERO_VARIANCE: (
        "All runs took exactly the same time: identical to the resolution of the clock or of the evaluation "
        "grid, which is not proof of no variation. The interval has no width and cannot be relied on."
    ),
}
