"""What every page shows for what its address asks, on the published snapshot."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from madeup_logs import submission_files, write_tree
from streamlit.testing.v1 import AppTest

from mlperf_dashboards import trials
from mlperf_stats.api import combine, plan_width, published, show
from mlperf_stats.store import open_store

OpenPage = Callable[..., AppTest]
RED, NYX = "5.0/tinycorp/tinybox_red/bert", "5.0/NVIDIA/nyx_n1_ngc25.04_pytorch/bert"


def title(app: AppTest) -> str:
    return str(app.title[0].value)


def told(app: AppTest) -> str:
    """Everything that is said in words."""
    kinds = (app.text, app.caption, app.markdown, app.info, app.warning, app.error)
    return "\n".join(str(element.value) for kind in kinds for element in kind)


def table(app: AppTest, column: str) -> Any:
    """The first table with a column of this name."""
    return next(element.value for element in app.dataframe if column in element.value)


def test_results_open_on_the_newest_round_by_system(open_page: OpenPage) -> None:
    app = open_page()
    assert title(app) == "Results"
    wide = app.dataframe[0].value
    expected = published().filter(round="5.0")
    assert len(wide) == len({row["result_id"].rpartition("/")[0] for row in expected})
    assert set(wide["round"]) == {"5.0"}
    # Four digits of the score, where the rules give one.
    red = wide[wide["system"] == "tinybox_red"].iloc[0]
    assert red["bert"] == pytest.approx(show(RED).row["score_minutes"], rel=5e-4)


def test_only_complete_systems_have_every_benchmark_shown(open_page: OpenPage) -> None:
    app = open_page(benchmark=["bert", "llama2_70b_lora"], complete="true")
    wide = app.dataframe[0].value
    assert 0 < len(wide) < 94
    assert wide[["bert", "llama2_70b_lora"]].notna().all(axis=None)


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"benchmark": "rgat"}, {"benchmark": "rgat", "round": "5.0"}),
        ({"round": ["4.0"], "submitter": ["Google"]}, {"round": "4.0", "submitter": "Google"}),
        ({"round": "", "benchmark": "minigo"}, {"benchmark": "minigo"}),
        ({"round": "", "division": "open"}, {"division": "open"}),
    ],
)
def test_filters_in_the_address(
    open_page: OpenPage, parameters: dict[str, Any], expected: dict[str, Any]
) -> None:
    rows = open_page(table="By result", **parameters).dataframe[0].value
    assert set(rows["result_id"]) == {row["result_id"] for row in published().filter(**expected)}


def test_sizes_and_words_filter_too(open_page: OpenPage) -> None:
    columns = ["Accelerators", "Accelerator"]
    app = open_page(table="By result", min="64", max="512", q="gb200 nvidia", columns=columns)
    rows = app.dataframe[0].value
    assert list(rows.columns) == ["accelerators", "accelerator"]
    assert len(rows) > 0
    assert rows["accelerators"].between(64, 512).all()
    assert rows["accelerator"].str.contains("GB200").all()


def test_filters_that_fit_nothing_say_so(open_page: OpenPage) -> None:
    app = open_page(q="no such words anywhere")
    assert "No result fits these filters" in told(app)
    assert not app.dataframe


def test_a_result_shows_what_show_says(open_page: OpenPage) -> None:
    app = open_page("result", id=RED)
    detail = show(RED)
    assert RED in told(app)
    figures = table(app, "figure").set_index("figure")
    assert figures.loc["Median", "low"] == pytest.approx(detail.row["median_low"], rel=5e-4)
    assert list(table(app, "role")["role"]) == [run.role for run in detail.runs]


def test_a_result_that_is_not_there_is_an_error_in_words(open_page: OpenPage) -> None:
    app = open_page("result", id="5.0/nobody/none/bert")
    assert title(app) == "This cannot be shown"
    assert "no result has the id" in told(app)


def test_compare_gives_the_ratio_and_refuses_what_is_not_alike(open_page: OpenPage) -> None:
    app = open_page("compare", result=[RED, NYX])
    [pair] = table(app, "ratio").to_dict("records")
    assert pair["verdict"] == "slower"
    assert pair["ratio_low"] < pair["ratio"] < pair["ratio_high"]
    other = next(iter(published().filter(round="5.0", benchmark="rgat")))["result_id"]
    unlike = open_page("compare", result=[RED, other])
    assert not unlike.dataframe
    assert "benchmark" in unlike.warning[0].value


def test_a_combined_score_carries_its_disclosure(open_page: OpenPage) -> None:
    app = open_page("combined", submission="4.0/Dell/XE9680x8H100-SXM-80GB")
    assert "not sanctioned by MLCommons" in told(app)
    rows = table(app, "contribution")
    components = rows[rows["kind"] == "component"]
    assert components["contribution"].prod() == pytest.approx(
        rows[rows["kind"] == "summary"]["score"].iloc[0], rel=2e-3
    )


OWN_REFERENCE = b"benchmark,minutes\r\nbert,30\r\nssd,60\r\n"


def with_reference(open_page: OpenPage, name: str, content: bytes) -> AppTest:
    """A combined score of two benchmarks, normalised by a file that is uploaded."""
    app = open_page(
        "combined",
        submission="4.0/Dell/XE9680x8H100-SXM-80GB",
        benchmarks=["bert", "ssd"],
        reference="a file that you upload",
    )
    assert "Upload the reference results" in told(app)
    app.file_uploader[0].set_value((name, content, "text/csv"))
    return app.run()


@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"], ids=["plain", "as a spreadsheet writes it"])
def test_a_reference_file_is_uploaded(open_page: OpenPage, tmp_path: Path, start: bytes) -> None:
    app = with_reference(open_page, "ours.csv", start + OWN_REFERENCE)
    path = tmp_path / "ours.csv"
    path.write_bytes(OWN_REFERENCE)
    expected = combine("4.0/Dell/XE9680x8H100-SXM-80GB", benchmarks=["bert", "ssd"], reference=str(path))
    rows = table(app, "contribution")
    [score] = rows[rows["kind"] == "summary"]["score"]
    assert score == pytest.approx(expected.summaries[0].score, rel=5e-4)
    assert "ours.csv, taken as exact" in told(app).replace("\\", "")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"name,time\nbert,30\n", "no reference results"),
        ("a.csv", b"benchmark,minutes\nbert,=1+1\nssd,60\n", "no reference results"),
        ("a.csv", b"benchmark,minutes\nbert,0\nssd,60\n", "no positive minutes"),
        ("a.csv", b"benchmark,minutes\nbert,nan\nssd,60\n", "no positive minutes"),
        ("a.csv", b'benchmark,minutes\n"' + b"x" * 200_000, "no reference results"),
        ("a.csv", b"\xff\xfe\x00", "no reference results"),
        ("a.json", b"[" * 500_000, "no reference results"),
        ("a.csv", b"benchmark,minutes\n" + b"x,1\n" * 300_000, "may have 1 MB"),
        ("../../<b>.csv", b"benchmark,minutes\nbert,30\n", "has no result for ssd"),
    ],
)
def test_a_reference_that_cannot_be_used_is_refused_in_words(
    open_page: OpenPage, name: str, content: bytes, message: str
) -> None:
    app = with_reference(open_page, name, content)
    assert not app.exception
    assert title(app) == "Combined score"
    said = "\n".join(str(element.value) for kind in (app.error, app.warning) for element in kind)
    assert message in said.replace("\\", "")
    assert "tmp" not in said
    assert not app.dataframe


def tried(app: AppTest) -> AppTest:
    """Looked at until the controlled estimate, which is tried beside the page, is there."""
    for _ in range(1000):
        if not any("being tried" in caption.value for caption in app.caption):
            return app
        app.run()
    raise AssertionError("the controlled estimate is still being tried")


def test_own_runs_are_planned_before_the_controlled_estimate_is_tried(open_page: OpenPage) -> None:
    """Trials wait for a worker that is busy; the page does not."""
    free = threading.Event()
    trials._WORKER.submit(free.wait)
    try:
        app = open_page("planning", **{"plan-benchmark": "dlrm_dcnv2", "level": "91"})
        assert list(table(app, "estimand")["estimand"]) == ["expected-score", "geometric-mean", "median"]
        assert any("being tried" in caption.value for caption in app.caption)
    finally:
        free.set()
    assert list(table(tried(app), "estimand")["estimand"])[-1] == "controlled"


def test_plans_are_those_of_the_command_line(open_page: OpenPage) -> None:
    app = tried(open_page("planning", **{"plan-benchmark": "rgat", "width": "5"}))
    expected = {row["estimand"]: row["runs"] for row in plan_width("rgat", 0.05).rows}
    rows = table(app, "estimand")
    assert dict(zip(rows["estimand"], rows["runs"], strict=True)) == expected
    # Three runs have no interval of the median: the cell is empty.
    curve = table(app, "geometric_mean").set_index("runs")
    assert curve["median"].isna()[3]
    assert curve["median"].max() < 100


@pytest.mark.parametrize(
    ("question", "column"),
    [("A difference", "runs_per_system"), ("A valid result", "launches"), ("A budget", "accelerator_hours")],
)
def test_every_question_of_planning_has_an_answer(open_page: OpenPage, question: str, column: str) -> None:
    app = open_page("planning", **{"plan-benchmark": "rgat", "question": question})
    assert not app.exception
    assert len(table(app, column)) > 0


def test_variance_by_benchmark_and_by_result(open_page: OpenPage) -> None:
    rows = table(open_page("variance", workload=["bert"]), "convergence_share")
    assert list(rows["benchmark"]) == ["bert"]
    assert rows["convergence_share"].iloc[0] > 90
    single = table(open_page("variance", rows="By result", workload=["rgat"], rounds=["5.0"]), "result_id")
    assert set(single["result_id"]) == {
        row["result_id"] for row in published().filter(round="5.0", benchmark="rgat")
    }


def test_scale_and_history(open_page: OpenPage) -> None:
    sized = table(open_page("scale", **{"scale-benchmark": "bert"}), "accelerator_minutes")
    assert len(sized) == len(published().filter(round="5.0", benchmark="bert"))
    rounds = table(
        open_page("scale", **{"view": "Over the rounds", "scale-benchmark": "bert"}), "minutes_result"
    )
    assert list(rounds["round"])[-1] == "5.0"


def test_what_is_too_much_for_one_picture_is_paged(open_page: OpenPage) -> None:
    app = open_page("scale", **{"view": "Close to the best", "profile-round": "5.0"})
    systems = len(table(app, "submission"))
    [pages] = (box for box in app.selectbox if box.key == "systems-shown")
    assert pages.options[0] == f"1 to 30 of {systems}"
    assert pages.options[-1].endswith(f" to {systems} of {systems}")
    assert f"The picture has systems 1 to 30 of {systems}" in told(app).replace("\\", "")
    first = drawing(app)
    app = pages.set_value(pages.options[1]).run()
    assert not app.exception
    second = drawing(app)
    assert second != first
    link = {"view": "Close to the best", "profile-round": "5.0", "systems-shown": pages.options[1]}
    assert drawing(open_page("scale", **link)) == second


def test_ties_are_with_the_fastest_of_all_and_not_of_the_page(open_page: OpenPage) -> None:
    """The fastest has an open interval, as one of its runs missed the target: nobody is told from it."""
    asked: dict[str, Any] = {"table": "By result", "round": "2.0", "benchmark": "resnet"}
    app = open_page(**asked, **{"results-shown": "41 to 56 of 56"})
    assert "Grey and hollow (16)" in drawing(app)


def drawing(app: AppTest) -> str:
    """What is drawn, as it was sent."""
    return str(app.get("vega_lite_chart")[0].proto)


def test_about_explains_every_code(open_page: OpenPage) -> None:
    from mlperf_stats.explanations import catalogue

    assert set(table(open_page("about"), "advice")["code"]) == set(catalogue())


def test_an_empty_database_says_how_to_fill_it(
    open_page: OpenPage, settings: Callable[..., object], tmp_path: Path
) -> None:
    database = tmp_path / "empty.db"
    open_store(database, published=False, write=True).connection.close()
    settings(db=str(database), published=False)
    for name in ("results", "variance", "scale"):
        app = open_page(name)
        assert "mlperf-stats ingest" in told(app)
        assert not app.exception


def test_a_watched_campaign_is_checked_and_scored(
    open_page: OpenPage, settings: Callable[..., object], tmp_path: Path
) -> None:
    root = write_tree(tmp_path / "training_results_v5.0", submission_files("ACME", "x8", "retinanet"))
    settings(paths=(str(root),))
    app = open_page("runs")
    assert not app.exception
    assert "Unverified" in told(app)
    assert list(table(app, "result_id")["result_id"]) == ["5.0/ACME/x8/retinanet"]
    assert {metric.label: metric.value for metric in app.metric}["Converged"] == "5"


def test_a_watched_folder_without_runs_waits(
    open_page: OpenPage, settings: Callable[..., object], tmp_path: Path
) -> None:
    settings(paths=(str(tmp_path),))
    app = open_page("runs")
    assert "Nothing to show yet" in told(app)


def test_paths_in_the_address_open_nothing(open_page: OpenPage, tmp_path: Path) -> None:
    write_tree(tmp_path / "training_results_v5.0", submission_files())
    for name, parameter in (("runs", "runs"), ("planning", "pilot"), ("combined", "reference")):
        app = open_page(name, **{parameter: str(tmp_path)})
        assert "ACME" not in told(app)
        assert all("ACME" not in element.value.to_csv() for element in app.dataframe)


def test_one_result_is_read_without_the_rest_of_its_workload(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With whom it borrowed is not shown, and finding it out reads hundreds of results."""
    from mlperf_stats.analysis import show as shows
    from mlperf_stats.analysis.show import show_result
    from mlperf_stats.store.database import open_store as opened

    name = "4.0/Dell/XE9680x8H100-SXM-80GB/ssd"
    with opened(None) as store:
        full, short = (show_result(store, name, lenders=lenders) for lenders in (True, False))
    assert full.controlled is not None
    assert replace(full, controlled=None) == short
    monkeypatch.setattr(shows, "ControlledEstimates", lambda *_: pytest.fail("the workload was read"))
    assert name in told(open_page("result", id=name))


