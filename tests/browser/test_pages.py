"""Every page opens in a real browser, in light and dark and on a narrow screen, and complains of nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

Visit = Callable[..., Page]

RESULT = "5.0/tinycorp/tinybox_red/bert"
PAGES = {
    "results": ("", "Results"),
    "result": (f"result?id={RESULT}", "Result"),
    "planning": ("planning", "How many runs?"),
    "variance": ("variance", "Variance"),
    "about": ("about", "About the numbers"),
}
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"viewport": {"width": 1280, "height": 900}},
    "dark-narrow": {"viewport": {"width": 600, "height": 900}, "color_scheme": "dark"},
}


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("name", PAGES)
def test_every_page_opens(name: str, look: str, visit: Visit, pictures: Path) -> None:
    path, title = PAGES[name]
    page = visit(path, **LOOKS[look])
    expect(page.get_by_role("heading", level=1)).to_have_text(title)
    expect(page.get_by_test_id("stException")).to_have_count(0)
    expect(page.get_by_test_id("stAlertContentError")).to_have_count(0)
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 0
    height = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
    page.set_viewport_size({**LOOKS[look]["viewport"], "height": height})
    page.screenshot(path=pictures / f"{name}-{look}.png")
