"""Visitors who do not read: their memory is bounded in sum, and the others get their answers."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Final

import httpx
import msgspec
import numpy as np
import psutil
import pytest
from msgspec import Struct

from consumers.gateway.access.memory import Memory
from consumers.gateway.service import service
from consumers.gateway.web.connections import Limits
from pitbox.chunks.frames import pack
from schemas.api import PackedTraces
from schemas.channels import CHANNELS
from schemas.wall import Dropped, Frames
from tests.tools import hub, long_drive, people
from tests.tools.long_drive import ANSWER_BYTES, CHUNKS, FRAMES, PATH, STEP_NS
from tests.tools.page import API, Served, gateway_of, narrow_socket, opened
from tests.tools.people import Person
from tests.tools.servers import NatsServer

READERS: Final = 60
WAIT_S: Final = 60.0


class Given(Struct, frozen=True):
    """What a test gives its gateway."""

    memory: Memory
    limits: Limits = Limits()


@pytest.fixture
def given(request: pytest.FixtureRequest) -> Given:
    """Return the test's memory and limits, by default those of a gateway."""
    made = getattr(request, "param", tuple)()
    return made if isinstance(made, Given) else Given(Memory())


@pytest.fixture
async def served(
    given: Given, nats_server: NatsServer, database: str, tmp_path: Path
) -> AsyncIterator[Served]:
    """Run a gateway over ten minutes of telemetry, of which an answer is 9 MB."""
    await hub.apply(nats_server.url)
    await long_drive.store(database)
    build = partial(service, memory=given.memory, limits=given.limits)
    async with gateway_of(nats_server.url, database, tmp_path, build) as running:
        yield running


class Reader:
    """Request the telemetry and read only its first bytes."""

    def __init__(self, served: Served, person: Person) -> None:
        self._connection = narrow_socket(served.port)
        token = f"authorization: Bearer {person.token}\r\n"
        head = f"GET {PATH} HTTP/1.1\r\nhost: localhost\r\n{token}\r\n"
        self._connection.sendall(head.encode())

    async def status(self) -> tuple[int, bytes]:
        """Return the status and the first bytes of the answer."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(WAIT_S):
            begin = await loop.sock_recv(self._connection, 500)
        return int(begin.split()[1]), begin.lower()

    async def ends(self) -> bool:
        """Read until the connection ends; return whether the answer was cut off."""
        loop = asyncio.get_running_loop()
        read = 0
        with contextlib.suppress(ConnectionError):
            async with asyncio.timeout(WAIT_S):
                while part := await loop.sock_recv(self._connection, 65_536):
                    read += len(part)
        return read < ANSWER_BYTES

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


@contextlib.asynccontextmanager
async def readers(served: Served, *people: Person) -> AsyncIterator[list[Reader]]:
    """Yield readers, one after the other for each of the people."""
    made = [Reader(served, person) for person in people]
    try:
        yield made
    finally:
        for one in made:
            one.close()


async def whole_answer(served: Served, person: Person | None = None) -> PackedTraces:
    """Return an answer that is read whole."""
    async with served.rest(person) as rest:
        answer = await rest.get(PATH.removeprefix(API), timeout=WAIT_S)
        assert answer.status_code == 200, answer.text
        return msgspec.msgpack.decode(answer.content, type=PackedTraces)


async def joined(served: Served, name: str) -> Person:
    async with httpx.AsyncClient(base_url=served.address) as rest:
        return await people.joined(rest, served.database, name, "guest")


async def test_slow_readers_of_one_account_take_no_more_than_its_memory(
    served: Served, given: Given
) -> None:
    slow = await joined(served, "eve")
    before = psutil.Process().memory_info().rss
    async with readers(served, *[slow] * READERS) as made:
        answers = [await one.status() for one in made]
        statuses = [status for status, _ in answers]
        assert set(statuses) == {200, 503}
        assert all(b"retry-after: " in begin for status, begin in answers if status == 503)
        assert given.memory.taken_bytes <= 64_000_000
        assert psutil.Process().memory_info().rss - before < 256_000_000
        found = await whole_answer(served)
        assert len(found.times) == FRAMES * CHUNKS * 8


@pytest.mark.parametrize("given", [lambda: Given(Memory(), Limits(read_s=0.5))], indirect=True)
async def test_a_reader_who_is_slow_is_cut_off_and_its_memory_is_free(
    served: Served, given: Given
) -> None:
    async with readers(served, await joined(served, "eve")) as [slow]:
        assert (await slow.status())[0] == 200

        async def free() -> bool:
            return given.memory.taken_bytes == 0

        await hub.eventually(free, "the memory is free")
        assert await slow.ends()


@pytest.mark.parametrize("given", [lambda: Given(Memory(in_total=66_000_000))], indirect=True)
async def test_at_the_limit_in_sum_the_greediest_reader_makes_room_for_another(
    served: Served, given: Given
) -> None:
    eve, bob = await joined(served, "eve"), await joined(served, "bob")
    async with contextlib.AsyncExitStack() as stack:
        slow = []
        for person in (eve, eve, eve, eve, bob):
            [one] = await stack.enter_async_context(readers(served, person))
            assert (await one.status())[0] == 200
            slow.append(one)
        assert given.memory.taken_bytes > 30_000_000
        assert len((await whole_answer(served)).times) == FRAMES * CHUNKS * 8
        assert [await one.ends() for one in slow].count(True) == 1


@pytest.mark.parametrize("given", [lambda: Given(Memory(of_visitor=2_000_000))], indirect=True)
async def test_pages_that_do_not_read_lose_frames_above_the_memory_of_their_account(
    served: Served, given: Given, nats_server: NatsServer
) -> None:
    person = await joined(served, "eve")
    frames, count = 500, 600
    row = np.arange(len(hub.CHANNELS), dtype="<f4").tobytes()
    block = pack([hub.START_NS + frame * STEP_NS for frame in range(frames)], [row] * frames)
    names = tuple(CHANNELS[channel].name for channel in hub.CHANNELS)
    options = {"max_queue": 1, "close_timeout": 0.1}
    async with contextlib.AsyncExitStack() as stack:
        slow = [
            await stack.enter_async_context(
                opened(served, person=person, **options, sock=narrow_socket(served.port))
            )
            for _ in range(3)
        ]
        quick = await stack.enter_async_context(opened(served))
        for page in (*slow, quick):
            await page.watch("live", *names)
        drive = await stack.enter_async_context(hub.connected(nats_server.url))
        most = 0
        for number in range(count):
            changes = {"first_frame": number * frames, "frames": frames, "block": block}
            await drive.publish("telemetry.live", hub.chunk(number, session="live", **changes))
            await quick.receive(Frames)
            most = max(most, given.memory.taken_bytes)
        assert 1_900_000 < most <= 2_000_000
        assert (await slow[0].receive(Dropped)).count > 0
