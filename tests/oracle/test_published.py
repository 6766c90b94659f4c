"""Scores as MLCommons published them, joined one to one with ours."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from mlperf_stats.analysis.results import ResultsTable
from mlperf_stats.store import Store
from mlperf_stats.store.queries import list_results

Oracle = Callable[[str], list[dict[str, str]]]

SUBMITTERS = {"habanalabs": "habana"}
"""Submitters whose folder has another name than the published table."""

ABSENT = {
    ("1.0", "Dell", "XE8545x4A100-SXM-80GB", "bert"),
    ("1.0", "NVIDIA", "dgxa100_n128_ngc21.05_mxnet", "resnet"),
    ("1.0", "NVIDIA", "dgxa100_n128_ngc21.05_pytorch", "bert"),
    ("1.0", "NVIDIA", "dgxa100_n192_ngc21.05_pytorch", "rnnt"),
    ("1.0", "NVIDIA", "dgxa100_n310_ngc21.05_mxnet", "resnet"),
    ("1.0", "NVIDIA", "dgxa100_n34_ngc21.05_pytorch", "maskrcnn"),
    ("1.0", "NVIDIA", "dgxa100_n4_ngc21.05_pytorch", "maskrcnn"),
    ("1.0", "NVIDIA", "dgxa100_n512_ngc21.05_pytorch", "bert"),
    ("1.0", "SUPERMICRO", "AS-2124GQ-NART+", "maskrcnn"),
}
"""Published rows that cannot be recomputed: some of their run files are not in the packs."""


def folded(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def test_every_published_score_is_ours(oracle: Oracle, store: Store, table: ResultsTable) -> None:
    names = {result.result_id: (result.system_name, result.system) for result in list_results(store)}
    by_name: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    for row in table:
        for name in {folded(name) for name in names[row["result_id"]]}:
            by_name[row["round"], folded(row["submitter"]), name, row["benchmark"]].append(row)
    used: set[str] = set()
    unmatched = set()
    for published in oracle("published_results.csv"):
        submitter = folded(published["submitter"])
        key = (
            published["round"],
            SUBMITTERS.get(submitter, submitter),
            folded(published["system"]),
            published["benchmark"],
        )
        minutes = float(published["minutes"])
        fitting = [
            row["result_id"]
            for row in by_name[key]
            if row["score_minutes"] is not None
            and abs(row["score_minutes"] / minutes - 1) <= 1e-6
            and row["result_id"] not in used
        ]
        if fitting:
            used.add(fitting[0])
        else:
            unmatched.add(tuple(published[name] for name in ("round", "submitter", "system", "benchmark")))
            # Nothing contradicts the published score: where we have one of that name, it is unknown.
            assert {row["score_minutes"] for row in by_name[key]} <= {None, *_others(by_name[key], used)}
            assert any("unknown-absent-runs" in row["warnings"] for row in by_name[key])
    print(f"published scores: {len(used)} equal, {len(unmatched)} with absent run files")
    assert unmatched == ABSENT
    assert len(used) == 570


def _others(rows: list[dict[str, Any]], used: set[str]) -> list[float | None]:
    """Scores of neighbours that fold to the same name (``NART`` and ``NART+``)."""
    return [row["score_minutes"] for row in rows if row["result_id"] in used]
