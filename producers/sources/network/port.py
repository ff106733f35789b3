"""A UDP socket that is read on a thread of its own.

The thread stamps a datagram on arrival, however busy the event loop is. On Windows, asyncio would
also stop reading for good once a peer refused a datagram (python/cpython issue 127057), and a game
that does not run yet refuses them.
"""

import asyncio
import contextlib
import errno
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from producers.source import SourceError
from producers.sources.inbox import Arrival, Inbox

RECEIVE_BUFFER_BYTES: Final = 4 * 1024 * 1024
MAX_DATAGRAM_BYTES: Final = 65535
WAKE_S: Final = 0.25

SO_RXQ_OVFL: Final = 40
"""Linux's option that adds the number of dropped datagrams to each one (socket(7))."""

DROPS_COUNTED: Final = sys.platform == "linux"
U32: Final = struct.Struct("=I")
DROPS_SPACE: Final = 64

Address = tuple[str, int]


class Port:
    """Put datagrams into an inbox as they arrive, only those of `sender` unless it is ""."""

    def __init__(
        self,
        bound: socket.socket,
        inbox: Inbox[Any],
        sender: str = "",
        on_datagram: Callable[[bytes], None] | None = None,
    ) -> None:
        self._socket = bound
        self._inbox = inbox
        self._sender = sender
        self._on_datagram = on_datagram
        self._dropped = 0
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="udp", daemon=True)
        self._thread.start()

    def send(self, datagram: bytes, address: Address) -> None:
        """Send a datagram; errors are ignored, for the game may not run yet."""
        with contextlib.suppress(OSError):
            self._socket.sendto(datagram, address)

    async def close(self) -> None:
        """Stop reading and free the port."""
        self._closing.set()
        self.send(b"", ("127.0.0.1", self._socket.getsockname()[1]))
        await asyncio.to_thread(self._thread.join)
        self._socket.close()

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                datagram, sender = self._receive()
            except TimeoutError:
                continue
            except OSError:
                # A game that does not run yet refused a datagram sent to it.
                self._closing.wait(0.001)
                continue
            captured_ns = time.time_ns()
            if datagram and self._sender in ("", sender[0]):
                self._inbox.put(Arrival(captured_ns, datagram, sender[0]))
                if self._on_datagram is not None:
                    self._on_datagram(datagram)

    def _receive(self) -> tuple[bytes, Address]:
        """Wait for a datagram; count those that the kernel dropped before it, on Linux."""
        if not DROPS_COUNTED:
            return self._socket.recvfrom(MAX_DATAGRAM_BYTES)
        datagram, ancillary, _, sender = self._socket.recvmsg(MAX_DATAGRAM_BYTES, DROPS_SPACE)
        for level, kind, value in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, SO_RXQ_OVFL) and len(value) >= U32.size:
                (dropped,) = U32.unpack_from(value)
                fresh = (dropped - self._dropped) & 0xFFFFFFFF
                self._dropped = dropped
                if fresh:
                    self._inbox.lose(fresh)
        return datagram, sender


def bind(host: str, port: int, receive_bytes: int = RECEIVE_BUFFER_BYTES) -> socket.socket:
    """Return a socket bound to an address; raises SourceError naming the port."""
    bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        with contextlib.suppress(OSError):
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        if DROPS_COUNTED:
            bound.setsockopt(socket.SOL_SOCKET, SO_RXQ_OVFL, 1)
        bound.settimeout(WAKE_S)
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise SourceError(_why(error, host, port)) from None
    return bound


def _why(error: OSError, host: str, port: int) -> str:
    in_use = (errno.EADDRINUSE, getattr(errno, "WSAEADDRINUSE", errno.EADDRINUSE))
    if error.errno in in_use:
        return (
            f"UDP port {port} is in use: close the other telemetry program, or let it forward to "
            f"another port and listen there"
        )
    return f"cannot listen on {host}:{port}: {error.strerror}"
