"""The snippets of the documentation run as they stand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

SNIPPET = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", ["charts.md", "report.md"])
def test_snippets_run(page: str, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    snippets = SNIPPET.findall((repository / "docs" / page).read_text())
    assert snippets
    for snippet in snippets:
        exec(compile(snippet, page, "exec"), {})
    drawn = {path.suffix for path in tmp_path.iterdir()}
    assert drawn == ({".svg", ".png", ".html"} if page == "charts.md" else set())


@pytest.mark.parametrize("page", ["charts.md", "report.md"])
def test_named_functions_and_files_are_there(page: str, repository: Path) -> None:
    text = (repository / "docs" / page).read_text()
    for module, name in re.findall(r"`(charts\.\w+)\.(\w+)`", text):
        assert hasattr(__import__(f"mlperf_stats.{module}", fromlist=[name]), name)
    for path in re.findall(r"\b(tests/[\w/]+\.py)", text):
        assert (repository / path).is_file()
