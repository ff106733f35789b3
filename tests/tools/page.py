"""A test client of the gateway's WebSocket, which sends and receives as the page does."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import httpx
import msgspec
import websockets
from msgspec import Struct
from websockets.asyncio.client import ClientConnection

from consumers.gateway.service import service
from pitbox import settings
from pitbox.service.lifetime import Service
from schemas.wall import FromPage, Ping, Pong, Subscribe, ToPage
from tests.tools import hub, people
from tests.tools.servers import free_port

WAIT_S: Final = 30.0
API: Final = "/api/v1"

Received = TypeVar("Received")


class Page:
    """Exchange messages with a gateway over one WebSocket."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self._decode = msgspec.msgpack.Decoder(ToPage).decode

    async def send(self, message: FromPage) -> None:
        """Send a message."""
        await self.connection.send(msgspec.msgpack.encode(message))

    async def watch(self, session: str, *channels: str, drivers: tuple[str, ...] = ()) -> None:
        """Subscribe, and wait until the gateway has processed the subscription."""
        await self.send(Subscribe(session=session, drivers=drivers, channels=channels))
        await self.send(Ping(token=float(len(channels))))
        await self.receive(Pong)

    async def receive(
        self, kind: type[Received], such: Callable[[Received], bool] = lambda received: True
    ) -> Received:
        """Return the next message of a kind for which `such` holds; others are skipped."""
        async with asyncio.timeout(WAIT_S):
            while True:
                received: Any = self._decode(await self.connection.recv(decode=False))
                if isinstance(received, kind) and such(received):
                    return received


class Served(Struct, frozen=True):
    """A running gateway: its port, its database and the person who is logged in."""

    port: int
    database: str
    person: people.Person

    @property
    def address(self) -> str:
        """Return its base URL."""
        return f"http://127.0.0.1:{self.port}"

    def rest(self, person: people.Person | None = None) -> httpx.AsyncClient:
        """Return a REST client for the person who is logged in, or for another one."""
        headers = (person or self.person).headers
        return httpx.AsyncClient(base_url=f"{self.address}{API}", headers=headers, timeout=20)


async def ticket_of(served: Served, person: people.Person | None = None) -> str:
    """Return a ticket for the WebSocket."""
    async with served.rest(person) as rest:
        answer = await rest.post("/ws-ticket")
    assert answer.status_code == 200, answer.text
    return str(answer.json()["ticket"])


@asynccontextmanager
async def opened(
    served: Served,
    name: str = "127.0.0.1",
    person: people.Person | None = None,
    **options: Any,
) -> AsyncIterator[Page]:
    """Open a WebSocket of the gateway, addressed by `name`."""
    ticket = await ticket_of(served, person)
    address = f"ws://{name}:{served.port}{API}/live?ticket={ticket}"
    if "sock" not in options:
        options["host"] = "127.0.0.1"
    async with websockets.connect(address, compression=None, **options) as connection:
        yield Page(connection)


@asynccontextmanager
async def gateway_of(
    nats_url: str,
    database: str,
    keys: Path,
    /,
    build: Callable[[settings.Settings], Service] = service,
    **changes: Any,
) -> AsyncIterator[Served]:
    """Run a gateway in this loop; yield it once it reaches its peers and has an owner."""
    port = free_port()
    reaches = hub.settings_of(nats_url, database)
    gateway = settings.Gateway(port=port, keys=str(keys / "gateway-keys"), **changes)
    async with hub.serving(build(msgspec.structs.replace(reaches, gateway=gateway))):
        await until_ready(port)
        yield await serves(port, database)


async def serves(port: int, database: str) -> Served:
    """Log an owner in at a running gateway and return it."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as rest:
        return Served(port, database, await people.signed_in(rest, database))


async def until_ready(port: int) -> None:
    """Wait until a gateway reports that it is ready."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}{API}") as rest:

        async def ready() -> bool:
            try:
                r = await rest.get("/ready")
                return r.status_code == 200
            except httpx.TransportError:
                return False

        await hub.eventually(ready, "the gateway is ready")


def narrow_socket(port: int) -> socket.socket:
    """Return a socket with a small receive buffer, for a page that does not read."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect(("127.0.0.1", port))
    connection.setblocking(False)
    return connection
