"""Accept connections, each with a place among all before its TLS handshake begins.

`loop.create_server` shows a connection only after its handshake, so unfinished ones could not be
bounded.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable

from consumers.gateway import metrics
from consumers.gateway.access.authentication import site_of
from consumers.gateway.web.connections import Connections, Limits
from consumers.gateway.web.protocol import Entry

NO_FILE_S = 0.2
"""The pause after a connection that could not be accepted, for example without a free file."""


class Acceptor:
    """Accept the connections of one socket, and give each to a new protocol."""

    def __init__(
        self,
        make: Callable[[Entry], asyncio.Protocol],
        limits: Limits,
        *,
        context: ssl.SSLContext | None,
        by_address: bool,
    ) -> None:
        """Take the protocol's factory, the limits, and the TLS context (None: in clear)."""
        self._make = make
        self._limits = limits
        self._context = context
        self._connections: Connections[Entry] = Connections(limits, by_address=by_address)
        self._starting: set[asyncio.Task[None]] = set()

    async def run(self, listening: socket.socket, backlog: int) -> None:
        """Accept until cancelled; then end the connections whose handshake is not finished."""
        listening.setblocking(False)
        listening.listen(backlog)
        loop = asyncio.get_running_loop()
        try:
            while True:
                try:
                    accepted, address = await loop.sock_accept(listening)
                except OSError:
                    await asyncio.sleep(NO_FILE_S)
                    continue
                self._begin(accepted, site_of(address[0]))
        finally:
            for task in self._starting:
                task.cancel()

    def _begin(self, accepted: socket.socket, address: str) -> None:
        entry = Entry(self._connections, self._limits)
        task = asyncio.ensure_future(self._start(accepted, entry))
        entry.end = task.cancel
        self._starting.add(task)

        def started(task: asyncio.Task[None]) -> None:
            self._starting.discard(task)
            if task.cancelled() or task.exception():
                entry.closed()
                accepted.close()

        task.add_done_callback(started)
        surplus = self._connections.add(entry, address)
        if surplus is not None:
            metrics.ended.labels("too many").inc()
            surplus.end()

    async def _start(self, accepted: socket.socket, entry: Entry) -> None:
        """Begin to serve a connection; raises OSError when its handshake fails or is too slow."""
        with contextlib.suppress(OSError):
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.get_running_loop().connect_accepted_socket(
            lambda: self._make(entry),
            accepted,
            ssl=self._context,
            ssl_handshake_timeout=self._limits.request_s if self._context else None,
        )
