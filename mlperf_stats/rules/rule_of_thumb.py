"""How much scores are said to vary, as the organisation has published it with every round since v0.5."""

from __future__ import annotations

from mlperf_stats.rules.suite import Benchmark

VISION = 0.025
OTHERS = 0.05


def rule_of_thumb(benchmark: Benchmark) -> float | None:
    """The published variation of a score, as a fraction: "very roughly" ±2.5 % for vision, ±5 % for others.

    None where no suite names the area of the benchmark (own campaigns).
    """
    if not benchmark.area:
        return None
    return VISION if benchmark.area == "vision" else OTHERS
