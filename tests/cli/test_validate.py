"""``mlperf-stats validate splits``: what reaches the analysis, and how its answer is shown."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import Result

from mlperf_stats.store.queries import Filters

Invoke = Callable[..., Result]
COLUMNS = (
    "benchmark,by,runs,method,submissions,splits,coverage,coverage_low,coverage_high,"
    "median_half_width,untied_width_ratio"
)


def row(benchmark: str, method: str, **changes: Any) -> dict[str, Any]:
    figures = (benchmark, "submission", 3, method, 16, 320, 0.9563, 0.93, 0.98, 0.0341, 0.21)
    return {**dict(zip(COLUMNS.split(","), figures, strict=True)), **changes}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The arguments of every call to the analysis, which answers with two rows."""
    calls: list[dict[str, Any]] = []

    def validate_splits(store: object, filters: Filters, **options: Any) -> SimpleNamespace:
        calls.append({"filters": filters, **options})
        rows = (row("rgat", "t_log", untied_width_ratio=None), row("ALL", "controlled"))
        return SimpleNamespace(columns=tuple(COLUMNS.split(",")), rows=rows)

    monkeypatch.setattr("mlperf_stats.analysis.splits.validate_splits", validate_splits)
    return calls


def test_options_reach_the_analysis(invoke: Invoke, database: Path, asked: list[dict[str, Any]]) -> None:
    options = ("--runs", 5, "--by", "submitter", "--repeats", 7, "--seed", 3, "--benchmark", "retinanet")
    options = (*options, "--no-references")
    result = invoke("validate", "splits", "--db", database, "--no-published", *options)
    assert result.exit_code == 0, result.output
    (call,) = asked
    assert call["filters"] == Filters(benchmarks=("retinanet",))
    assert (call["runs"], call["by"], call["repeats"], call["seed"]) == (5, "submitter", 7, 3)
    assert call["references"] is False
    assert "the runs of other submitters, nothing else" in " ".join(result.stdout.split())


def test_defaults_are_those_of_the_published_tables(
    invoke: Invoke, database: Path, asked: list[dict[str, Any]]
) -> None:
    shown = invoke("validate", "splits", "--db", database).stdout
    assert asked[0]["references"] is True
    assert "and the reference's convergence points, nothing else" in " ".join(shown.split())
    assert (asked[0]["runs"], asked[0]["by"], asked[0]["repeats"], asked[0]["seed"]) == (
        3,
        "submission",
        20,
        1,
    )


def test_csv_has_the_contract_columns(invoke: Invoke, database: Path, asked: list[dict[str, Any]]) -> None:
    text = invoke("validate", "splits", "--db", database, "--format", "csv").stdout
    assert text.splitlines()[0] == COLUMNS
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [line["method"] for line in rows] == ["t_log", "controlled"]
    assert rows[0]["untied_width_ratio"] == ""
    assert float(rows[1]["coverage"]) == 0.9563


def test_table_shows_coverage_with_its_range(
    invoke: Invoke, database: Path, asked: list[dict[str, Any]]
) -> None:
    lines = invoke("validate", "splits", "--db", database).stdout.splitlines()
    assert lines[2].split() == ["ALL", "controlled", "16", "320", "95.6%", "(93%–98%)", "3.41%", "0.21"]
    assert "results that share no log with them" in "".join(lines)


def test_small_database_has_nothing_to_compare_with(invoke: Invoke, database: Path) -> None:
    result = invoke("validate", "splits", "--db", database, "--no-published")
    assert result.exit_code == 0, result.output
    assert "ALL" not in result.stdout
    assert "others to compare with" in result.stdout


@pytest.mark.parametrize("wrong", [("--runs", 0), ("--by", "system"), ("--repeats", "many")])
def test_wrong_options_are_refused(invoke: Invoke, wrong: tuple[object, ...]) -> None:
    assert invoke("validate", "splits", *wrong).exit_code == 2


@pytest.mark.parametrize("arguments", [("validate",), ("validate", "splits")])
def test_help_has_examples(invoke: Invoke, arguments: tuple[str, ...]) -> None:
    text = invoke(*arguments, "--help").stdout
    assert "  mlperf-stats validate splits --benchmark rgat" in text.partition("Examples:")[2]
