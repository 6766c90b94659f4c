"""Logs of one's own in a real browser: uploaded, watched, hostile, and saved."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
from dashboard_pages import (
    Visit,
    address,
    choose,
    downloaded,
    no_errors,
    row_count,
    settle,
    under,
    whole_page,
)
from dashboard_server import dashboard
from madeup_logs import submission_files, write_tree
from playwright.sync_api import Locator, Page, expect

from mlperf_stats.store import Filters, open_store
from mlperf_stats.store.queries import list_results

EVIL = "x<img src=q onerror=alert(1)>](javascript:alert(1))"
"""A submitter that is markup twice over; folder names cannot hold a slash, so no tag is closed."""
FORMULA = "=HYPERLINK(1)"
OTHERS = (
    "a|b **c** _d_ `e` # f",
    "![x](http:evil.example) [y](http:evil.example)",
    ":red[x] :material-home: $x^2$ {{7*7}} ${7*7}",
    "'; DROP TABLE runs; --",
    "\u202egnp.exe \U0001f680",
)
"""More names of submitters: tables, links, images, maths, templates, SQL, writing directions."""
RUN_FILE = re.compile(r"/results/[^/]+/[^/]+/result_[^/]*\.txt$")


def zipped(files: dict[str, bytes], top: str) -> bytes:
    """The files below ``top`` in a zip archive."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(f"{top}/{name}", content)
    return packed.getvalue()


def upload(page: Page, name: str, content: bytes) -> None:
    """Upload a file and wait until it is read."""
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(
        {"name": name, "mimeType": "application/zip", "buffer": content}
    )
    page.get_by_role("heading", name="Scores").wait_for()
    settle(page)


def metric(page: Page, label: str) -> Locator:
    """A figure by its label."""
    return page.get_by_test_id("stMetric").filter(has=page.get_by_text(label, exact=True))


@pytest.fixture(scope="session")
def submission(packs: Callable[[str], Path]) -> bytes:
    """A submission of v1.0 as its submitter would zip it."""
    root = packs("1.0")
    submitter = min((path for path in root.iterdir() if (path / "results").is_dir()), key=tree_bytes)
    files = {
        path.relative_to(root).as_posix(): path.read_bytes()
        for folder in ("results", "systems")
        for path in (submitter / folder).rglob("*")
        if path.is_file()
    }
    return zipped(files, "training_results_v1.0")


def tree_bytes(folder: Path) -> int:
    """Bytes of the results of a submitter."""
    return sum(path.stat().st_size for path in (folder / "results").rglob("*") if path.is_file())


def test_a_submission_is_uploaded_checked_scored_and_compared(
    visit: Visit, submission: bytes, pictures: Path
) -> None:
    page = visit("runs")
    upload(page, "submission.zip", submission)
    no_errors(page)
    with zipfile.ZipFile(io.BytesIO(submission)) as archive:
        runs = [name for name in archive.namelist() if RUN_FILE.search(name)]
    expect(metric(page, "Runs")).to_contain_text(str(len(runs)))
    expect(page.get_by_test_id("stAlert").filter(has_text="Unverified")).to_be_visible()
    expect(page.get_by_text("A review would send").first).to_be_visible()
    assert "1.0/" in downloaded(page, under(page, "stDataFrame", "CSV")).read_text(encoding="utf-8")
    whole_page(page, pictures / "runs-uploaded.png")
    page.get_by_role("link", name="Compare it with the nearest").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Compare")
    settle(page)
    expect(page.get_by_test_id("stVegaLiteChart").first).to_be_visible()
    no_errors(page)


