"""``mlperf-stats variance`` on the small database of these tests."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from mlperf_stats.analysis.variance import POOL_COLUMNS, RESULT_COLUMNS

Invoke = Callable[..., Result]


@pytest.fixture
def own(database: Path) -> tuple[object, ...]:
    return ("--db", database, "--no-published")


@pytest.mark.parametrize(
    ("flags", "columns", "number"),
    [((), POOL_COLUMNS, 1), (("--per-round",), POOL_COLUMNS, 1), (("--per-result",), RESULT_COLUMNS, 2)],
)
def test_csv_has_every_column(
    invoke: Invoke, own: tuple[object, ...], flags: tuple[str, ...], columns: tuple[str, ...], number: int
) -> None:
    result = invoke("variance", *own, *flags, "--format", "csv")
    assert result.exit_code == 0, result.output
    rows = list(csv.DictReader(io.StringIO(result.stdout, newline="")))
    assert result.stdout.splitlines()[0] == ",".join(columns)
    assert len(rows) == number
    assert {row["benchmark"] for row in rows} == {"retinanet"}


def test_csv_of_the_pool_counts_runs_and_failures(invoke: Invoke, own: tuple[object, ...]) -> None:
    result = invoke("variance", *own, "--format", "csv")
    (row,) = csv.DictReader(io.StringIO(result.stdout, newline=""))
    assert (row["runs"], row["runs_converged"]) == ("10", "8")
    assert row["rounds"] == "5.0"
    # All runs that converged did so at epoch 4: what varies is throughput.
    assert float(row["throughput_share"]) == 1.0
    assert float(row["convergence_points_median"]) == 1.0


def test_table_says_what_its_figures_are(invoke: Invoke, own: tuple[object, ...]) -> None:
    text = invoke("variance", *own).stdout
    header, row = text.splitlines()[:2]
    assert header.split()[:4] == ["Benchmark", "Rounds", "Results", "Runs"]
    assert "±, 95%" in header
    assert row.split()[:4] == ["retinanet", "5.0", "2", "10"]
    assert "no random sample" in text
    assert "taken as the 95% half-width of the expected score" in text
    assert "±, 90%" in invoke("variance", *own, "--level", "90%").stdout


def test_a_line_per_result_with_warnings(invoke: Invoke, own: tuple[object, ...]) -> None:
    text = invoke("variance", *own, "--per-result", "--format", "md").stdout
    evil = next(line for line in text.splitlines() if "evil" in line)
    assert "40%" in evil
    assert "mixed-gbs" in evil
    assert "mixed-gbs (1): runs of one result use different global batch sizes" in text
    assert "\x1b" not in text


def test_json_has_fractions_and_lists(invoke: Invoke, own: tuple[object, ...]) -> None:
    (row,) = json.loads(invoke("variance", *own, "--format", "json").stdout)
    assert row["rounds"] == ["5.0"]
    assert row["rule"] == 0.025
    assert row["holds"] in {True, False}


def test_one_table_at_a_time(invoke: Invoke, own: tuple[object, ...]) -> None:
    refused = invoke("variance", *own, "--per-round", "--per-result")
    assert refused.exit_code == 2
    assert "exclude each other" in refused.stderr


def test_no_result_says_so(invoke: Invoke, own: tuple[object, ...]) -> None:
    result = invoke("variance", *own, "--round", "4.1*")
    assert (result.exit_code, "no round fits '4.1*'" in result.stderr) == (2, True)
