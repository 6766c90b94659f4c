"""The RCP test of stored results, and its power."""

from __future__ import annotations

import math

import pytest

from mlperf_stats.analysis.rcp import COLUMNS, power_table, rcp_report
from mlperf_stats.errors import NoReferenceError, StatisticsError
from mlperf_stats.rules.rcp import Variant, Verdict
from mlperf_stats.store import Filters, open_snapshot
from mlperf_stats.store.queries import list_results


def test_published_results_of_a_round() -> None:
    with open_snapshot() as store:
        results = list_results(store, Filters(rounds=("5.0",), divisions=("closed",)))
        report = rcp_report(store, results)
        text = rcp_report(store, results, Variant.RULES_TEXT)
    assert len(report.rows) == 201
    assert all(tuple(row) == COLUMNS for row in report.rows)
    assert report.passed  # a published round: the committee let all of them pass
    assert sum(row["verdict"] == Verdict.FAILED for row in text.rows) > 0  # the text's limit is stricter
    assert report.to_frame().shape == (201, len(COLUMNS))


def test_published_normalisation_is_ours_where_it_is_not_rounded() -> None:
    """Scores that the committee scaled for convergence carry the factor in scaling.json."""
    with open_snapshot() as store:
        report = rcp_report(store, list_results(store, Filters(rounds=("5.0",), divisions=("closed",))))
    scaled = [row for row in report.rows if row["scaling_factor"] != 1 and row["normalisation"] > 1]
    agreeing = [
        row for row in scaled if row["normalisation"] == pytest.approx(row["scaling_factor"], abs=1e-4)
    ]
    assert len(scaled) > 20
    assert len(agreeing) >= 0.95 * len(scaled)


def test_results_without_references_say_so_and_do_not_fail() -> None:
    with open_snapshot() as store:
        report = rcp_report(store, list_results(store, Filters(rounds=("0.6",), benchmarks=("resnet",))))
    assert {row["verdict"] for row in report.rows} == {"not-tested"}
    assert all("no reference convergence points" in row["note"] for row in report.rows)
    assert report.passed


def test_mixed_batch_sizes_are_sent_back() -> None:
    with open_snapshot() as store:
        results = list_results(
            store, Filters(rounds=("1.0",), benchmarks=("dlrm",), submitters=("supermicro",))
        )
        report = rcp_report(store, results)
    mixed = next(row for row in report.rows if "one global batch size" in row["note"])
    assert mixed["verdict"] == "not-tested"
    assert mixed["result_id"] in report.at_fault
    assert not report.passed
    assert "55296, 60000" in mixed["note"]


def test_power_grows_with_runs() -> None:
    rows = power_table("5.0", "llama2_70b_lora", 8)
    for column in ("rules_text", "official_code", "exact_ranks"):
        shares = [row[column] for row in rows]
        assert shares == sorted(shares, reverse=True)
    with pytest.raises(NoReferenceError, match="no reference point"):
        power_table("5.0", "bert", 10**9)
    for power in (0.0, 1.0, math.nan):
        with pytest.raises(StatisticsError, match="power"):
            power_table("5.0", "llama2_70b_lora", 8, power)
