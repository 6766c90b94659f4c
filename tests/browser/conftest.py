"""A real browser on a real server: Debian's Chromium, and no network but this machine's.

Every page that a test opens is watched: what it asks of other machines comes to nothing and fails the test,
as do errors on its console. The browser is kept from them by a proxy that does not answer: handlers of
requests would keep it from remembering files as well, and every page would load all scripts anew.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from dashboard_pages import open_page
from dashboard_server import dashboard
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    ProxySettings,
    Request,
    ViewportSize,
    WebSocket,
    expect,
    sync_playwright,
)

NOWHERE = ProxySettings(server="http://localhost:9", bypass="localhost")
"""Nothing listens at the port named discard."""

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
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"], proxy=NOWHERE)
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

    def asked(self, to: Request | WebSocket) -> None:
        """Keep what goes to other machines."""
        address = urlsplit(to.url)
        if address.scheme in ("http", "https", "ws", "wss") and address.hostname != "localhost":
            self.foreign.append(to.url)

    def note(self, message: ConsoleMessage) -> None:
        """Keep errors on the console."""
        where = message.location.get("url", "")
        if message.type == "error" and not _PROBED.search(urlsplit(where).path):
            self.errors.append(f"{message.text} ({where})")

    def watch(self, context: BrowserContext) -> None:
        """Watch all pages of a context."""
        context.set_default_timeout(WAIT_MS)
        context.on("request", self.asked)
        context.on("page", lambda page: page.on("websocket", self.asked))
        context.on("console", self.note)
        context.on("weberror", lambda error: self.errors.append(str(error.error)))


VIEWPORT = ViewportSize(width=1280, height=900)


class Tabs:
    """Pages of one browser: a page that a test is done with is the next one's of the same kind of context.

    To start a page costs as much as to load one, and scripts that it has compiled need not be compiled again.
    """

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._contexts: dict[str, BrowserContext] = {}
        self._idle: dict[str, list[Page]] = {}
        self.seen = Watched()

    @contextmanager
    def shared(self, options: dict[str, Any]) -> Iterator[Page]:
        """A page of the context with these options, in the size that they ask for."""
        name = repr(sorted(options.items()))
        if name not in self._contexts:
            self._contexts[name] = self._context(options)
        idle = self._idle.setdefault(name, [])
        page = idle.pop() if idle else self._contexts[name].new_page()
        page.set_viewport_size(options.get("viewport", VIEWPORT))
        yield page
        idle.append(page)

    @contextmanager
    def own(self, options: dict[str, Any]) -> Iterator[Page]:
        """A page of a context of its own, as another reader has it."""
        context = self._context(options)
        yield context.new_page()
        context.close()

    def _context(self, options: dict[str, Any]) -> BrowserContext:
        context = self._browser.new_context(**{"viewport": VIEWPORT, **options})
        self.seen.watch(context)
        return context


@pytest.fixture(scope="session")
def tabs(browser: Browser) -> Tabs:
    """The pages of this process."""
    return Tabs(browser)


@pytest.fixture
def watched(tabs: Tabs) -> Iterator[Watched]:
    """What the pages of a test did that they should not have done; it has to be nothing."""
    seen = tabs.seen
    seen.foreign.clear()
    seen.errors.clear()
    yield seen
    assert seen.foreign == []
    assert seen.errors == []


@pytest.fixture
def visit(tabs: Tabs, server: str, watched: Watched) -> Iterator[Callable[..., Page]]:
    """``visit("variance?rows=By+result")`` opens a page and waits until it stands.

    Options are those of a browser context, such as ``color_scheme`` and ``viewport``; ``at`` is another
    server's address; ``fresh`` asks for a context that no other page has, like another reader's.
    """
    with ExitStack() as held:

        def opened(path: str = "", *, at: str = server, fresh: bool = False, **options: Any) -> Page:
            page = held.enter_context(tabs.own(options) if fresh else tabs.shared(options))
            open_page(page, f"{at}/{path}")
            return page

        yield opened


@pytest.fixture(scope="session")
def pictures(repository: Path) -> Path:
    """Where screenshots are left for people to look at."""
    folder = repository / "build" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