@pytest.mark.parametrize(
    ("page", "asked", "missing"),
    [
        ("results", {"round": ["9.9", "5.0"], "benchmark": "none"}, ["round 9.9", "benchmark none"]),
        ("compare", {"result": [RED, "5.0/nobody/none/bert"]}, ["result 5.0/nobody/none/bert"]),
        ("combined", {"submission": "4.0/nobody/none"}, ["submission 4.0/nobody/none"]),
        ("scale", {"scale-benchmark": "none", "price": "x"}, ["scale benchmark none"]),
    ],
)
def test_what_a_link_asks_for_and_is_not_here_is_said(
    open_page: OpenPage, page: str, asked: dict[str, Any], missing: list[str]
) -> None:
    said = told(open_page(page, **asked)).replace("\\", "")
    assert f"asks for what is not here: {', '.join(missing)}" in said


@pytest.mark.parametrize(
    ("page", "asked"),
    [
        ("results", {"round": "5.0", "table": "By result", "min": "8", "columns": ["Result", "Spread"]}),
        ("results", {"round": "", "benchmark": "bert", "complete": "true"}),
        ("compare", {"result": [RED, NYX], "level": "95", "margin": "2.0", "footing": "as-run"}),
        ("scale", {"view": "By size", "scale-benchmark": "bert", "scale-round": ["5.0", "4.0"]}),
        ("result", {"id": RED, "something": "else"}),
    ],
)
def test_a_link_to_what_is_here_is_taken_as_it_is(
    open_page: OpenPage, page: str, asked: dict[str, Any]
) -> None:
    assert "asks for what is not here" not in told(open_page(page, **asked))


def test_advice_on_a_combined_score_is_for_this_page(open_page: OpenPage) -> None:
    said = told(open_page("combined", submission="1.0/Dell/XE8545x4A100-SXM-80GB")).replace("\\", "")
    assert "Choose under Benchmarks: maskrcnn, resnet, ssd." in said
    assert "--benchmark" not in said


def test_a_round_without_complete_systems_keeps_its_choices(open_page: OpenPage) -> None:
    app = open_page("scale", **{"view": "Close to the best", "profile-round": "0.5"})
    app.toggle(key="complete").set_value(True).run()
    assert [element.value for element in app.title] == ["Scale and history"]
    assert "Allow systems without some benchmark" in told(app)


def test_a_refused_upload_stays_refused_and_is_told_once(open_page: OpenPage) -> None:
    app = open_page("runs")
    assert "Upload the logs" in told(app)
    app.file_uploader[0].set_value(("junk.zip", b"PK no archive", "application/zip"))
    for _ in range(2):
        app.run()
        [refusal] = app.error
        assert "cannot be read as a zip archive" in refusal.value
        assert "Upload the logs" not in told(app)
