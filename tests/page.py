"""A page of the pit wall as tests play it: what it says to a gateway, and what it hears."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar

import msgspec
import websockets
from websockets.asyncio.client import ClientConnection

from schemas.wall import FromPage, Ping, Pong, Subscribe, ToPage

WAIT_S: Final = 10.0
LIVE: Final = "/api/v1/live"

Heard = TypeVar("Heard")


class Page:
    """Speak with a gateway over one WebSocket."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self._decode = msgspec.msgpack.Decoder(ToPage).decode

    async def say(self, message: FromPage) -> None:
        """Send a message."""
        await self.connection.send(msgspec.msgpack.encode(message))

    async def watch(self, session: str, *channels: str, drivers: tuple[str, ...] = ()) -> None:
        """Choose what to see, and wait until the gateway knows."""
        await self.say(Subscribe(session=session, drivers=drivers, channels=channels))
        await self.say(Ping(token=float(len(channels))))
        await self.hear(Pong)

    async def hear(
        self, kind: type[Heard], such: Callable[[Heard], bool] = lambda heard: True
    ) -> Heard:
        """Return the next message of a kind, `such` that it fits; others are passed over."""
        async with asyncio.timeout(WAIT_S):
            while True:
                heard: Any = self._decode(await self.connection.recv(decode=False))
                if isinstance(heard, kind) and such(heard):
                    return heard


@asynccontextmanager
async def opened(port: int, name: str = "127.0.0.1", **options: Any) -> AsyncIterator[Page]:
    """Open a page of the gateway at a port, which is called by `name`."""
    address = f"ws://{name}:{port}{LIVE}"
    if "sock" not in options:
        options["host"] = "127.0.0.1"
    async with websockets.connect(address, compression=None, **options) as connection:
        yield Page(connection)


def narrow_socket(port: int) -> socket.socket:
    """Return a connection whose system holds next to nothing for a page that does not read."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect(("127.0.0.1", port))
    connection.setblocking(False)
    return connection
