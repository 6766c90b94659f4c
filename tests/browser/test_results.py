"""Filters, clicks, downloads and shared addresses of the results page."""

from __future__ import annotations

import csv
import io
import re

import openpyxl
import pytest
from dashboard_pages import Visit, address, choose, downloaded, no_errors, row_count, settle, under
from playwright.sync_api import Page, expect

from mlperf_stats.analysis.results import COLUMNS
from mlperf_stats.api import published


@pytest.fixture
def bert(visit: Visit) -> Page:
    """The results of bert of round 5.0, a row each."""
    return visit(address("", {"benchmark": "bert", "table": "By result"}))


def test_a_filter_narrows_the_table_and_stands_in_the_address(visit: Visit) -> None:
    page = visit()
    choose(page, "Benchmark", "bert")
    rows = published().filter(round="5.0", benchmark="bert")
    systems = {row["result_id"].rpartition("/")[0] for row in rows}
    expect(row_count(page)).to_have_text(f"{len(systems)} rows")
    assert "benchmark=bert" in page.url
    again = visit(f"?{page.url.partition('?')[2]}", fresh=True)
    expect(again.get_by_role("button", name="Remove bert")).to_have_count(1)
    expect(row_count(again)).to_have_text(f"{len(systems)} rows")


def test_a_click_on_a_mark_leads_to_the_result(bert: Page) -> None:
    marks = bert.get_by_test_id("stVegaLiteChart").locator(".mark-symbol path")
    label = marks.first.get_attribute("aria-label") or ""
    named = re.search(r"5\.0/[^;]+/bert", label)
    assert named, label
    marks.first.click()
    bert.get_by_role("link", name="Look at it").click()
    expect(bert.get_by_role("heading", level=1)).to_have_text("Result")
    settle(bert)
    expect(bert.get_by_text(named[0]).first).to_be_visible()
    assert named[0].rpartition("/")[0].rpartition("/")[2] in bert.url
    no_errors(bert)
    # One step back leads to the table as it was left.
    bert.go_back()
    expect(bert.get_by_role("heading", level=1)).to_have_text("Results")
    settle(bert)
    expect(bert.get_by_role("button", name="Remove bert")).to_have_count(1)


def test_the_csv_has_every_column_at_full_precision(bert: Page) -> None:
    content = downloaded(bert, under(bert, "stDataFrame", "CSV")).read_text(encoding="utf-8")
    found = {row["result_id"]: row for row in csv.DictReader(io.StringIO(content))}
    asked = {row["result_id"]: row for row in published().filter(round="5.0", benchmark="bert")}
    assert found.keys() == asked.keys()
    assert set(COLUMNS) <= set(next(iter(found.values())))
    for name, row in asked.items():
        assert found[name]["median_high"] == repr(row["median_high"])
        assert found[name]["warnings"] == (row["warnings"] or "")


def test_the_xlsx_has_the_same_rows(bert: Page) -> None:
    path = downloaded(bert, under(bert, "stDataFrame", "XLSX"))
    with path.open("rb") as file:
        sheet = openpyxl.load_workbook(file).active
        assert sheet is not None
        ids = [row[0] for row in sheet.iter_rows(min_row=2, values_only=True)]
    assert set(ids) == {row["result_id"] for row in published().filter(round="5.0", benchmark="bert")}


def test_a_chart_is_given_as_png_and_svg(bert: Page) -> None:
    png = downloaded(bert, under(bert, "stVegaLiteChart", "PNG")).read_bytes()
    assert png.startswith(b"\x89PNG\r\n")
    svg = downloaded(bert, under(bert, "stVegaLiteChart", "SVG")).read_text(encoding="utf-8")
    assert svg.startswith("<svg")
    assert "tinycorp/tinybox_red" in svg


def test_a_page_is_saved_as_one_file_that_needs_no_network(bert: Page) -> None:
    saved = downloaded(bert, bert.get_by_role("button", name="Save this page")).read_text(encoding="utf-8")
    assert "5.0/tinycorp/tinybox_red/bert" in saved
    # Where the view is to be found again, with what was asked for.
    view = re.search(r"http://localhost:\d+/?\?([^<]+)<", saved)
    assert view
    assert {"benchmark=bert", "table=By+result"} <= {*view[1].split("&amp;")}
    assert "<svg" in saved
    assert "<script" not in saved
    assert not re.search(r'(src|href)="http', saved)
    assert len(saved) < 3_000_000


def test_the_columns_that_are_shown_can_be_chosen(visit: Visit) -> None:
    few = visit(address("", {"table": "By result", "benchmark": "bert", "columns": ["Result", "Spread"]}))
    # The grid is drawn; what screen readers are told stands in the canvas.
    headers = few.get_by_test_id("stDataFrame").locator("[role=columnheader]")
    expect(headers.filter(has_text=re.compile(r"\w"))).to_have_text(["Result", "Spread"])
