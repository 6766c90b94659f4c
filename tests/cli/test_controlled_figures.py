"""How convergence-controlled figures are shown where a database has them, and where it has none."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

Invoke = Callable[..., Result]
COLUMNS = "(controlled_minutes, controlled_low, controlled_high, controlled_own_share)"
ACME = "5.0/acme/box8/retinanet"


@pytest.fixture
def with_controlled(database: Path, tmp_path: Path, invoke: Invoke) -> tuple[object, ...]:
    """The small database with a controlled interval for one of its two results."""
    path = tmp_path / "own.db"
    with sqlite3.connect(database) as source, sqlite3.connect(path) as target:
        source.backup(target)
    # Figures are kept when they are first asked for.
    assert invoke("results", "--db", path, "--no-published").exit_code == 0
    with sqlite3.connect(path) as target:
        target.execute(f"UPDATE summaries SET {COLUMNS} = (NULL, NULL, NULL, NULL)")
        target.execute(
            f"UPDATE summaries SET {COLUMNS} = (33.25, 30.5, 36.25, 0.375) "
            "WHERE result_key = (SELECT result_key FROM results WHERE result_id = ?)",
            [ACME],
        )
    return ("--db", path, "--no-published")


@pytest.fixture
def without_controlled(with_controlled: tuple[object, ...], tmp_path: Path) -> tuple[object, ...]:
    path = tmp_path / "none.db"
    with sqlite3.connect(tmp_path / "own.db") as source, sqlite3.connect(path) as target:
        source.backup(target)
        target.execute("UPDATE summaries SET controlled_minutes = NULL")
    return ("--db", path, "--no-published")


def line_of(text: str, start: str) -> list[str]:
    return next(line for line in text.splitlines() if line.startswith(start)).split()


def test_results_show_the_interval_that_is_asked_for(
    invoke: Invoke, with_controlled: tuple[object, ...]
) -> None:
    text = invoke("results", *with_controlled, "--interval", "controlled").stdout
    assert line_of(text, "Result") == ["Result", "Score", "Expected", "Interval", "Own", "Runs", "Warnings"]
    # Score 32, expected time 33.25 of 30.5 to 36.25, 37.5 % own: halves round to even.
    assert line_of(text, ACME)[1:8] == ["32.00", "33.25", "30.50", "–", "36.25", "38%", "5"]
    assert "not the score" in text
    assert "next one need not lie inside" in text
    own = invoke("results", *with_controlled).stdout
    assert own == invoke("results", *with_controlled, "--interval", "own").stdout
    assert line_of(own, ACME)[1:6] == ["32.00", "32.00", "30.00", "–", "40.00"]


def test_results_without_controlled_figures_stay_empty(
    invoke: Invoke, with_controlled: tuple[object, ...], without_controlled: tuple[object, ...]
) -> None:
    some = invoke("results", *with_controlled, "--interval", "controlled").stdout
    assert line_of(some, "5.0/evil")[1] == "3/5"
    none = invoke("results", *without_controlled, "--interval", "controlled").stdout
    assert "None of these results has a controlled interval" in none
    assert "Expected and interval" not in none


def test_csv_does_not_depend_on_the_interval_shown(
    invoke: Invoke, with_controlled: tuple[object, ...]
) -> None:
    arguments = ("results", *with_controlled, "--format", "csv")
    text = invoke(*arguments).stdout
    assert text == invoke(*arguments, "--interval", "controlled").stdout
    assert "33.25,30.5,36.25,0.375" in text


def test_show_labels_the_controlled_interval(
    invoke: Invoke, with_controlled: tuple[object, ...], without_controlled: tuple[object, ...]
) -> None:
    text = invoke("show", ACME, *with_controlled).stdout
    assert line_of(text, "Geometric mean")[2] == "33.02"
    controlled = next(line for line in text.splitlines() if line.startswith("Controlled mean"))
    assert controlled.endswith("33.25   30.50 – 36.25 at 95%   expected time, not the score, own share 38%")
    assert "Controlled" not in invoke("show", ACME, *without_controlled).stdout


def test_unknown_interval_names_the_choices(invoke: Invoke, with_controlled: tuple[object, ...]) -> None:
    refused = invoke("results", *with_controlled, "--interval", "wide")
    assert refused.exit_code == 2
    assert "own" in refused.stderr
    assert "controlled" in refused.stderr


def test_show_says_who_lent(invoke: Invoke) -> None:
    """Those of its batch size by name, the others by number; all of them in JSON."""
    shown = invoke("show", "2.0/NVIDIA/dgxa100_ngc22.04_mxnet/unet3d").stdout
    section = shown[shown.index("Borrowed by the controlled mean") :]
    detail = json.loads(
        invoke("show", "2.0/NVIDIA/dgxa100_ngc22.04_mxnet/unet3d", "--format", "json").stdout
    )["controlled"]
    assert detail["method"] in section
    assert set(detail["intervals"]) == {"geometric-mean", "median", "mean", "expected-score"}
    same = detail["peers"]["same_size"]
    assert f"{len(same)} of its batch size and round" in section
    assert all(name in section for name in same[:6])
    reference, *results = same
    assert reference.startswith("reference at batch size ")
    assert all(name.startswith("2.0/") and name.endswith("/unet3d") for name in results)
    assert all(not name.startswith("2.0/") for name in detail["peers"]["other_rounds"])
