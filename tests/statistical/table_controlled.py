"""Coverage and width of controlled intervals on splits of published runs: docs/validation/controlled.md.

Usage: python tests/statistical/table_controlled.py [SPLITS.csv …]
Prints a table for every file that ``mlperf-stats validate splits --format csv`` wrote; without any, runs
those of the page itself, about a minute each on an idle core.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import logsumexp

from mlperf_stats.analysis.lenders import Family, Lenders
from mlperf_stats.analysis.splits import validate_splits
from mlperf_stats.stats.effect_grids import LINEAGE_SCALES, SET_SCALES, half_cauchy
from mlperf_stats.stats.sample import FloatArray
from mlperf_stats.store import Filters, Store, open_snapshot

PRIOR_SCALES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
METHODS = ("t_log", "moderated", "controlled")
QUESTIONS: tuple[dict[str, Any], ...] = (
    {"runs": 3},
    {"runs": 5},
    {"runs": 10, "filters": Filters(benchmarks=("unet3d",))},
    {"runs": 1},
    {"runs": 3, "by": "submitter"},
    {"runs": 3, "references": False},
    {"runs": 5, "references": False},
    {"runs": 1, "references": False},
)

Row = Mapping[str, Any]


def share(value: Any, digits: int = 3) -> str:
    """``.956``; empty where there is no figure."""
    return "" if value in (None, "") else f"{float(value):.{digits}f}".removeprefix("0")


def by_benchmark(rows: Iterable[Row]) -> dict[str, dict[str, Row]]:
    """Rows by benchmark and method."""
    found: dict[str, dict[str, Row]] = {}
    for row in rows:
        found.setdefault(row["benchmark"], {})[row["method"]] = row
    return found


def print_table(rows: Iterable[Row]) -> None:
    """One line per benchmark: coverage of the three methods, their median half-widths, and the ratio."""
    print(
        "| benchmark | results | splits | t_log | moderated | controlled | ± t_log | ± moderated "
        "| ± controlled | ratio |"
    )
    print("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
    for name, methods in by_benchmark(rows).items():
        last = methods["controlled"]
        coverage = [share(methods[method]["coverage"]) for method in METHODS]
        coverage[2] += f" ({share(last['coverage_low'])}–{share(last['coverage_high'])})"
        widths = [share(methods[method]["median_half_width"], 4) for method in METHODS]
        cells = [name, last["submissions"], last["splits"], *coverage, *widths]
        cells.append(share(last["untied_width_ratio"]))
        print("| " + " | ".join(map(str, cells)) + " |")


def print_prior_scales(store: Store) -> None:
    """Log marginal likelihood of the scale of the effects' priors, below its largest value."""
    evidence: dict[str, dict[Family, FloatArray]] = {"rounds 0.5 to 2.0": {}, "rounds 3.0 to 5.0": {}}
    for of, round_, pool in Lenders(store, references=False).pools():
        group = evidence["rounds 0.5 to 2.0" if float(round_) < 3 else "rounds 3.0 to 5.0"]
        group[of] = group.get(of, np.zeros(())) + pool.scale_evidence()
    figures = {
        name: np.array([sum(marginal(one, scale) for one in group.values()) for scale in PRIOR_SCALES])
        for name, group in evidence.items()
    }
    print("| scale | " + " | ".join(figures) + " |")
    print("|--:|" + "--:|" * len(figures))
    for number, scale in enumerate(PRIOR_SCALES):
        cells = (f"{values[number] - values.max():.1f}" for values in figures.values())
        print(f"| {scale} | " + " | ".join(cells) + " |")


def marginal(evidence: FloatArray, scale: float) -> float:
    """Log marginal likelihood of one workload and division, both effects' scales integrated."""
    prior = np.log(half_cauchy(SET_SCALES, scale))[:, None] + np.log(half_cauchy(LINEAGE_SCALES, scale))
    return float(logsumexp(prior + evidence))


def main() -> None:
    """Tables of the files named, or of the page's questions."""
    files = [Path(name) for name in sys.argv[1:]]
    for file in files:
        with file.open(encoding="utf-8", newline="") as source:
            print(f"\n{file.stem}\n")
            print_table(csv.DictReader(source))
    if files:
        return
    with open_snapshot() as store:
        for question in QUESTIONS:
            print(f"\n{question}\n")
            print_table(validate_splits(store, question.get("filters"), **_others(question)).rows)
        print("\nscale of the priors\n")
        print_prior_scales(store)


def _others(question: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in question.items() if name != "filters"}


if __name__ == "__main__":
    main()
