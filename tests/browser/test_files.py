"""Reports and charts as files, in a browser without a network: they stand, and hostile names do nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hostile_texts import HOSTILE_TEXTS, hostile_round
from playwright.sync_api import Browser, Page
from typer.testing import CliRunner

from mlperf_stats.analysis.at_hand import logs_at_hand
from mlperf_stats.analysis.results import results_table
from mlperf_stats.analysis.show import show_result
from mlperf_stats.charts.curves import quality_curves
from mlperf_stats.charts.export import save_chart
from mlperf_stats.charts.results import results_chart
from mlperf_stats.cli.app import app
from mlperf_stats.text.names import clean


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the hostile round's report, its picture of results, and a picture of one's curves."""
    folder = tmp_path_factory.mktemp("files")
    tree = hostile_round(folder)
    with logs_at_hand(tree, None) as (store, _):
        table = results_table(store)
        save_chart(results_chart(table), folder / "results.html")
        save_chart(quality_curves(show_result(store, table.rows[0]["result_id"])), folder / "curves.html")
    database = ["--db", str(folder / "own.db"), "--no-published"]
    assert CliRunner().invoke(app, ["ingest", str(tree), "--db", str(folder / "own.db")]).exit_code == 0
    told = CliRunner().invoke(app, ["report", *database, "-o", str(folder / "report.html")])
    assert told.exit_code == 0, told.output
    return folder


@pytest.fixture
def page(browser: Browser, watched: Any) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 600, "height": 900})
    watched.watch(context)
    opened = context.new_page()
    opened.on("dialog", lambda dialog: pytest.fail(f"a dialog opened: {dialog.message}"))
    yield opened
    context.close()


def test_other_machines_are_out_of_reach_and_asking_is_noticed(browser: Browser, watched: Any) -> None:
    context = browser.new_context()
    watched.watch(context)
    page = context.new_page()
    asked = ["http://example.org/", "https://example.org/", "http://192.0.2.1/x.png", "ws://192.0.2.1/"]
    answered = page.evaluate(
        """asked => Promise.all(asked.map(url => new Promise(done => {
            if (url.startsWith("http"))
                return fetch(url, {mode: "no-cors"}).then(() => done(url), () => done(""));
            const socket = new WebSocket(url);
            socket.onopen = () => done(url);
            socket.onerror = () => done("");
        })))""",
        asked,
    )
    assert answered == [""] * len(asked)
    assert sorted(watched.foreign) == sorted(asked)
    assert len(watched.errors) == len(asked)
    context.close()
    watched.foreign.clear()
    watched.errors.clear()


def test_report_stands_and_does_nothing(page: Page, files: Path, pictures: Path) -> None:
    page.goto((files / "report.html").as_uri())
    assert page.locator("figure svg").count() == 2
    assert page.evaluate("window.pwned") is None
    # As wide as the window: only tables may be scrolled sideways.
    assert page.evaluate("document.documentElement.scrollWidth") <= 600
    words = page.inner_text("body")
    for text in HOSTILE_TEXTS.values():
        assert clean(" ".join(text.split())) in " ".join(words.split())
    page.screenshot(path=pictures / "hostile-report.png")


@pytest.mark.parametrize("name", ["results", "curves"])
def test_chart_stands_and_does_nothing(page: Page, files: Path, pictures: Path, name: str) -> None:
    page.goto((files / f"{name}.html").as_uri())
    marks = page.locator("#chart canvas, #chart svg")
    marks.first.wait_for()
    # Tooltips are made of the data; the middle of the picture has marks.
    for step in range(0, 600, 40):
        page.mouse.move(step, 200 + step // 4)
    assert page.evaluate("window.pwned") is None
    assert page.evaluate("document.scripts.length") == 2
    page.screenshot(path=pictures / f"hostile-{name}.png")
