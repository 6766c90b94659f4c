"""Campaigns that are watched: how far each has come, and their results as they appear."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from madeup_logs import run_log, write_tree
from streamlit.testing.v1 import AppTest

from mlperf_dashboards.campaigns import Progress, progress_below
from mlperf_dashboards.readings import state_of


def campaign(
    workload: str, ended: tuple[str, ...], *, runs: int = 5, kind: str = "fixed"
) -> dict[str, bytes]:
    """The files of a campaign of which so many runs ended as they say, and one more was begun."""
    plan = {
        "workload": workload,
        "mode": "mini",
        "variants": [{"label": "", "settings": {}}],
        "stopping": {"kind": kind, "runs": runs},
    }
    files = {"campaign.json": json.dumps(plan).encode()}
    for number, status in enumerate(ended):
        # The first attempt died, the second one counts.
        files[f"runs/{number}/attempt-1/mllog.txt"] = b""
        files[f"runs/{number}/attempt-2/result.json"] = json.dumps({"status": status, "seed": 7}).encode()
    files[f"runs/{len(ended)}/attempt-1/mllog.txt"] = b""
    return files


def suite(folder: Path, *, shown: bool = True) -> Path:
    """A suite of two campaigns; ``shown``: finished runs stand among its results."""
    parts = {
        "resnet": campaign("resnet", ("converged", "not_converged", "converged")),
        "ncf": campaign("ncf", ("converged",), runs=40, kind="width"),
    }
    files = {f"{name}/{path}": content for name, part in parts.items() for path, content in part.items()}
    files["suite.json"] = json.dumps({"mode": "mini", "workloads": list(parts)}).encode()
    if shown:
        for number, minutes in enumerate((10.0, 11.0, 12.0)):
            files[f"results/box/resnet/result_{number}.txt"] = run_log(minutes)
        files["results/box/ncf/result_0.txt"] = run_log(3.0, benchmark="ncf")
    return write_tree(folder, files)


RESNET = Progress("resnet", "resnet, mini", 5, "this number", 3, 2, 1)
NCF = Progress("ncf", "ncf, mini", 40, "width, at the latest", 1, 1, 1)


def test_a_suite_has_the_progress_of_each_campaign(tmp_path: Path) -> None:
    root = suite(tmp_path / "suite-mini")
    assert progress_below(root) == (NCF, RESNET)
    assert progress_below(root / "resnet") == (RESNET,)
    assert progress_below(root / "results") == progress_below(root / "nowhere") == ()


@pytest.mark.parametrize("damage", [b"", b"[", b"{}", b"[" * 100_000, b'{"workload": 3}', b"\xff"])
def test_what_is_no_plan_or_no_result_is_left_out(tmp_path: Path, damage: bytes) -> None:
    root = suite(tmp_path / "suite-mini")
    (root / "ncf" / "campaign.json").write_bytes(damage)
    (root / "resnet/runs/0/attempt-2/result.json").write_bytes(damage)
    (root / "resnet/runs/not-a-run").mkdir()
    assert progress_below(root) == (Progress("resnet", "resnet, mini", 5, "this number", 2, 1, 2),)


def test_a_log_that_grows_changes_nothing_until_its_run_is_a_result(tmp_path: Path) -> None:
    root = suite(tmp_path / "suite-mini")
    before = state_of(root)
    (root / "ncf/runs/1/attempt-1/mllog.txt").write_bytes(b":::MLLOG")
    assert state_of(root) == before
    (root / "results/box/ncf/result_1.txt").write_bytes(run_log(3.1, benchmark="ncf"))
    assert state_of(root) != before


def shown_progress(app: AppTest) -> dict[str, Any]:
    """Finished runs by campaign, as the page tells them."""
    [table] = (element.value for element in app.dataframe if "finished" in element.value)
    return dict(zip(table["name"], table["finished"], strict=True))


def test_a_watched_suite_shows_every_campaign_and_all_results(
    open_page: Callable[..., AppTest], settings: Callable[..., object], tmp_path: Path
) -> None:
    settings(paths=(str(suite(tmp_path / "suite-mini")),))
    app = open_page("runs")
    assert not app.exception
    assert shown_progress(app) == {"ncf": 1, "resnet": 3}
    [results] = (element.value for element in app.dataframe if "score_minutes" in element.value)
    assert {name.rpartition("/")[2] for name in results["result_id"]} == {"ncf", "resnet"}
    assert {metric.label: metric.value for metric in app.metric}["Runs"] == "4"


def test_a_campaign_without_results_yet_shows_how_far_it_is(
    open_page: Callable[..., AppTest], settings: Callable[..., object], tmp_path: Path
) -> None:
    settings(paths=(str(suite(tmp_path / "suite-mini", shown=False)),))
    app = open_page("runs")
    assert shown_progress(app) == {"ncf": 1, "resnet": 3}
    assert "Nothing to show yet" in str(app.info[0].value)
