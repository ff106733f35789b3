"""Check the Host, the Origin and the rate of every request, and add security headers.

The Host check stops DNS rebinding: a foreign name that resolves to this server. The Origin check
stops foreign pages from opening the WebSocket or sending requests that change something.
"""

import re
import time
from typing import Final

from litestar.datastructures import Headers, MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from consumers.gateway.access.authentication import site_of
from pitbox.service.limits import Limit
from pitbox.settings.address import is_loopback

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
# Answers to one person must not be cached.
PRIVATE_PATHS: Final = "/api/"
TLS_SCHEMES: Final = frozenset({"https", "wss"})
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
REQUESTS_A_MINUTE: Final = 6000
ONLY_TLS: Final = "max-age=31536000"
HEADERS: Final = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
}


class Guard:
    """Wrap an ASGI application; `names` are the Host names it serves besides loopback."""

    def __init__(self, app: ASGIApp, names: frozenset[str] = frozenset()) -> None:
        self._app = app
        self._names = names
        self._limit = Limit(REQUESTS_A_MINUTE, 60)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or reject it with 400, 403 or 429 (a WebSocket: close code 1008)."""
        refusal = self._refusal(scope)
        if refusal:
            await _refuse(scope, _with_headers(scope, send), *refusal)
        elif scope["type"] == ScopeType.WEBSOCKET:
            await self._app(scope, receive, send)
        else:
            await self._app(scope, receive, _with_headers(scope, send))

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        headers = Headers.from_scope(scope)
        host = headers.get("host", "")
        name = name_of(host).lower()
        if not is_loopback(name) and name not in self._names:
            return 400, "Host: this name is not served: add it to PITBOX_GATEWAY__NAMES"
        reads = scope["type"] != ScopeType.WEBSOCKET and scope["method"] in SAFE
        if not reads and not same_origin(headers.get("origin"), host, scope["scheme"]):
            return 403, "Origin: only PitBox's own page may do this"
        client = scope.get("client")
        if client and self._limit.wait_s(site_of(client[0]), time.monotonic()):
            return 429, "too many requests: wait a minute"
        return None


def name_of(host: str) -> str:
    """Return a Host header without port and brackets, "" when it is malformed."""
    match = HOST.fullmatch(host)
    return (match[1] or match[2]) if match else ""


def same_origin(origin: str | None, host: str, scheme: str) -> bool:
    """Return whether `host` served the page of `origin`; clients other than browsers send none."""
    ours = "https" if scheme in TLS_SCHEMES else "http"
    return origin is None or origin == f"{ours}://{host}"


def _with_headers(scope: Scope, send: Send) -> Send:
    path = scope["path"]

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableScopeHeaders.from_message(message)
            for name, value in HEADERS.items():
                headers[name] = value
            loose = path.startswith(LOOSE_PATHS)
            headers["content-security-policy"] = LOOSE_POLICY if loose else POLICY
            hashed = path.startswith(HASHED_PATHS) and message["status"] == 200
            private = path.startswith(PRIVATE_PATHS)
            headers["cache-control"] = FOR_EVER if hashed else "no-store" if private else "no-cache"
            if scope["scheme"] in TLS_SCHEMES:
                headers["strict-transport-security"] = ONLY_TLS
        await send(message)

    return sending


async def _refuse(scope: Scope, send: Send, status: int, reason: str) -> None:
    if scope["type"] == ScopeType.WEBSOCKET:
        await send({"type": "websocket.close", "code": 1008, "reason": reason})
        return
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": reason.encode(), "more_body": False})
