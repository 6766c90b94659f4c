"""What ``mlperf-stats dashboard`` refuses before a server starts, and what it hands over."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from mlperf_dashboards import command as module
from mlperf_dashboards.settings import VARIABLE, Settings, settings
from mlperf_stats.cli.app import app


@pytest.fixture(autouse=True)
def _no_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv(VARIABLE, "{}")


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["dashboard", *map(str, arguments)], prog_name="mlperf-stats")


def test_paths_and_databases_that_are_not_there_are_refused(tmp_path: Path) -> None:
    for arguments in ((tmp_path / "nowhere",), ("--db", tmp_path / "no.db"), ("--no-published",)):
        told = invoke(*arguments)
        assert told.exit_code == 2
        assert told.stderr.startswith("mlperf-stats: ")
        assert told.stderr.count("\n") == 1


def test_a_missing_library_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    told = invoke()
    assert told.exit_code == 2
    assert "pip install 'mlperf-stats[dashboard]'" in told.stderr


def test_what_was_asked_for_reaches_the_app(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    served: list[tuple[Settings, object]] = []
    monkeypatch.setattr("mlperf_dashboards.server.serve", lambda *given: served.append(given))
    told = invoke(tmp_path, "--no-browser", "--port", "8600")
    assert told.exit_code == 0, told.output
    [(chosen, listening)] = served
    assert chosen == Settings(None, True, (str(tmp_path.resolve()),))
    assert (listening.address, listening.port, listening.browser) == ("localhost", 8600, False)  # type: ignore[attr-defined]
    chosen.to_environment()
    assert settings() == chosen
    assert "paths" in os.environ[VARIABLE]
