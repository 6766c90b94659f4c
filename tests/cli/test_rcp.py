"""``mlperf-stats rcp`` on a published result and on a folder of made-up logs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

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
    assert "not-converged" in result.stdout
    assert "one global batch size" in result.stdout
    assert "5.0/acme/box8/retinanet" in result.stdout


def test_power(invoke: Invoke) -> None:
    result = invoke("rcp", "5.0/tinycorp/tinybox_red/bert", "--power", "80%", "--format", "csv")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[0] == "runs,reference_runs,rules_text,official_code,exact_ranks"


def test_errors(invoke: Invoke, results_repository: Path) -> None:
    unknown = invoke("rcp", "5.0/tinycorp/tinybox_red/bert", "--variant", "mine")
    assert (unknown.exit_code, "official-code" in unknown.stderr) == (2, True)
    several = invoke("rcp", results_repository, "--round", "5.0", "--power", "80%")
    assert (several.exit_code, "one result" in several.stderr) == (2, True)
