"""What every request passes: whose name it used for us, where its page came from, and the headers.

There are no accounts yet, so only loopback names are served: a foreign page that points its own
name at 127.0.0.1 is refused, and so is a foreign page that opens our WebSocket.
"""

import re
from ipaddress import ip_address
from typing import Final

from litestar.datastructures import Headers, MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

HOST: Final = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9.-]+))(?::\d+)?")
POLICY: Final = (
    "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
# The API page's own bundle writes style elements.
LOOSE_POLICY: Final = f"{POLICY}; style-src 'self' 'unsafe-inline'"
LOOSE_PATHS: Final = "/openapi"
# Their names change with their content.
HASHED_PATHS: Final = "/assets/"
FOR_EVER: Final = "public, max-age=31536000, immutable"
HEADERS: Final = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
}


class Guard:
    """Stand in front of an application: check Host and Origin, add security headers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through or refuse it."""
        headers = Headers.from_scope(scope)
        host = headers.get("host", "")
        if not is_loopback(name_of(host)):
            await _refuse(scope, send, 400, "Host: only names of this machine are served")
        elif scope["type"] == ScopeType.WEBSOCKET and not same_origin(headers.get("origin"), host):
            await _refuse(scope, send, 403, "Origin: only our own page may connect")
        elif scope["type"] == ScopeType.WEBSOCKET:
            await self._app(scope, receive, send)
        else:
            await self._app(scope, receive, _with_headers(scope["path"], send))


def name_of(host: str) -> str:
    """Return a Host header without its port and brackets, "" when it is none."""
    match = HOST.fullmatch(host)
    return (match[1] or match[2]) if match else ""


def is_loopback(name: str) -> bool:
    """Tell whether a name or address stands for this machine alone."""
    try:
        return name == "localhost" or ip_address(name).is_loopback
    except ValueError:
        return False


def same_origin(origin: str | None, host: str) -> bool:
    """Tell whether a page of `origin` is served by `host`; what is no browser names no origin."""
    return origin is None or origin.partition("://")[2] == host


def _with_headers(path: str, send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableScopeHeaders.from_message(message)
            for name, value in HEADERS.items():
                headers[name] = value
            loose = path.startswith(LOOSE_PATHS)
            headers["content-security-policy"] = LOOSE_POLICY if loose else POLICY
            hashed = path.startswith(HASHED_PATHS) and message["status"] == 200
            headers["cache-control"] = FOR_EVER if hashed else "no-cache"
        await send(message)

    return sending


async def _refuse(scope: Scope, send: Send, status: int, reason: str) -> None:
    if scope["type"] == ScopeType.WEBSOCKET:
        await send({"type": "websocket.close", "code": 1008, "reason": reason})
        return
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": reason.encode(), "more_body": False})
