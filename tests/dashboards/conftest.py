"""The app run by Streamlit's own test harness: no server, no browser, every page's script as it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from mlperf_dashboards.server import APP
from mlperf_dashboards.settings import VARIABLE, Settings

RUN_S = 120
OpenPage = Callable[..., AppTest]


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Settings]:
    """Set what the command line would have told the app; the data directory is empty."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    # Kept to be put back: the app's own setter writes past the test's patches.
    monkeypatch.setenv(VARIABLE, "{}")

    def told(**values: object) -> Settings:
        chosen = Settings(**values)  # type: ignore[arg-type]
        chosen.to_environment()
        return chosen

    told()
    return told


@pytest.fixture
def open_page(settings: Callable[..., Settings]) -> OpenPage:
    """``open_page("result", id=…)`` runs a page's script with what its address asks for."""

    def opened(name: str = "results", **parameters: str | list[str]) -> AppTest:
        app = AppTest.from_file(str(APP), default_timeout=RUN_S)
        if name != "results":
            app.run()
            app.switch_page(f"views/{name}.py")
        for parameter, value in parameters.items():
            app.query_params[parameter] = value
        return app.run()

    return opened
