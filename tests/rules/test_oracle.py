"""Scores of every published set of seven rounds, against an independent reading of the same logs."""

from __future__ import annotations

import csv
import gzip
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mlperf_stats.model import RunStatus
from mlperf_stats.rules.scoring import Score, ScoreState, score
from mlperf_stats.rules.suite import benchmark, canonical_benchmark

Key = tuple[str, str, str, str, str]
"""Round, submitter, entry, system and benchmark folder."""

STATUSES = {
    "success": RunStatus.CONVERGED,
    "no_status": RunStatus.CONVERGED,  # v0.5 entries that wrote run_stop on success only
    "aborted": RunStatus.NOT_CONVERGED,
    "abort": RunStatus.NOT_CONVERGED,
    "fail": RunStatus.NOT_CONVERGED,
    "missing_run_stop": RunStatus.INCOMPLETE,
    "missing_both": RunStatus.UNREADABLE,
    "missing_blob": RunStatus.ABSENT,
}


@dataclass
class RunsOfSet:
    minutes: list[float | None] = field(default_factory=list)
    statuses: list[RunStatus] = field(default_factory=list)
    launched: list[float | None] = field(default_factory=list)


@pytest.fixture(scope="module")
def sets(shared_dir: Path) -> dict[Key, RunsOfSet]:
    found: dict[Key, RunsOfSet] = defaultdict(RunsOfSet)
    with gzip.open(
        shared_dir / "oracle" / "independent_runs.csv.gz", "rt", encoding="utf-8", newline=""
    ) as rows:
        for row in csv.DictReader(rows):
            if row["counted"] == "1":
                key = (row["round"], row["submitter"], row["entry"], row["system"], row["benchmark"])
                found[key].minutes.append(_number(row["ttt_min"]))
                found[key].statuses.append(STATUSES[row["status"]])
                found[key].launched.append(_number(row["run_start_ms"]))
    return found


@pytest.fixture(scope="module")
def expected(shared_dir: Path) -> dict[Key, dict[str, str]]:
    path = shared_dir / "oracle" / "independent_scores.csv"
    with path.open(encoding="utf-8", newline="") as rows:
        return {
            (row["round"], row["submitter_folder"], row["entry"], row["system_folder"], row["folder"]): row
            for row in csv.DictReader(rows)
        }


def _number(text: str) -> float | None:
    return float(text) if text else None


def _score(key: Key, runs: RunsOfSet, scaling: str) -> Score:
    name = canonical_benchmark(key[0], key[4])
    assert name is not None, f"{key} is no folder of its round's suite"
    factor = _number(scaling) or 1.0
    return score(runs.minutes, runs.statuses, benchmark(key[0], name), factor, runs.launched)


def test_every_set_has_the_independent_score(
    sets: dict[Key, RunsOfSet], expected: dict[Key, dict[str, str]]
) -> None:
    assert sets.keys() == expected.keys()
    assert len(expected) == 1187
    for key, row in expected.items():
        if key[4] == "ncf":
            continue  # the independent script does not know its rule; next test
        found = _score(key, sets[key], row["scaling_factor"])
        for ours, theirs in (
            (found.olympic_minutes, row["olympic_minutes"]),
            (found.score_minutes, row["score_minutes"]),
        ):
            assert ours == (pytest.approx(float(theirs), rel=1e-9) if theirs else None), key


def test_sets_without_score_say_why(sets: dict[Key, RunsOfSet], expected: dict[Key, dict[str, str]]) -> None:
    """Absent files make a score unknown, too many missed targets make it invalid; nothing else does."""
    for key, row in expected.items():
        found = _score(key, sets[key], row["scaling_factor"])
        if int(row["runs_absent"]):
            assert (found.state, found.warnings[-1]) == (ScoreState.UNKNOWN, "unknown-absent-runs"), key
        elif key[4] != "ncf" and not row["score_minutes"]:
            assert (found.state, found.warnings[-1]) == (ScoreState.INVALID, "invalid-nonconverged"), key
        else:
            assert found.state is ScoreState.VALID, key


def test_ncf_sets_score_the_first_fifty_that_converged(sets: dict[Key, RunsOfSet]) -> None:
    """The rule written out anew: sort by launch, keep 50 converged, drop the extremes."""
    ncf = {key: runs for key, runs in sets.items() if key[4] == "ncf"}
    assert len(ncf) == 4
    for key, runs in ncf.items():
        launches = sorted(zip(runs.launched, runs.minutes, runs.statuses, strict=True))
        times = [minutes for _, minutes, status in launches if status is RunStatus.CONVERGED][:50]
        kept = sorted(time for time in times if time is not None)[1:-1]
        found = _score(key, runs, "")
        assert found.score_minutes == pytest.approx(sum(kept) / 48, rel=1e-12), key
        assert found.warnings == ()


def test_wrong_numbers_of_runs_are_scored_and_marked(
    sets: dict[Key, RunsOfSet], expected: dict[Key, dict[str, str]]
) -> None:
    marked = {
        key[:4]: found.warnings
        for key, row in expected.items()
        if not int(row["runs_absent"])
        and {"too-few-runs", "extra-runs"} & set((found := _score(key, sets[key], "")).warnings)
    }
    assert marked == {("1.0", "Supermicro", "", "as-4142gs-tnr"): ("too-few-runs", "nonconverged-dropped")}
