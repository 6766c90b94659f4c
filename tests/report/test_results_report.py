"""The report on results: what it says, that it never varies, and that hostile logs do nothing in it."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hostile_texts import HOSTILE_TEXTS, Markup, hostile_round
from markdown_it import MarkdownIt
from typer.testing import CliRunner, Result

from mlperf_stats.analysis.accounts import Accounts, accounts
from mlperf_stats.analysis.controlled import ControlledEstimates
from mlperf_stats.analysis.run_sets import run_sets
from mlperf_stats.cli.app import app
from mlperf_stats.report.document import Figure, Section
from mlperf_stats.report.html import html_page
from mlperf_stats.report.markdown import markdown_text
from mlperf_stats.report.methods import METHODS
from mlperf_stats.report.results import results_report, selection_of
from mlperf_stats.rules import wording
from mlperf_stats.stats.choice import best
from mlperf_stats.store.database import Store
from mlperf_stats.store.queries import Filters, list_results
from mlperf_stats.text.names import clean
from mlperf_stats.text.numbers import interval, minutes

Command = Callable[..., Result]
PAGE_TAGS = {
    *("html", "head", "meta", "title", "style", "body", "header", "main", "footer", "nav", "section"),
    *("h1", "h2", "p", "dl", "dt", "dd", "ol", "li", "a", "div"),
    *("table", "caption", "thead", "tbody", "tr", "th", "td"),
    *("figure", "svg", "g", "path", "rect", "line", "text", "tspan"),
}


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> Command:
    """``mlperf-stats`` on a database that holds the hostile round alone."""
    folder = tmp_path_factory.mktemp("hostile")
    tree, database = hostile_round(folder), folder / "own.db"

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(app, [*map(str, arguments), "--db", str(database)])

    told = run("ingest", tree)
    assert told.exit_code == 0, told.output
    return run


@pytest.fixture(scope="module")
def page(rgat: Accounts) -> str:
    return html_page(results_report(rgat, selection="round 5.0", source="the snapshot"))


def test_every_figure_has_interval_runs_method_and_warnings(rgat: Accounts, page: str) -> None:
    text = Markup(page).text
    for account in rgat.results:
        row = account.detail.row
        for figure in ("median", "expected", "controlled"):
            assert minutes(row[f"{figure}_minutes"]) in text
            assert interval(row[f"{figure}_low"], row[f"{figure}_high"]) in text
            assert account.methods[figure] in text
        for code in filter(None, row["warnings"].split(";")):
            assert code in text
        assert f"{row['runs_converged']} of {row['runs']}" in text
        for run in account.detail.runs:
            assert run.run.minutes is None or minutes(run.run.minutes) in text


def test_pictures_have_no_more_rows_than_a_printed_page(snapshot: Store) -> None:
    found = accounts(snapshot, Filters(rounds=("2.0",), benchmarks=("resnet",)))
    closed, open_division = results_report(found).sections[:2]
    assert [len(rows) for rows in pictured(closed)] == [27, 27]
    assert [len(rows) for rows in pictured(open_division)] == [2]
    assert "Results 28 to 54, the fastest first:" in [getattr(block, "text", "") for block in closed.blocks]
    # Four of the fastest one's five runs converged, so that its interval is open: no other is told from it.
    assert [sum(row["tied"] for row in rows) for rows in pictured(closed)] == [26, 27]


def pictured(section: Section) -> list[list[dict[str, Any]]]:
    """The rows of each picture of results."""
    charts = [block.draw().to_dict() for block in section.blocks if isinstance(block, Figure)]
    values = [next(iter(chart["datasets"].values())) for chart in charts]
    return [rows for rows in values if "tied" in rows[0]]


def test_disclosures_stand_at_the_foot(rgat: Accounts, page: str) -> None:
    foot = page[page.index("<footer>") :]
    markdown = markdown_text(results_report(rgat))
    for sentence in (
        wording.DERIVED,
        wording.EXPECTED_NOT_DRAWN,
        wording.WITHIN_SUBMISSION,
        wording.SELECTED,
        wording.TRADEMARK,
    ):
        assert sentence in foot
        assert sentence in markdown[markdown.index("\n---\n") :]
    assert wording.UNVERIFIED not in foot


def test_own_campaigns_are_labelled_unverified(rgat: Accounts) -> None:
    own = rgat.results[0]
    own.detail.row["round"], before = "local", own.detail.row["round"]
    try:
        document = results_report(Accounts((own,), 0.95))
    finally:
        own.detail.row["round"] = before
    assert document.disclosures[0] == wording.UNVERIFIED


def test_html_and_markdown_hold_the_same_tables(rgat: Accounts) -> None:
    document = results_report(rgat)
    tokens = MarkdownIt("commonmark").enable("table").parse(markdown_text(document))
    cells = [
        "".join(child.content for child in token.children or ())
        for before, token in pairwise(tokens)
        if before.type in ("td_open", "th_open")
    ]
    page = html_page(document)
    shown = [Markup(cell).text for cell in re.findall(r"<t[dh](?: [^>]*)?>(.*?)</t[dh]>", page)]
    assert cells == shown


def test_report_never_varies(rgat: Accounts, page: str) -> None:
    again = html_page(results_report(rgat, selection="round 5.0", source="the snapshot"))
    assert again == page


def test_page_is_small_and_complete_in_itself(rgat: Accounts, page: str) -> None:
    """At 7 kB for a result whose runs are drawn, the 400 that are make 2.8 MB."""
    found = Markup(page)
    assert set(found.tags) <= PAGE_TAGS
    assert found.scripts == []
    assert "url(" not in page
    assert all(value.startswith("#part-") for _, name, value in found.attributes if name in ("href", "src"))
    assert len(page.encode()) < 7_000 * len(rgat.results)


def test_methods_are_those_of_the_stored_figures(snapshot: Store) -> None:
    """The method chosen anew for the runs of each result of a few benchmarks and submitters."""
    checked = set()
    for filters in (
        Filters(rounds=("1.0",), submitters=("g*", "i*")),
        Filters(rounds=("5.0",), benchmarks=("stable_diffusion", "retinanet")),
    ):
        found = accounts(snapshot, filters)
        sets = run_sets(snapshot, list_results(snapshot, filters))
        for account, item in zip(found.results, sets, strict=True):
            if not item.minutes or item.rules.scored_runs <= 2 * item.rules.dropped_each_side:
                continue
            points = set(item.points)
            known = {}
            if len(points) == 1:
                # Any step does: which method is taken depends on whether there is one.
                known = {"convergence_points": [*points] * len(item.minutes)}
                if account.methods["expected"] == "tied-convergence":
                    known["evaluation_step"] = 0.1 * max(points)
            interval = best(
                item.minutes, "expected-score", runs=item.rules.scored_runs, dropped=1, **known
            ).interval
            assert account.methods["expected"] == interval.method
            checked.add(interval.method)
            row = account.detail.row
            if account.methods["expected"] != "tied-convergence":
                dropped = item.rules.dropped_each_side
                plain = best(item.minutes, "expected-score", runs=item.rules.scored_runs, dropped=dropped)
                assert row["expected_high"] == pytest.approx(plain.interval.high)
    assert checked == {"lognormal-pivot", "l-statistic", "tied-convergence"}
    assert checked <= set(METHODS)


def test_controlled_method_is_the_one_that_was_used(snapshot: Store) -> None:
    """Google's 1.0 entries: constant convergence, results without peers, and ordinary ones."""
    filters = Filters(rounds=("1.0",), submitters=("google",))
    estimates = ControlledEstimates(snapshot)
    used = set()
    for account in accounts(snapshot, filters).results:
        estimate = estimates.of(account.detail.result.key, 0.95)
        assert account.methods.get("controlled") == (estimate and estimate.method)
        used |= {
            (account.methods.get("controlled"), code) for code in account.detail.row["warnings"].split(";")
        }
    assert {("moderated-t-log", "convergence-constant"), ("moderated-t-log", "no-peers")} <= used
    assert "controlled" in {method for method, _ in used}


