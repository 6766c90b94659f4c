"""The RCP test on every closed result of the packs: our reading and arithmetic against the official tool.

Usage: python tests/statistical/table_rcp.py
Prints the tables of docs/validation/rcp.md; takes about six minutes. The official checker reads the same
files itself.
"""

from __future__ import annotations

import logging
import math
import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from official_rcp import MISSED, official_reading, official_verdict
from packs import unpacked

from mlperf_stats.rules.rcp import Variant, Verdict, rcp_test
from mlperf_stats.rules.rcp_data import has_references, reference_set
from mlperf_stats.stats.one_sided_mean import simulate_tests
from mlperf_stats.store import Filters, open_snapshot
from mlperf_stats.store.queries import list_results, runs_of

ROUNDS = ("1.0", "2.0", "3.0", "4.0", "5.0")
TOLERANCE = 1e-4


def compare(round_name: str, root: Path) -> tuple[Counter[str], list[str]]:
    """Outcomes by kind, and a line for each result on which the two disagree."""
    counts: Counter[str] = Counter()
    lines = []
    with open_snapshot() as store:
        results = list_results(store, Filters(rounds=(round_name,), divisions=("closed",)))
        runs = runs_of(store, results)
    for result in results:
        if not has_references(round_name, result.benchmark):
            counts["no references"] += 1
            continue
        filed = [run for run in runs.get(result.key, []) if run.status != "absent"]
        kind, why = _compare_one(round_name, result, filed, root)
        counts[kind] += 1
        if why:
            lines.append(f"{result.result_id}: {why}")
    return counts, lines


def _compare_one(round_name, result, filed, root):  # type: ignore[no-untyped-def]
    references = reference_set(round_name, result.benchmark)
    rules = references.benchmark
    gbs, theirs = official_reading(root / result.path, round_name, result.benchmark == "bert")
    sizes = {run.gbs for run in filed}
    if gbs == -1 or len(sizes) != 1:
        return "batch size unclear", f"batch sizes {sorted(map(str, sizes))}, official {gbs}"
    points = [run.convergence_point if run.status == "converged" else None for run in filed]
    if any(point is None for point, run in zip(points, filed, strict=True) if run.status == "converged"):
        return "no convergence point", "a converged run has no convergence point"
    ours = rcp_test(points, sizes.pop(), references, Variant.OFFICIAL_CODE)
    if theirs is None or ours.verdict is Verdict.NOT_CONVERGED:
        same = theirs is None and ours.verdict is Verdict.NOT_CONVERGED
        return ("too few converged" if same else "differs"), "" if same else f"{ours.verdict} v. {theirs}"
    official = official_verdict(round_name, rules.name, gbs, theirs, rules.dropped_each_side)
    own = sorted(MISSED if point is None else round(point, 3) for point in points)
    if own != sorted(theirs):
        # bert alone has two official readings: trained samples (above) or the evaluation's progress.
        other = sorted(official_reading(root / result.path, round_name, False)[1] or [])
        if own != other:
            return "reading differs", f"convergence read {own} v. {sorted(theirs)} or {other}"
        official = official_verdict(round_name, rules.name, gbs, other, rules.dropped_each_side)
    agree = (ours.verdict is Verdict.PASSED) == official.passed
    if official.mean is not None:
        agree &= math.isclose(ours.mean, official.mean, abs_tol=TOLERANCE)
        agree &= math.isclose(ours.limit.accepted_from, official.limit, abs_tol=TOLERANCE)
    if official.passed:
        agree &= math.isclose(ours.normalisation, official.normalisation, abs_tol=TOLERANCE)
    return (f"equal: {ours.verdict}" if agree else "differs"), "" if agree else f"{ours} v. {official}"


def sizes() -> None:
    print("\n| N | rules' text | official code | exact ranks | detects at 80 %: text | code | ranks |")
    print("|---|---|---|---|---|---|---|")
    for runs, dropped in ((3, 1), (5, 1), (10, 1), (20, 1), (40, 4)):
        tests = simulate_tests(0.05, runs, dropped, repetitions=40_000 if runs < 20 else 10_000)
        names = ("trimmed_sd", "untrimmed_sd", "rank_sum")
        cells = [f"{tests.size(name):.3f}" for name in names]
        cells += [f"{100 * tests.detectable(name, 0.8):.1f} %" for name in names]
        print(f"| {runs} | {' | '.join(cells)} |")


def main() -> None:
    logging.disable(logging.CRITICAL)
    for round_name in ROUNDS:
        counts, lines = compare(round_name, unpacked(round_name))
        print(f"v{round_name}: " + ", ".join(f"{number} {kind}" for kind, number in sorted(counts.items())))
        for line in lines:
            print(f"  {line}")
    sizes()


if __name__ == "__main__":
    main()
