"""A real browser on a real server: Debian's Chromium, and no network but this machine's.

Every page that a test opens is watched: what it asks of other machines is refused and fails the test, as do
errors on its console.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from dashboard_pages import open_page
from dashboard_server import dashboard
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Route, expect, sync_playwright

WAIT_MS = 60_000
"""A busy machine may take long; conditions that are met end the wait."""

expect.set_options(timeout=WAIT_MS)

_PROBED = re.compile(r"/[a-z_]+/_stcore/(health|host-config)$")
"""Streamlit's page looks for its server below its own address first, and takes the refusal for an answer."""


def chromium() -> str:
    """The browser, or a skip that says how to get it."""
    for name in (os.environ.get("MLPERF_STATS_CHROMIUM"), "chromium", "chromium-browser"):
        found = shutil.which(name) if name else None
        if found:
            return found
    pytest.skip("no Chromium for the browser tests: apt-get install chromium, or set MLPERF_STATS_CHROMIUM")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One browser for all tests of this process."""
    path = chromium()
    with sync_playwright() as playwright:
        # Chromium's own sandbox does not start for root, which containers run as.
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a dashboard on the published snapshot."""
    with dashboard(tmp_path_factory.mktemp("dashboard")) as address:
        yield address


@dataclass
class Watched:
    """What pages did that they should not have done."""

    foreign: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def refuse(self, route: Route) -> None:
        """Let requests to this machine pass, and no others."""
        if urlsplit(route.request.url).hostname == "localhost":
            route.continue_()
        else:
            self.foreign.append(route.request.url)
            route.abort()

    def note(self, message: ConsoleMessage) -> None:
        """Keep errors on the console."""
        where = message.location.get("url", "")
        if message.type == "error" and not _PROBED.search(urlsplit(where).path):
            self.errors.append(f"{message.text} ({where})")

    def watch(self, context: BrowserContext) -> None:
        """Watch all pages of a context."""
        context.set_default_timeout(WAIT_MS)
        context.route(re.compile("^(http|ws)"), self.refuse)
        context.on("console", self.note)
        context.on("weberror", lambda error: self.errors.append(str(error.error)))


class Contexts:
    """Contexts of one browser by their options: pages of one context share what they have loaded."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._known: dict[str, BrowserContext] = {}
        self.seen = Watched()

    def get(self, fresh: bool, options: dict[str, Any]) -> BrowserContext:
        """A context with these options: one of its own if ``fresh``."""
        name = f"{len(self._known)}" if fresh else repr(sorted(options.items()))
        if name not in self._known:
            self._known[name] = self._browser.new_context(
                **{"viewport": {"width": 1280, "height": 900}, **options}
            )
            self.seen.watch(self._known[name])
        return self._known[name]


@pytest.fixture(scope="session")
def contexts(browser: Browser) -> Contexts:
    """The contexts of this process."""
    return Contexts(browser)


@pytest.fixture
def watched(contexts: Contexts) -> Iterator[Watched]:
    """What the pages of a test did that they should not have done; it has to be nothing."""
    seen = contexts.seen
    seen.foreign.clear()
    seen.errors.clear()
    yield seen
    assert seen.foreign == []
    assert seen.errors == []


@pytest.fixture
def visit(contexts: Contexts, server: str, watched: Watched) -> Iterator[Callable[..., Page]]:
    """``visit("variance?rows=By+result")`` opens a page and waits until it stands.

    Options are those of a browser context, such as ``color_scheme`` and ``viewport``; ``at`` is another
    server's address; ``fresh`` asks for a context that no other page has, like another reader's.
    """
    pages: list[Page] = []

    def opened(path: str = "", *, at: str = server, fresh: bool = False, **options: Any) -> Page:
        page = contexts.get(fresh, options).new_page()
        pages.append(page)
        open_page(page, f"{at}/{path}")
        return page

    yield opened
    for page in pages:
        page.close()


@pytest.fixture(scope="session")
def pictures(repository: Path) -> Path:
    """Where screenshots are left for people to look at."""
    folder = repository / "build" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
