"""A connection that brings what is no protocol is replaced, and its reader misses nothing."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator

import pytest

from pitbox import topology
from pitbox.nats.bus import Bus
from pitbox.nats.pull import Pull
from pitbox.settings import Nats
from tests.tools import echo
from tests.tools.hub import apply, chunk, connected, eventually, send
from tests.tools.servers import NatsServer, everything

PART_BYTES = 20_000
MESSAGES = 2000
REPLY_END = rb"\$JS\.ACK\.\S+()"
PAYLOAD_END = rb"()\r\nH?MSG "


class Line:
    """Carry connections to nats-server, and bring their client other bytes on request."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._garbage = b""
        self._place = re.compile(b"")
        self._clients = list[asyncio.StreamWriter]()
        self._carried = set[asyncio.Task[None]]()

    @contextlib.asynccontextmanager
    async def carrying(self) -> AsyncIterator[str]:
        server = await asyncio.start_server(self._carry, "127.0.0.1")
        try:
            yield f"nats://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            server.close()
            for client in self._clients:
                client.transport.abort()
            await asyncio.gather(*self._carried)

    def bring(self, garbage: bytes) -> None:
        self._clients[-1].write(garbage)

    def bring_within(self, garbage: bytes, place: bytes) -> None:
        """Bring it within what nats-server sends, at the place of the group of a pattern."""
        self._garbage, self._place = garbage, re.compile(place)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._carried.add(task)
        answers, beyond = await asyncio.open_connection("127.0.0.1", self._port)
        self._clients.append(writer)
        await asyncio.gather(self._pump(reader, beyond), self._pump(answers, writer))

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while part := await reader.read(PART_BYTES):
                if writer is self._clients[-1] and self._garbage:
                    part = self._soiled(part)
                writer.write(part)
                await writer.drain()
        writer.close()

    def _soiled(self, part: bytes) -> bytes:
        found = self._place.search(part, PART_BYTES // 2)
        if found is None:
            return part
        garbage, self._garbage = self._garbage, b""
        return part[: found.start(1)] + garbage + part[found.start(1) :]


@contextlib.asynccontextmanager
async def reading(server: NatsServer, line: Line) -> AsyncIterator[tuple[Bus, Pull]]:
    """Yield a reader of the whole stream that is connected over a line."""
    async with line.carrying() as url:
        nats = Nats(url=url, credentials=str(everything(server.url)))
        bus = await Bus.connect(nats, "echo", topology.load(echo.streams()), forever=False)
        reader = Pull(bus, "echo", "TELEMETRY")
        yield bus, reader
        await reader.close()
        await bus.close()


async def read(reader: Pull, messages: int) -> list[int]:
    found: list[int] = []

    async def enough() -> bool:
        found.extend(one.sequence for one in await reader.batch(messages - len(found), 0.2))
        return len(found) == messages

    await eventually(enough, f"{messages} messages")
    return found


@pytest.mark.parametrize(
    "garbage",
    [
        b"garbage\r\n",
        b"\r\n",
        b"MSG a b\r\n",
        b"MSG a 1 99999999999\r\n",
        b"-ERR\r\n",
        b"INFO {\r\n",
        b"\x00" * 70_000,
    ],
)
async def test_a_reader_connects_again_after_what_is_no_protocol(
    nats_server: NatsServer, garbage: bytes
) -> None:
    await apply(nats_server.url)
    line = Line(nats_server.port)
    async with connected(nats_server.url) as driver, reading(nats_server, line) as (bus, reader):
        await send(driver, [chunk(number) for number in range(5)])
        assert await read(reader, 5) == [1, 2, 3, 4, 5]
        line.bring(garbage)

        async def again() -> bool:
            return bus.connects == 2

        await eventually(again, "a second connection")
        await send(driver, [chunk(number) for number in range(5, 10)])
        assert await read(reader, 5) == [6, 7, 8, 9, 10]


@pytest.mark.parametrize("place", [REPLY_END, PAYLOAD_END])
async def test_a_reader_misses_nothing_when_garbage_comes_within_messages(
    nats_server: NatsServer, place: bytes
) -> None:
    await apply(nats_server.url)
    line = Line(nats_server.port)
    async with connected(nats_server.url) as driver, reading(nats_server, line) as (bus, reader):
        await send(driver, [chunk(number) for number in range(MESSAGES)])
        line.bring_within(b"garbage", place)
        assert await read(reader, MESSAGES) == list(range(1, MESSAGES + 1))
        assert bus.connects == 2
