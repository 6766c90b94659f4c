"""Every page of the dashboard has a page of documentation with a small picture."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlperf_dashboards.navigation import PAGES, Entry

LARGEST = 150_000


@pytest.mark.parametrize("entry", PAGES, ids=lambda entry: entry.script)
def test_every_page_is_described_and_pictured(entry: Entry, repository: Path) -> None:
    script, title = entry.script, entry.title
    folder = repository / "docs" / "dashboard"
    text = (folder / f"{script}.md").read_text(encoding="utf-8")
    assert text.startswith(f"# {title}\n")
    assert f"]({script}.png)" in text
    assert (folder / f"{script}.png").stat().st_size < LARGEST
    assert f"]({script}.md)" in (folder / "README.md").read_text(encoding="utf-8")
