"""Parts of uvicorn and websockets that they do not document, and `PageProtocol` relies on."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from importlib.metadata import version
from typing import Any, Final

import pytest
import websockets
from uvicorn.config import Config
from uvicorn.server import ServerState
from websockets.asyncio.client import ClientConnection
from websockets.frames import Frame, Opcode

from consumers.gateway.web.connections import Limits
from consumers.gateway.web.listener import Tls, listen, web_server
from consumers.gateway.web.protocol import PAGE, PageProtocol, framed

READ: Final = {"uvicorn": "0.54.0", "websockets": "17.4"}
"""The versions whose sources were read. Before another one is entered here, its WebSocket protocol
is read: who sends on the transport, what ends a connection, when writing pauses."""

WAIT_S: Final = 20.0
NO_TLS: Final = Tls(None, (), frozenset())


@pytest.mark.parametrize("library", READ)
def test_the_library_is_the_one_whose_source_was_read(library: str) -> None:
    assert version(library) == READ[library]


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 70_000])
def test_frames_are_those_of_the_library(size: int) -> None:
    messages = bytes(size), b"another"
    frames = [Frame(Opcode.BINARY, message).serialize(mask=False) for message in messages]
    assert framed(messages[0]) == frames[0]
    assert framed(*messages) == b"".join(frames)


class Application:
    """Accept one WebSocket, and hold its protocol until told to end."""

    def __init__(self) -> None:
        self.ending = asyncio.Event()
        self.page: asyncio.Future[PageProtocol] = asyncio.get_running_loop().create_future()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve the WebSocket."""
        await receive()
        await send({"type": "websocket.accept"})
        self.page.set_result(scope["state"][PAGE])
        await self.ending.wait()
        await send({"type": "websocket.close", "code": 1000})


@contextlib.asynccontextmanager
async def serving(**options: Any) -> AsyncIterator[tuple[PageProtocol, ClientConnection]]:
    """Serve an application, and yield the protocol and the client of its WebSocket."""
    application = Application()
    server = web_server(application, NO_TLS, Limits())  # type: ignore[arg-type]
    listening = listen("127.0.0.1", 0)
    port = listening.getsockname()[1]
    task = asyncio.ensure_future(server.serve([listening]))
    listening.listen()
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(("127.0.0.1", port))
    client.setblocking(False)
    try:
        async with (
            asyncio.timeout(WAIT_S),
            websockets.connect(f"ws://127.0.0.1:{port}", sock=client, **options) as connection,
        ):
            yield await application.page, connection
    finally:
        application.ending.set()
        server.should_exit = True
        await asyncio.wait({task})
        listening.close()


async def test_the_state_of_all_connections_has_no_page() -> None:
    of_all: dict[str, Any] = {}
    config = Config(Application(), log_config=None)  # type: ignore[arg-type]
    page = PageProtocol(
        None,  # type: ignore[arg-type]
        config=config,
        server_state=ServerState(),
        app_state=of_all,
    )
    assert page.app_state[PAGE] is page
    assert of_all == {}


async def test_a_message_written_past_asgi_arrives_between_those_of_the_library() -> None:
    async with serving() as (page, client):
        await page.send({"type": "websocket.send", "bytes": b"first", "text": None})
        page.write(b"second")
        await page.send({"type": "websocket.send", "bytes": b"third", "text": None})
        assert [await client.recv() for _ in range(3)] == [b"first", b"second", b"third"]


async def test_nothing_is_compressed_also_for_a_client_that_offers_it() -> None:
    async with serving(compression="deflate") as (page, client):
        assert page.conn.extensions == client.protocol.extensions == []
        page.write(bytes(1000))
        assert await client.recv() == bytes(1000)


async def test_writing_pauses_for_a_client_that_does_not_read_and_goes_on_when_it_has_read() -> (
    None
):
    async with serving(max_queue=1) as (page, client):
        roomy = asyncio.Event()
        page.on_room = roomy.set
        written = 0
        while page.has_room():
            page.write(bytes(30_000))
            written += 1
            await asyncio.sleep(0)
        assert not roomy.is_set()
        assert page.transport.get_write_buffer_size() < 100_000
        for _ in range(written):
            assert await client.recv() == bytes(30_000)
        await roomy.wait()
        assert page.has_room()
        page.write(b"next")
        assert await client.recv() == b"next"


async def test_nothing_is_written_after_the_client_began_to_close() -> None:
    async with serving() as (page, client):
        await client.close()
        assert not page.has_room()


async def test_nothing_is_written_after_the_server_began_to_close() -> None:
    async with serving() as (page, client):
        await page.send({"type": "websocket.close", "code": 1000})
        assert not page.has_room()
        with pytest.raises(websockets.ConnectionClosedOK):
            await client.recv()


async def test_nothing_is_written_on_a_connection_that_is_cut() -> None:
    async with serving() as (page, client):
        page.transport.abort()
        assert not page.has_room()
        with pytest.raises(websockets.ConnectionClosedError):
            await client.recv()
        assert page.disconnected
        assert not page.has_room()
