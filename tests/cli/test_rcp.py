"""``mlperf-stats rcp`` on a published result and on a folder of made-up logs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from printed import unwrapped
from typer.testing import Result

Invoke = Callable[..., Result]


def test_published_result(invoke: Invoke) -> None:
    result = invoke("rcp", "5.0/tinycorp/tinybox_red/bert", "--format", "json")
    assert result.exit_code == 0, result.output
    (row,) = json.loads(result.stdout)
    assert (row["verdict"], row["basis"], row["gbs"]) == ("passed", "smallest", 96)


def test_folder_that_would_be_sent_back(invoke: Invoke, results_repository: Path) -> None:
    """``evil`` mixes batch sizes, which no reference point fits: the answer is no."""
    result = invoke("rcp", results_repository, "--round", "5.0")
    assert result.exit_code == 1, result.output
    assert "not-tested" in result.stdout
    assert "not-converged" not in result.stdout
    assert "result_4.txt cannot be read" in result.stdout
    assert "one global batch size" in result.stdout
    assert "5.0/acme/box8/retinanet" in result.stdout


def test_notes_say_when_there_is_no_exact_p(invoke: Invoke) -> None:
    text = unwrapped(invoke("rcp", "5.0/tinycorp/tinybox_red/bert").stdout)  # tested against the smallest
    assert "empty where the reference has no runs at this batch size" in text
    power = unwrapped(invoke("rcp", "5.0/tinycorp/tinybox_red/bert", "--power", "80%").stdout)
    assert "to be rejected, with 80% power." in power


def test_power(invoke: Invoke) -> None:
    result = invoke("rcp", "5.0/tinycorp/tinybox_red/bert", "--power", "80%", "--format", "csv")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[0] == "runs,reference_runs,rules_text,official_code,exact_ranks"


def test_power_where_the_reference_is_interpolated_says_why_a_test_is_missing(invoke: Invoke) -> None:
    text = invoke("rcp", "5.0/NVIDIA/nyx_n1_ngc25.04_pytorch/bert", "--power", "80%").stdout
    assert text.splitlines()[1].endswith("none")
    assert "Exact ranks: not at batch size" in text
    whole = invoke("rcp", "5.0/tinycorp/tinybox_red/bert", "--power", "80%").stdout
    assert "Exact ranks:" not in whole


def test_errors(invoke: Invoke, results_repository: Path) -> None:
    unknown = invoke("rcp", "5.0/tinycorp/tinybox_red/bert", "--variant", "mine")
    assert (unknown.exit_code, "official-code" in unknown.stderr) == (2, True)
    several = invoke("rcp", results_repository, "--round", "5.0", "--power", "80%")
    assert (several.exit_code, "one result" in several.stderr) == (2, True)


def test_without_references_it_is_an_error(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlperf_stats.analysis.rcp.references_at_hand", lambda: False)
    result = invoke("rcp", "5.0/tinycorp/tinybox_red/bert")
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert "mlperf-stats[rcp]" in result.stderr
