"""``import mlperf_stats as ms``: planning and checking from Python."""

from __future__ import annotations

from pathlib import Path

import pytest
from madeup_logs import submission_files, write_tree

import mlperf_stats as ms
from mlperf_stats.errors import InputError


def test_plans_take_a_benchmark_or_a_spread() -> None:
    bert = ms.spread("bert", rounds=["5.0"])
    by_spread = ms.plan_width(bert, 0.05, assurance=0.9)
    assert len(by_spread.to_frame()) == len(by_spread.rows)
    assert "<table" in by_spread._repr_html_()
    assert ms.plan_detect(bert, 0.05).to_dict()["rows"]
    assert ms.plan_valid("resnet", rate=0.05).rows[0]["invalid"] == pytest.approx(0.0226, abs=5e-5)
    cost = ms.plan_cost(bert, 0.05, minutes=30, accelerators=8, price_per_hour=2)
    assert any(row["enough"] for row in cost.rows)


def test_a_result_and_logs_against_the_reference(tmp_path: Path) -> None:
    assert ms.rcp("5.0/tinycorp/tinybox_red/bert", variant="rules-text").passed
    folder = write_tree(tmp_path, submission_files("ACME", "x8", "resnet", (10.0, 10.1, 10.2, 10.0, 9.9)))
    report = ms.rcp(folder, round="4.0")
    assert not report.passed
    checked = ms.check(folder, round="4.0")
    assert not checked.passed
    assert "rcp-missing" in {finding.code for finding in checked.findings}
    assert "<table" in checked._repr_html_()


def test_nothing_named() -> None:
    with pytest.raises(InputError, match="nothing to plan from"):
        ms.spread()


def test_numbers_filter_as_texts_and_the_table_is_told_in_a_line() -> None:
    table = ms.published()
    assert table.filter(round=5.0, accelerators=[8]).rows == table.filter(round="5.0", accelerators="8").rows
    assert repr(table.filter(round=5.0, benchmark="rgat")).startswith("<ResultsTable: ")
    assert dir(ms) == sorted(ms.__all__)
