"""Every run and every set of the seven rounds as an independent script read them."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlperf_stats.analysis.results import ResultsTable
from mlperf_stats.store import Store

Oracle = Callable[[str], list[dict[str, str]]]

STATUSES = {
    "success": "converged",
    "no_status": "converged",  # v0.5 wrote run_stop on success only
    "aborted": "not_converged",
    "abort": "not_converged",
    "fail": "not_converged",
    "missing_run_stop": "incomplete",
    "missing_both": "unreadable",
    "missing_blob": "absent",
}
INTEL_MINIGO = "Intel/results/clx-8260l-2s-x32/minigo/"
"""v0.6: these logs write their metadata as Python dictionaries. The independent script reads strict
JSON only and finds no marks; the lines say plainly when the runs started and that they succeeded."""


@pytest.fixture(scope="module")
def runs(store: Store) -> dict[tuple[str, str], dict[str, Any]]:
    """(round, path) → run."""
    names = ("round", "path", "status", "minutes")
    query = (
        "SELECT round, runs.path, status, minutes FROM runs "
        "JOIN results USING (result_key) JOIN submissions USING (submission_key)"
    )
    return {(row[0], row[1]): dict(zip(names, row, strict=True)) for row in store.connection.execute(query)}


def test_every_run_agrees_in_status_and_time(
    oracle: Oracle, runs: dict[tuple[str, str], dict[str, Any]]
) -> None:
    compared = lenient = 0
    for row in oracle("independent_runs.csv.gz"):
        if row["counted"] != "1":
            assert (row["round"], row["path"]) not in runs
            continue
        ours = runs[row["round"], row["path"]]
        if row["round"] == "0.6" and row["path"].startswith(INTEL_MINIGO):
            assert (row["status"], ours["status"]) == ("missing_both", "converged")
            lenient += 1
            continue
        assert ours["status"] == STATUSES[row["status"]], row["path"]
        if row["ttt_min"]:
            assert ours["minutes"] == pytest.approx(float(row["ttt_min"]), rel=1e-12), row["path"]
        else:
            assert ours["minutes"] is None, row["path"]
        compared += 1
    print(f"independent runs: {compared} equal, {lenient} read by us alone")
    assert (compared, lenient) == (12_180, 10)
    assert len(runs) == compared + lenient


def test_every_set_agrees_in_its_score(oracle: Oracle, table: ResultsTable) -> None:
    ours = {row["result_id"]: row for row in table}
    rows = oracle("independent_scores.csv")
    compared = 0
    for row in rows:
        entry = row["entry"].removeprefix(row["submitter_folder"]).strip("/") if row["entry"] else ""
        parts = (row["round"], row["submitter_folder"], entry, row["system_folder"], row["benchmark"])
        mine = ours.pop("/".join(part for part in parts if part))
        if row["benchmark"] == "ncf":
            continue  # the script did not apply the rule of v0.5; tests/rules does
        if mine["result_id"] == "0.6/Intel/clx-8260l-2s-x32/minigo":
            assert not row["score_minutes"]
            continue  # test_python_metadata_is_read_right
        for name in ("score_minutes", "olympic_minutes"):
            if row[name]:
                assert mine[name] == pytest.approx(float(row[name]), rel=1e-9), mine["result_id"]
            else:
                assert mine[name] is None, mine["result_id"]
        assert mine["runs"] == int(row["runs_present"]), mine["result_id"]
        compared += 1
    print(f"independent scores: {compared} of {len(rows)} sets equal")
    assert not ours
    assert (len(rows), compared) == (1187, 1182)


def test_python_metadata_is_read_right(packs: Callable[[str], Path], table: ResultsTable) -> None:
    """The set that we alone can score, recomputed from its lines with nothing but a pattern."""
    mark = re.compile(r":::MLL (\S+) (run_start|run_stop): .*?('status': 'success'|$)", re.MULTILINE)
    minutes = []
    for path in sorted((packs("0.6") / INTEL_MINIGO).glob("result_*.txt")):
        marks = mark.findall(path.read_text(encoding="latin-1"))
        assert [(name, bool(status)) for _, name, status in marks] == [
            ("run_start", False),
            ("run_stop", True),
        ]
        minutes.append((float(marks[1][0]) - float(marks[0][0])) / 60)
    assert len(minutes) == 10
    olympic = sum(sorted(minutes)[1:-1]) / 8
    (row,) = table.filter(result_id="0.6/Intel/clx-8260l-2s-x32/minigo")
    assert row["score_minutes"] == pytest.approx(olympic, rel=1e-9)
