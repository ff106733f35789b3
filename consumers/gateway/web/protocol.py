"""Speak HTTP and WebSocket on one connection, within limits that uvicorn does not have."""

import asyncio
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any, Final

import h11
from uvicorn.protocols.http.h11_impl import STATUS_PHRASES, H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.protocol import State

from consumers.gateway import metrics
from consumers.gateway.web.connections import Connections, Limits
from consumers.gateway.web.sending import END

MAX_TARGET_BYTES: Final = 12_288
MAX_HEAD_BYTES: Final = 16_384
WRITE_BUFFER_BYTES: Final = 65_536
FRAMED: Final = 2
"""How many pieces are held: clients of one selection receive the same messages, in a row."""

FINAL_BINARY: Final = 0x82

PAGE: Final = "page"
TOO_LONG: Final = 414, "the address is too long"
TOO_LARGE: Final = 431, "the headers are too large"
AMBIGUOUS: Final = 400, "Content-Length and Transfer-Encoding: send one of them"
MALFORMED: Final = "this is no valid HTTP request"


class Entry:
    """Hold one connection's place among all, and end it when its client makes no progress."""

    def __init__(self, connections: "Connections[Entry]", limits: Limits) -> None:
        self.end: Callable[[], object] = lambda: None
        self.limits = limits
        self._connections = connections
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def waits_for_request(self) -> None:
        """Give the client time to send a whole request."""
        self._connections.wait(self)
        self._start("request", self.limits.request_s)

    def has_request(self) -> None:
        """Note that the request is whole."""
        self._connections.answer(self)
        self._cancel("request")

    def waits_for_reader(self) -> None:
        """Give the client time to read what waits for it."""
        self._start("read", self.limits.read_s)

    def has_reader(self) -> None:
        """Note that the client has read most of what waited."""
        self._cancel("read")

    def closed(self) -> None:
        """Give the place back."""
        self._connections.remove(self)
        for what in list(self._timers):
            self._cancel(what)

    def _start(self, what: str, limit_s: float) -> None:
        if what not in self._timers:
            loop = asyncio.get_running_loop()
            self._timers[what] = loop.call_later(limit_s, self._expired, what)

    def _cancel(self, what: str) -> None:
        if timer := self._timers.pop(what, None):
            timer.cancel()

    def _expired(self, what: str) -> None:
        del self._timers[what]
        metrics.ended.labels(f"slow {what}").inc()
        self.end()


class Framing(h11.Connection):
    """Refuse requests that h11 accepts: too large ones, and those of ambiguous length.

    A proxy may read the length of such a request in the other way and pass a hidden second request
    on (RFC 9112, section 6.1).
    """

    def __init__(self) -> None:
        super().__init__(h11.SERVER, MAX_HEAD_BYTES)
        self.refusal: tuple[int, str] | None = None

    def next_event(self) -> Any:
        """Return the next event; raises RemoteProtocolError and sets `refusal`."""
        try:
            event = super().next_event()
        except h11.RemoteProtocolError as error:
            self.refusal = self._reason(error.error_status_hint)
            raise
        if isinstance(event, h11.Request):
            self.refusal = _refusal(event)
            if self.refusal:
                raise h11.RemoteProtocolError(self.refusal[1], self.refusal[0])
        return event

    def _reason(self, status: int) -> tuple[int, str]:
        if status != TOO_LARGE[0]:
            return status, MALFORMED
        received, _ = self.trailing_data
        return TOO_LARGE if b"\n" in received[:MAX_HEAD_BYTES] else TOO_LONG


def _refusal(request: h11.Request) -> tuple[int, str] | None:
    if len(request.target) > MAX_TARGET_BYTES:
        return TOO_LONG
    if sum(len(name) + len(value) for name, value in request.headers) > MAX_HEAD_BYTES:
        return TOO_LARGE
    names = {name for name, _ in request.headers}
    coded = b"transfer-encoding" in names
    old = request.http_version < b"1.1"
    return AMBIGUOUS if coded and (old or b"content-length" in names) else None


