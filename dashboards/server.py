"""Starting Streamlit: on this machine only, silent, and without its developer's tools."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

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
    from streamlit.web.cli import main

    port = _free_port(listening)
    settings.to_environment()
    print_lines([f"The dashboard is at http://{listening.address}:{port} – Ctrl-C ends it."])
    options = [f"--{name}={value}" for name, value in streamlit_options(listening, port).items()]
    main(["run", str(APP), *options], standalone_mode=False)


def streamlit_options(listening: Listening, port: int) -> dict[str, str]:
    """Streamlit's options; they are given in full, so that no configuration file of a folder counts."""
    hosts = ",".join(LOCAL) if listening.address in LOCAL else "*"
    return {
        "server.address": listening.address,
        "server.port": str(port),
        "server.headless": str(not listening.browser).lower(),
        "server.allowedHosts": hosts,
        "server.enableCORS": "true",
        "server.enableXsrfProtection": "true",
        "server.enableStaticServing": "false",
        "server.fileWatcherType": "none",
        "server.maxUploadSize": str(UPLOAD_MB),
        "server.showEmailPrompt": "false",
        "browser.gatherUsageStats": "false",
        "browser.serverAddress": "localhost" if listening.address in LOCAL else listening.address,
        "client.showErrorDetails": "none",
        "client.showErrorLinks": "false",
        "client.toolbarMode": "viewer",
        "runner.magicEnabled": "false",
        "logger.hideWelcomeMessage": "true",
        "logger.level": "warning",
        **theme_options(),
    }


def _free_port(listening: Listening) -> int:
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