def test_selection_in_words() -> None:
    assert selection_of(Filters()) == "all results"
    filters = Filters(rounds=("5.0",), benchmarks=("bert", "rgat"), min_accelerators=8, max_accelerators=64)
    assert selection_of(filters) == (
        "round 5.0; benchmark bert or rgat; at least 8 accelerators; at most 64 accelerators"
    )


def test_command_writes_html_and_markdown(tmp_path: Path) -> None:
    for name, start in (("r.html", "<!doctype html>"), ("r.md", "# MLPerf Training results")):
        arguments = ["report", "--round", "5.0", "--benchmark", "gpt3", "--benchmark", "llama31_405b"]
        told = CliRunner().invoke(app, [*arguments, "-o", str(tmp_path / name)])
        assert told.exit_code == 0, told.output
        assert re.fullmatch(rf".*{name}: \d+ results, \d+ kB\n", told.stderr, re.DOTALL)
        assert (tmp_path / name).read_text().lstrip().startswith(start)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-o", "r.pdf"], "what it ends in must say the form: .html, .md"),
        (["--round", "5.0", "--benchmark", "gnmt", "-o", "r.md"], "no result fits"),
        (["--round", "5.0", "--benchmark", "rgat", "-o", "nowhere/r.md"], "cannot write nowhere/r.md"),
    ],
)
def test_command_says_what_is_wrong(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    told = CliRunner().invoke(app, ["report", *arguments])
    assert told.exit_code != 0
    assert message in told.stderr or message in str(told.exception)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("target", ["nowhere/r.html", "taken.html"])
def test_a_place_that_cannot_be_written_is_refused_before_the_work(
    target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlperf_stats.analysis.accounts.accounts", _never)
    (tmp_path / "taken.html").mkdir()
    told = CliRunner().invoke(app, ["report", "-o", str(tmp_path / target)])
    assert told.exit_code == 2
    assert target in told.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["taken.html"]


def test_a_library_that_is_missing_is_named_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlperf_stats.analysis.accounts.accounts", _never)
    monkeypatch.setattr("mlperf_stats.report.html.find_spec", lambda name: None)
    told = CliRunner().invoke(app, ["report", "-o", str(tmp_path / "r.html")])
    assert told.exit_code != 0
    assert "pip install 'mlperf-stats[charts]'" in f"{told.stderr}{told.exception}"
    assert list(tmp_path.iterdir()) == []


def _never(*_: object, **__: object) -> None:
    pytest.fail("the work had begun")


def test_hostile_logs_do_nothing_in_html(command: Command, tmp_path: Path) -> None:
    told = command("report", "--no-published", "-o", tmp_path / "r.html")
    assert told.exit_code == 0, told.output
    found = Markup((tmp_path / "r.html").read_text())
    assert set(found.tags) <= PAGE_TAGS
    assert not [item for item in found.attributes if item[1].startswith("on")]
    assert all(value.startswith("#part-") for _, name, value in found.attributes if name in ("href", "src"))
    for text in HOSTILE_TEXTS.values():
        # Descriptions of systems are read with runs of space made one.
        assert clean(" ".join(text.split())) in found.text


def test_hostile_logs_do_nothing_in_markdown(command: Command, tmp_path: Path) -> None:
    assert command("report", "--no-published", "-o", tmp_path / "r.md").exit_code == 0
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    tokens = parser.parse((tmp_path / "r.md").read_text())
    kinds = {token.type for top in tokens for token in (top, *(top.children or ()))}
    assert not kinds & {"html_inline", "html_block", "link_open", "image", "code_inline", "fence", "s_open"}
    rows = [token for token in tokens if token.type == "tr_open"]
    assert len(rows) > 3 * len(HOSTILE_TEXTS)


@pytest.mark.parametrize("what", ["results", "runs", "evaluations"])
def test_hostile_names_are_no_formulas(command: Command, what: str, tmp_path: Path) -> None:
    """Cells of worksheets are strings; cells of CSV that a spreadsheet would run begin with an apostrophe."""
    for suffix in ("xlsx", "csv"):
        told = command("export", "--no-published", "--what", what, "-o", tmp_path / f"t.{suffix}")
        assert told.exit_code == 0, told.output
    sheet = openpyxl.load_workbook(tmp_path / "t.xlsx").active
    assert sheet is not None
    for row in sheet.iter_rows():
        for cell in row:
            assert cell.data_type in ("s", "n")
            assert cell.hyperlink is None
    with (tmp_path / "t.csv").open(newline="") as file:
        cells = [cell for line in csv.reader(file) for cell in line]
    assert not [
        cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r")) and not _number(cell)
    ]
    assert any(cell.startswith("'=") for cell in cells) or what != "results"


def _number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
