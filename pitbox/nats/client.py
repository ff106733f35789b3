"""The NATS client of nats-py, hardened against malformed messages and against closing for good.

- nats-server accepts any bytes in a subject except blanks and line ends. nats-py stops reading at a
  subject that is not UTF-8 or has a vertical tab or form feed, and at malformed headers. One such
  stored message would end each of its readers, again after each restart. `Wire` reads them.
- nats-py closes for good when nats-server ends a connection with an error, such as expired
  credentials. Its subscriptions would be lost although renewed credentials may be there.
- nats-py waits by `asyncio.wait_for`. In Python 3.11 that loses a cancellation that races with the
  awaited result (https://github.com/python/cpython/issues/86296), so a task that publishes in a
  loop could not be cancelled. `asyncio.wait_for` is replaced there for the whole process.
"""

import asyncio
import ssl
import sys
import time
from collections.abc import Awaitable
from typing import Any, Final, TypeVar

import nats.aio.client
import nats.errors
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from pitbox.nats.wire import Reactions, Receive, Wire
from pitbox.tls.transport import transport

RECONNECT_WAIT_S: Final = 0.25
PING_INTERVAL_S: Final = 5.0
CONNECT_TIMEOUT_S: Final = 2
BUFFER_BYTES: Final = 32_768
DENIED: Final = "permissions violation"
QUOTE: Final = "'"
SENDER: Final = b"NATS/1.0\r\nNats-Request-Info:"

Awaited = TypeVar("Awaited")


async def _wait_for(awaitable: Awaitable[Awaited], timeout: float | None) -> Awaited:
    """Behave as `asyncio.wait_for` of Python 3.12."""
    async with asyncio.timeout(timeout):
        return await awaitable


if sys.version_info < (3, 12):
    asyncio.wait_for = _wait_for  # type: ignore[assignment]


class Client(nats.aio.client.Client):
    """Read messages with any subject and headers, and reconnect without limit."""

    _trust: ssl.SSLContext | None = None

    def __init__(self) -> None:
        """Prepare; `open` connects."""
        super().__init__()
        self._wire = Wire(
            Reactions(
                message=self._process_msg,
                error=self._process_err,
                ping=self._process_ping,
                pong=self._process_pong,
                information=self._process_info,
                failure=self._failed,
            )
        )
        self._ps = self._wire  # type: ignore[assignment]

    async def open(
        self,
        url: str,
        trust: ssl.SSLContext | None = None,
        *,
        ping_interval_s: float = PING_INTERVAL_S,
        **options: Any,
    ) -> None:
        """Connect, and reconnect after each loss; use TLS if `trust` is given.

        Messages published while disconnected are not buffered. A dead link is detected within three
        ping intervals.
        """
        self._trust = trust
        await self.connect(
            url,
            allow_reconnect=True,
            max_reconnect_attempts=-1,
            reconnect_time_wait=RECONNECT_WAIT_S,  # type: ignore[arg-type]
            connect_timeout=CONNECT_TIMEOUT_S,
            ping_interval=ping_interval_s,  # type: ignore[arg-type]
            max_outstanding_pings=2,
            pending_size=0,
            **options,
        )

    async def subscribe_directly(self, subject: str, receive: Receive) -> Subscription:
        """Subscribe, and pass each message to `receive` while it is read: no queue is between."""
        subscription = await self.subscribe(subject, cb=_ignore)
        self._wire.direct[b"%d" % subscription._id] = receive
        return subscription

    async def _failed(self, error: Exception) -> None:
        await self._error_cb(error)

    def _remove_sub(self, sid: int, max_msgs: int = 0) -> None:
        self._wire.direct.pop(b"%d" % sid, None)
        super()._remove_sub(sid, max_msgs)

    async def close(self) -> None:
        """Disconnect, if ever connected."""
        if self._flush_queue is not None:
            await super().close()

    async def _flush_pending(self, force_flush: bool = False) -> Any:
        """Raise OutboundBufferLimitError before the first connection, as while reconnecting."""
        if self._flush_queue is None:
            raise nats.errors.OutboundBufferLimitError
        return await super()._flush_pending(force_flush)

    async def _connect_to_server(self, server: Any) -> None:
        """Close a connection that nats-server rejected, before opening the next one."""
        if self._transport is not None:
            self._transport.close()  # type: ignore[no-untyped-call]
        server.last_attempt = time.monotonic()
        self._transport = transport(self._trust)
        await self._transport.connect(server.uri, BUFFER_BYTES, CONNECT_TIMEOUT_S)

    async def _process_info(self, info: dict[str, Any], initial_connection: bool = False) -> None:
        """Ignore other addresses that nats-server announces."""
        await super()._process_info({**info, "connect_urls": []}, initial_connection)

    async def _process_err(self, err_msg: str) -> None:
        """Reconnect after an error that ends the connection; report any other one."""
        if DENIED in err_msg.lower():
            await super()._process_err(err_msg)
            return
        error = nats.errors.Error(f"nats: {err_msg.strip(QUOTE)}")
        await self._error_cb(error)
        await self._process_op_err(error)

    def _build_message(
        self, sid: int, subject: bytes, reply: bytes, data: bytes, headers: dict[str, str] | None
    ) -> Any:
        try:
            return super()._build_message(sid, subject, reply, data, headers)
        except UnicodeDecodeError:
            return super()._build_message(sid, _legible(subject), _legible(reply), data, headers)

    async def _process_headers(self, headers: bytes | None) -> Any:
        if not headers or _names_sender_only(headers):
            return None
        try:
            return await super()._process_headers(headers)
        except (ValueError, IndexError):
            return None


async def _ignore(_: Msg) -> None:
    """Ignore a message that comes before its receiver is known: it was sent before that, too."""


def _names_sender_only(headers: bytes) -> bool:
    """Return whether the only header is the one that nats-server adds to messages of a driver.

    Nobody reads it, and to parse it takes a quarter of the time of receiving it.
    """
    return headers.startswith(SENDER) and headers.find(b"\r\n", len(SENDER)) == len(headers) - 4


def _legible(subject: bytes) -> bytes:
    return subject.decode(errors="backslashreplace").encode()