class Placed(asyncio.Protocol):
    """Limit the time for which a client reads nothing, and give its place back at the end."""

    _entry: Entry

    def connection_lost(self, exc: Exception | None) -> None:
        """Give the connection's place back."""
        super().connection_lost(exc)
        self._entry.closed()

    def pause_writing(self) -> None:
        """Start the reader's time limit."""
        super().pause_writing()
        self._entry.waits_for_reader()

    def resume_writing(self) -> None:
        """End the reader's time limit."""
        super().resume_writing()
        self._entry.has_reader()


class RequestProtocol(Placed, H11Protocol):
    """Close connections that send no whole request in time, or do not read their answers.

    uvicorn waits for both without a limit.
    """

    def __init__(self, entry: Entry, **options: Any) -> None:
        """Take the connection's place beside what uvicorn gives each connection."""
        super().__init__(**options)
        self._entry = entry
        self.conn = Framing()
        self.ws_protocol_class = partial(PageProtocol, entry)  # type: ignore[assignment]

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the request's time limit."""
        transport.set_write_buffer_limits(WRITE_BUFFER_BYTES)
        self._entry.end = self.app_state[END] = transport.abort
        super().connection_made(transport)
        self._update()

    def data_received(self, data: bytes) -> None:
        """Process a part of a request, and end its time limit when the request is whole."""
        super().data_received(data)
        self._update()

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        super().on_response_complete()
        self._update()

    def send_400_response(self, msg: str) -> None:
        """Answer a refused request with its status, and close the connection."""
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.abort()
            return
        status, reason = getattr(self.conn, "refusal", None) or (400, MALFORMED)
        headers = [("content-type", "text/plain; charset=utf-8"), ("connection", "close")]
        events = (
            h11.Response(status_code=status, headers=headers, reason=STATUS_PHRASES[status]),
            h11.Data(data=reason.encode()),
            h11.EndOfMessage(),
        )
        self.transport.write(b"".join(self.conn.send(event) or b"" for event in events))
        self.transport.close()

    def _update(self) -> None:
        """Note whether the request is whole.

        uvicorn removes an upgraded WebSocket from its connections; such a request is complete.
        """
        upgraded = self not in self.connections
        if upgraded or self.conn.their_state not in (h11.IDLE, h11.SEND_BODY):
            self._entry.has_request()
        else:
            self._entry.waits_for_request()


class PageProtocol(Placed, WebSocketsSansIOProtocol):
    """Close WebSockets whose client does not read, and write several messages at once.

    uvicorn frames each message anew for each client, needs a task of the client to send it, and
    writes each of them alone.
    """

    def __init__(self, entry: Entry, **options: Any) -> None:
        """Take over the place of the connection that was upgraded."""
        super().__init__(**options)
        self._entry = entry
        self.on_room: Callable[[], object] = _nothing
        # A dictionary of its own: that of uvicorn is shared by all connections.
        self.app_state = {**self.app_state, PAGE: self}

    def has_room(self) -> bool:
        """Return whether the client is open and has read most of what was written."""
        return (
            self.writable.is_set()
            and self.conn.state is State.OPEN
            and not self.transport.is_closing()
        )

    def write(self, *messages: bytes) -> None:
        """Write binary messages to a client that has room."""
        self.transport.write(framed(*messages))

    def resume_writing(self) -> None:
        """End the reader's time limit, and have what waits written."""
        super().resume_writing()
        # Not within a write: the transport may end its pause there.
        self.loop.call_soon(self._report_room)

    def _report_room(self) -> None:
        self.on_room()


@lru_cache(maxsize=FRAMED)
def framed(*messages: bytes) -> bytes:
    """Return binary messages as frames of a server (RFC 6455, section 5.2)."""
    return b"".join([part for message in messages for part in (_head(len(message)), message)])


def _head(size: int) -> bytes:
    if size < 126:
        return bytes((FINAL_BINARY, size))
    if size < 1 << 16:
        return bytes((FINAL_BINARY, 126)) + size.to_bytes(2)
    return bytes((FINAL_BINARY, 127)) + size.to_bytes(8)


def _nothing() -> None:
    """Do nothing: no client waits for room."""
