"""Send answers in pieces that the client has to read, and count what waits as its memory."""

from typing import Any, Final

import msgspec
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from consumers.gateway import metrics
from consumers.gateway.access.authentication import site_of
from consumers.gateway.access.memory import Hold, Memory
from schemas.api import Problem

PIECE_BYTES: Final = 65_536
RETRY_S: Final = 5
FULL: Final = "answers to you wait to be read, or the gateway has no memory left: read them, retry"
STATE: Final = "state"
HOLD: Final = "hold"
END: Final = "end"


def hold_of(scope: Any) -> Hold:
    """Return the hold of a request or WebSocket."""
    found: Hold = scope[STATE][HOLD]
    return found


class Sending:
    """Wrap an ASGI application; each request has a hold in its state until it ends."""

    def __init__(self, app: ASGIApp, memory: Memory) -> None:
        self._app = app
        self._memory = memory

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and send its answer in pieces, or 503 when there is no memory."""
        state: Any = scope.setdefault(STATE, {})
        client = scope.get("client")
        address = site_of(client[0]) if client else ""
        hold = state[HOLD] = Hold(self._memory, address, state.pop(END, _nothing))
        is_http = scope["type"] == ScopeType.HTTP
        try:
            await self._app(scope, receive, Answer(state, hold, send) if is_http else send)
        finally:
            hold.release()


class Answer:
    """Send one answer: the callable that the application gets for sending."""

    def __init__(self, state: Any, hold: Hold, send: Send) -> None:
        self._state = state
        self._hold = hold
        self._send = send
        self._start: Message | None = None
        self._refused = False

    async def __call__(self, message: Message) -> None:
        """Send a message of ASGI."""
        if self._refused:
            return
        if message["type"] == "http.response.start":
            self._start = message
        elif message["type"] == "http.response.body":
            await self._body(message["body"], more=message["more_body"])
        else:
            await self._send(message)

    async def _body(self, body: bytes, *, more: bool) -> None:
        held, large = self._hold.bytes, len(body) > PIECE_BYTES
        if large and "visitor" in self._state:
            self._hold.own(self._state["visitor"].person.account)
        if large and not self._hold.resize(held + len(body)):
            self._refused = True
            await self._refuse()
            return
        await self._begin()
        for begin in range(0, max(len(body), 1), PIECE_BYTES):
            rest = more or begin + PIECE_BYTES < len(body)
            await self._piece(body[begin : begin + PIECE_BYTES], more=rest)
        if large:
            self._hold.resize(held)

    async def _begin(self) -> None:
        if self._start is not None:
            await self._send(self._start)
            self._start = None

    async def _refuse(self) -> None:
        """Answer 503; an answer that has begun can only be cut off."""
        metrics.refused.inc()
        if self._start is None:
            self._hold.end()
            return
        body = msgspec.json.encode(Problem(status=503, detail=FULL))
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(body)),
            (b"retry-after", b"%d" % RETRY_S),
        ]
        await self._send({"type": "http.response.start", "status": 503, "headers": headers})
        await self._piece(body, more=False)

    async def _piece(self, piece: bytes, *, more: bool) -> None:
        await self._send({"type": "http.response.body", "body": piece, "more_body": more})


def _nothing() -> None:
    """Do nothing: the server gave no way to end the connection."""