def test_names_from_logs_are_shown_and_never_run(visit: Visit) -> None:
    files = submission_files(EVIL, FORMULA, "retinanet")
    for name in OTHERS:
        files |= submission_files(name, FORMULA, "retinanet")
    page = visit("runs", fresh=True)
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    upload(page, "evil.zip", zipped(files, "training_results_v5.0"))
    no_errors(page)
    expect(metric(page, "Results")).to_contain_text(str(1 + len(OTHERS)))
    expect(row_count(page)).to_have_text(f"{1 + len(OTHERS)} rows")
    choose(page, "Result", f"5.0/{EVIL}/{FORMULA}/retinanet")
    expect(page.get_by_test_id("stText").filter(has_text=EVIL).first).to_be_visible()
    markup = page.evaluate(
        "document.querySelectorAll('[onerror], img[src=q]').length"
        " + [...document.links].filter(link => link.protocol === 'javascript:').length"
    )
    assert markup == 0
    assert dialogs == []
    table = downloaded(page, under(page, "stDataFrame", "XLSX"))
    with table.open("rb") as file:
        sheet = openpyxl.load_workbook(file).active
        assert sheet is not None
        assert all(cell.data_type != "f" for row in sheet.iter_rows() for cell in row)
        assert FORMULA in {cell.value for row in sheet.iter_rows() for cell in row}
    content = downloaded(page, under(page, "stDataFrame", "CSV")).read_text(encoding="utf-8")
    assert f"'{FORMULA}" in content
    saved = downloaded(page, page.get_by_role("button", name="Save this page")).read_text(encoding="utf-8")
    assert "<img" not in saved
    assert "<script" not in saved
    # Links within the page are its own; nothing else leads anywhere.
    assert not re.search(r'(href|src)="(?!#)', saved)


def test_a_reference_file_normalises_a_combined_score(visit: Visit) -> None:
    asked = {"submission": "4.0/Dell/XE9680x8H100-SXM-80GB", "benchmarks": ["bert", "ssd"]}
    page = visit(address("combined", {**asked, "reference": "a file that you upload"}))
    for name, content, said in (
        ("<b>.csv", b"bert;30", "This reference cannot be used"),
        ("ours.csv", b"benchmark,minutes\nbert,30\nssd,60\n", "Normalised by ours.csv, taken as exact"),
    ):
        page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(
            {"name": name, "mimeType": "text/csv", "buffer": content}
        )
        expect(page.get_by_test_id("stAlert").filter(has_text=said)).to_be_visible()
    settle(page)
    no_errors(page)
    expect(page.get_by_test_id("stVegaLiteChart")).to_have_count(1)


def test_what_is_no_archive_is_refused_in_words(visit: Visit) -> None:
    page = visit("runs")
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(
        {"name": "broken.zip", "mimeType": "application/zip", "buffer": b"PK\x05\x06 no archive"}
    )
    expect(page.get_by_test_id("stAlert").filter(has_text="This upload cannot be read")).to_be_visible()
    expect(page.get_by_test_id("stException")).to_have_count(0)


def test_the_round_is_asked_for_where_names_do_not_tell_it(visit: Visit) -> None:
    page = visit("runs")
    content = zipped(submission_files("ACME", "acme_x8", "retinanet"), "our-runs")
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(
        {"name": "our-runs.zip", "mimeType": "application/zip", "buffer": content}
    )
    expect(page.get_by_test_id("stAlert").filter(has_text="do not tell the MLPerf round")).to_be_visible()
    choose(page, "MLPerf round", "5.0")
    expect(page.get_by_role("heading", name="Scores")).to_be_visible()


def test_a_watched_campaign_is_shown_as_it_grows_and_saved_when_asked(visit: Visit, tmp_path: Path) -> None:
    root = tmp_path / "training_results_v5.0"
    write_tree(root, submission_files("ACME", "acme_x8", "retinanet", (30.0, 31.0)))
    database = tmp_path / "own.db"
    open_store(database, write=True).connection.close()
    with dashboard(tmp_path / "home", root, "--db", database) as at:
        page = visit("runs", at=at, fresh=True)
        runs = metric(page, "Runs")
        expect(runs).to_contain_text("2")
        write_tree(root, submission_files("ACME", "acme_x8", "retinanet", (30.0, 31.0, 32.0)))
        expect(runs).to_contain_text("3")
        settle(page)
        page.get_by_role("button", name="Save to your database").click()
        expect(page.get_by_test_id("stAlert").filter(has_text="3 new")).to_be_visible()
        no_errors(page)
        page.close()
    with open_store(database, published=False) as store:
        kept = list_results(store, Filters())
    assert [result.result_id for result in kept] == ["5.0/ACME/acme_x8/retinanet"]
