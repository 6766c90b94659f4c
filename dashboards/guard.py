"""What every answer of the server says to the browser: talk to nobody else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

ANY_HOST = "*"


def headers(hosts: Sequence[str]) -> tuple[tuple[bytes, bytes], ...]:
    """The headers of every answer to a page of one of these hosts.

    The content security policy is the wall behind all other care: whatever a name in a log managed to
    become, it could fetch nothing.
    """
    sockets = "ws: wss:" if ANY_HOST in hosts else " ".join(f"ws://{host}:*" for host in hosts)
    policy = (
        "default-src 'self'",
        # The charts' expressions are compiled in the browser.
        "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "worker-src 'self' blob:",
        f"connect-src 'self' {sockets} data: blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'self'",
    )
    return (
        (b"content-security-policy", "; ".join(policy).encode()),
        (b"referrer-policy", b"no-referrer"),
        (b"x-content-type-options", b"nosniff"),
    )


_REFUSED = b"This server answers to localhost only.\n"


class Guarded:
    """ASGI middleware: refuses requests that name another host, and adds :func:`headers` to answers."""

    def __init__(self, app: Any, hosts: Sequence[str]) -> None:
        self._app = app
        self._hosts = frozenset(hosts)
        self._headers = headers(hosts)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif ANY_HOST in self._hosts or _host_of(scope) in self._hosts:
            await self._app(scope, receive, self._with_headers(send))
        else:
            await send({"type": "http.response.start", "status": 421, "headers": []})
            await send({"type": "http.response.body", "body": _REFUSED})

    def _with_headers(self, send: Send) -> Send:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *self._headers]
            await send(message)

        return sending


def _host_of(scope: Message) -> str:
    named = next((value for name, value in scope["headers"] if name == b"host"), b"")
    return str(named.decode("latin-1")).rsplit(":", 1)[0].lower()
