"""A UDP socket that is read on a thread of its own.

A thread stamps a datagram when it arrives, however busy the event loop is; and on Windows, asyncio
stops reading for good once a peer refused a datagram (python/cpython issue 127057), which is what a
game does that does not run yet.
"""

import asyncio
import contextlib
import errno
import socket
import threading
import time
from collections.abc import Callable
from typing import Final

from producers.source import SourceError
from producers.sources.inbox import Arrival, Inbox

RECEIVE_BUFFER_BYTES: Final = 4 * 1024 * 1024
MAX_DATAGRAM_BYTES: Final = 65535
WAKE_S: Final = 0.25

Address = tuple[str, int]


class Port:
    """Put datagrams into an inbox as they arrive, from one sender only where one is expected."""

    def __init__(
        self,
        bound: socket.socket,
        inbox: Inbox,
        sender: str = "",
        heard: Callable[[bytes], None] | None = None,
    ) -> None:
        self._socket = bound
        self._inbox = inbox
        self._sender = sender
        self._heard = heard
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="udp", daemon=True)
        self._thread.start()

    def send(self, datagram: bytes, address: Address) -> None:
        """Send a datagram; that nobody may listen there is no mistake."""
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
                datagram, sender = self._socket.recvfrom(MAX_DATAGRAM_BYTES)
            except TimeoutError:
                continue
            except OSError:
                # A game that does not run yet refused what it was sent.
                self._closing.wait(0.001)
                continue
            captured_ns = time.time_ns()
            if datagram and self._sender in ("", sender[0]):
                self._inbox.put(Arrival(captured_ns, datagram))
                if self._heard is not None:
                    self._heard(datagram)


def bind(host: str, port: int) -> socket.socket:
    """Return a socket that listens; raises SourceError naming the port when it cannot."""
    bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        with contextlib.suppress(OSError):
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
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
            f"UDP port {port} is in use: close the other telemetry program, or have it send on "
            f"to another port and listen there"
        )
    return f"cannot listen on {host}:{port}: {error.strerror}"
