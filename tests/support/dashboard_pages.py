"""What tests do on the pages of the dashboard in a browser."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

from playwright.sync_api import Locator, Page, expect


def open_page(page: Page, address: str) -> None:
    """Open an address and wait until its page stands."""
    page.goto(address)
    settle(page)


def settle(page: Page) -> None:
    """Wait until the script has run, beside the page as well, and everything that it sent is drawn."""
    page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]')
    page.wait_for_selector("h1")
    page.wait_for_function("!document.querySelector('[data-testid=stSkeleton], [data-stale=true]')")
    page.wait_for_selector(".st-key-being-tried", state="detached")


def address(path: str, parameters: dict[str, str | list[str]] | None = None) -> str:
    """A page with what its address asks for."""
    return f"{path}?{urlencode(parameters, doseq=True)}" if parameters else path


def choose(page: Page, label: str, value: str) -> None:
    """Choose a value in a box with this label, by typing it as a reader does."""
    box = page.get_by_role("combobox", name=label, exact=True)
    box.click()
    box.fill(value)
    page.get_by_role("option", name=value, exact=True).click()
    page.keyboard.press("Escape")
    settle(page)


def downloaded(page: Page, button: Locator) -> Path:
    """Press a button for a download; the file that came."""
    with page.expect_download() as started:
        button.click()
    return Path(started.value.path())


def under(page: Page, test_id: str, label: str) -> Locator:
    """The first download button with this label behind the first element of a kind."""
    below = page.get_by_test_id(test_id).first.locator("xpath=following::button")
    return below.filter(has_text=label).first


def row_count(page: Page) -> Locator:
    """The count below the first table."""
    return page.get_by_test_id("stCaptionContainer").filter(has_text="rows").first


def whole_page(page: Page, path: Path) -> None:
    """A screenshot of all of the page, however far it can be scrolled."""
    height = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
    size = page.viewport_size or {"width": 1280, "height": 900}
    page.set_viewport_size({"width": size["width"], "height": height})
    settle(page)
    page.screenshot(path=path)


def no_errors(page: Page) -> None:
    """Nothing on the page says that something failed."""
    for kind in ("stException", "stAlertContentError"):
        expect(page.get_by_test_id(kind)).to_have_count(0)


Visit = Callable[..., Page]
