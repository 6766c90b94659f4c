"""``mlperf-stats check`` on made-up logs."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from printed import unwrapped
from typer.testing import Result

from mlperf_stats.analysis.check import CheckReport

Invoke = Callable[..., Result]


def test_a_round_with_something_to_send_back(invoke: Invoke, results_repository: Path) -> None:
    result = invoke("check", results_repository)
    assert result.exit_code == 1, result.output
    assert "invalid-nonconverged" in result.stdout
    assert "mixed-gbs" in result.stdout
    assert "A review would send results back." in unwrapped(result.stdout)
    assert "at most 5%" in result.stdout
    assert "\x1b" not in result.stdout
    assert "score 32 minutes" not in result.stdout
    assert "score 32 minutes" in invoke("check", results_repository, "--notes").stdout


def test_all_findings_in_csv_and_json(invoke: Invoke, results_repository: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(invoke("check", results_repository, "--format", "csv").stdout)))
    assert [row["rank"] for row in rows] == [str(n) for n in range(1, len(rows) + 1)]
    assert rows[0]["severity"] == "rejected"
    answer = json.loads(invoke("check", results_repository, "--format", "json").stdout)
    assert answer["passed"] is False
    assert len(answer["findings"]) == len(rows)


def test_pre_flight_of_one_submitter_says_what_is_fine(invoke: Invoke, results_repository: Path) -> None:
    result = invoke("check", results_repository / "acme", "--round", "5.0")
    assert "score 32 minutes" in result.stdout


def test_one_is_not_several(invoke: Invoke, results_repository: Path, tmp_path: Path) -> None:
    shutil.copytree(results_repository / "acme" / "results", tmp_path / "acme" / "results")
    text = unwrapped(invoke("check", tmp_path, "--round", "5.0").stdout)
    assert "systems/box8.json is missing; 1 result is on this system" in text
    assert "1 that deserves a look" in text
    single = CheckReport((), results=1, submitters=1, tests=1)
    assert single.error_statement.startswith("Significant: 1 test on 1 result, adjusted")


def test_errors(invoke: Invoke, tmp_path: Path) -> None:
    nothing = tmp_path / "v5.0"
    nothing.mkdir()
    result = invoke("check", nothing)
    assert result.exit_code == 2
    assert "result_*.txt" in result.stderr
    assert invoke("check", tmp_path / "nowhere").exit_code == 2


def test_without_references_the_verdict_is_qualified(
    invoke: Invoke, results_repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlperf_stats.analysis.check.references_at_hand", lambda: False)
    report = invoke("check", results_repository).stdout
    assert "NOT TESTED: convergence against the reference" in report
    assert "mlperf-stats[rcp]" in report
    assert json.loads(invoke("check", results_repository, "--format", "json").stdout)["rcp_tested"] is False
