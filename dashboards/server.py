"""Starting Streamlit: on this machine only, silent, and without its developer's tools."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlperf_dashboards.guard import ANY_HOST, Guarded
from mlperf_dashboards.look import theme_options
from mlperf_dashboards.settings import UPLOAD_MB, Settings
from mlperf_stats.cli.console import print_lines
from mlperf_stats.errors import InputError

APP = Path(__file__).with_name("app.py")
FIRST_PORT = 8501
_PORTS_TRIED = 50
LOCAL = ("localhost", "127.0.0.1")


@dataclass(frozen=True, slots=True)
class Listening:
    """Where the server listens, and whether a browser is opened there."""

    address: str = "localhost"
    port: int | None = None
    """None for the first free one."""
    browser: bool = True


def serve(settings: Settings, listening: Listening) -> None:
    """Run the app until it is interrupted.

    Raises:
        InputError: the port is taken, or the address is not this machine's.
    """
    import streamlit as st
    from starlette.middleware import Middleware

    port = free_port(listening)
    settings.to_environment()
    print_lines([f"The dashboard is at http://{listening.address}:{port} – Ctrl-C ends it."])
    app = st.App(APP, middleware=[Middleware(Guarded, hosts=_hosts(listening.address))])
    app.run(config=streamlit_options(listening, port))


def streamlit_options(listening: Listening, port: int) -> dict[str, Any]:
    """Streamlit's options; they go before what its configuration files say."""
    return {
        "server.address": listening.address,
        "server.port": port,
        "server.headless": not listening.browser,
        "server.allowedHosts": list(_hosts(listening.address)),
        "server.enableCORS": True,
        "server.enableXsrfProtection": True,
        "server.enableStaticServing": False,
        "server.fileWatcherType": "none",
        "server.maxUploadSize": UPLOAD_MB,
        "server.showEmailPrompt": False,
        "browser.gatherUsageStats": False,
        "browser.serverAddress": listening.address,
        # The grid's own export does not make formulas harmless; the buttons below tables do.
        "client.disableDataExport": True,
        "client.showErrorDetails": "none",
        "client.showErrorLinks": False,
        "client.toolbarMode": "viewer",
        "runner.magicEnabled": False,
        "logger.hideWelcomeMessage": True,
        "logger.level": "warning",
        **theme_options(),
    }


def _hosts(address: str) -> tuple[str, ...]:
    """Names under which a browser may ask: a page of somebody else's cannot make its name mean us."""
    return LOCAL if address in LOCAL else (ANY_HOST,)


def free_port(listening: Listening) -> int:
    """The port that was asked for, or the first free one.

    Raises:
        InputError: there is none at that address.
    """
    last = OSError("no port")
    for port in _wanted_ports(listening.port):
        try:
            with socket.socket(_family(listening.address), socket.SOCK_STREAM) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((listening.address, port))
        except OSError as error:
            last = error
            continue
        return port
    wanted = listening.port or f"{FIRST_PORT} and the {_PORTS_TRIED - 1} after it"
    raise InputError(f"cannot listen at {listening.address}, port {wanted}: {last.strerror}; choose --port")


def _wanted_ports(port: int | None) -> Iterator[int]:
    yield from [port] if port else range(FIRST_PORT, FIRST_PORT + _PORTS_TRIED)


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET
