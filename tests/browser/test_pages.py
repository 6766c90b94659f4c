"""Every page opens in a real browser, in light and dark and on a narrow screen, and complains of nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from dashboard_pages import Visit, address, no_errors, whole_page
from page_contrast import faint_texts
from playwright.sync_api import expect

RED, NYX = "5.0/tinycorp/tinybox_red/bert", "5.0/NVIDIA/nyx_n1_ngc25.04_pytorch/bert"
PAGES = {
    "results": ("", "Results"),
    "results-rows": (address("", {"table": "By result", "benchmark": "rgat"}), "Results"),
    "result": (address("result", {"id": RED}), "Result"),
    "compare": (address("compare", {"result": [RED, NYX]}), "Compare"),
    "combined": (address("combined", {"submission": "4.0/Dell/XE9680x8H100-SXM-80GB"}), "Combined score"),
    "planning": (address("planning", {"plan-benchmark": "bert"}), "How many runs?"),
    "variance": ("variance", "Variance"),
    "scale": (address("scale", {"scale-benchmark": "bert"}), "Scale and history"),
    "history": (
        address("scale", {"view": "Over the rounds", "scale-benchmark": "bert"}),
        "Scale and history",
    ),
    "runs": ("runs", "Your runs"),
    "about": ("about", "About the numbers"),
}
LIGHT: dict[str, Any] = {}
DARK = {"viewport": {"width": 600, "height": 900}, "color_scheme": "dark"}
TWICE = ("results-rows", "history")
"""Other views of a page that is there; one look is enough."""


@pytest.mark.parametrize(
    ("name", "look"),
    [
        *((name, "light") for name in PAGES),
        *((name, "dark-narrow") for name in PAGES if name not in TWICE),
    ],
)
def test_every_page_opens(name: str, look: str, visit: Visit, pictures: Path) -> None:
    path, title = PAGES[name]
    page = visit(path, **(LIGHT if look == "light" else DARK))
    expect(page.get_by_role("heading", level=1)).to_have_text(title)
    no_errors(page)
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 0
    dark = page.evaluate("getComputedStyle(document.querySelector('.stApp')).backgroundColor")
    assert dark == ("rgb(14, 17, 23)" if "dark" in look else "rgb(255, 255, 255)")
    assert faint_texts(page) == {}
    whole_page(page, pictures / f"{name}-{look}.png")


def test_the_navigation_leads_to_every_page(visit: Visit) -> None:
    page = visit()
    links = page.get_by_test_id("stSidebarNavLink")
    titles = links.all_inner_texts()
    assert len(titles) == len({title for _, title in PAGES.values()})
    for number, title in enumerate(titles):
        links.nth(number).click()
        expect(page.get_by_role("heading", level=1)).to_have_text(title.rpartition("\n")[2])
        no_errors(page)


def test_what_is_not_there_is_told_in_words(visit: Visit) -> None:
    page = visit(address("result", {"id": "5.0/NVIDIA/no_such_system/bert"}))
    expect(page.get_by_role("heading", level=1)).to_have_text("This cannot be shown")
    expect(page.get_by_test_id("stAlert")).to_contain_text("no result has the id")
    page.get_by_role("link", name="Back to all results").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Results")
