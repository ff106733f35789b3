"""A page of the pit wall as tests play it: what it says to a gateway, and what it hears."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar

import httpx
import msgspec
import websockets
from websockets.asyncio.client import ClientConnection

from consumers.gateway.service import service
from pitbox import settings
from schemas.wall import FromPage, Ping, Pong, Subscribe, ToPage
from tests import hub
from tests.servers import free_port

WAIT_S: Final = 10.0
API: Final = "/api/v1"

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
    address = f"ws://{name}:{port}{API}/live"
    if "sock" not in options:
        options["host"] = "127.0.0.1"
    async with websockets.connect(address, compression=None, **options) as connection:
        yield Page(connection)


@asynccontextmanager
async def gateway_of(nats_url: str, database: str) -> AsyncIterator[int]:
    """Run a gateway in this loop and lend its port, once it has its peers."""
    port = free_port()
    reaches = hub.settings_of(nats_url, database)
    served = msgspec.structs.replace(reaches, gateway=settings.Gateway(port=port))
    async with hub.serving(service(served)):
        await until_ready(port)
        yield port


async def until_ready(port: int) -> None:
    """Wait until a gateway says that it is ready."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}{API}") as rest:

        async def ready() -> bool:
            try:
                return (await rest.get("/ready")).status_code == 200
            except httpx.TransportError:
                return False

        await hub.eventually(ready, "the gateway is ready")


def narrow_socket(port: int) -> socket.socket:
    """Return a connection whose system holds next to nothing for a page that does not read."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect(("127.0.0.1", port))
    connection.setblocking(False)
    return connection
