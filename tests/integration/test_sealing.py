"""Sealed chunks stay what they were to every reader, and are stored once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from msgspec.structs import replace

from consumers.persister.retaining import Retaining
from consumers.persister.sealing import Sealing
from consumers.persister.service import service as persister
from pitbox.nats.bus import Bus
from pitbox.postgres import telemetry
from pitbox.postgres.connection import Connection
from pitbox.settings import Retention
from pitbox.settings import Sealing as Limits
from schemas.telemetry import Chunk
from tests.integration.test_deletion import delete, finished
from tests.integration.test_persister import receipt_of
from tests.tools.drives import race
from tests.tools.hub import (
    START_NS,
    Database,
    apply,
    chunk,
    connected,
    eventually,
    mark,
    send,
    serving,
    settings_of,
)
from tests.tools.page import gateway_of
from tests.tools.processes import pitbox, running
from tests.tools.servers import NatsServer

MINUTE = Limits(after_s=60)
IDLE = "update run set updated = now() - interval '2 minutes'"
COUNTS = """
select (select count(*) from telemetry_chunk) as chunks,
    (select coalesce(sum(last_chunk - chunk + 1), 0) from telemetry_block) as sealed
"""
PLAIN = """
select chunk, ended_ns, lap_number, position, lap_distance, speed, world_x, fuel
from telemetry order by chunk
"""
LAP = "/sessions/test/drivers/ada/telemetry"
ALL_FOLDED = """
select bool_and(coalesce(chunks = have, false))
from run left join folded using (session, driver, run)
"""


@pytest.fixture
async def driver(nats_server: NatsServer) -> AsyncIterator[Bus]:
    """Yield the connection of a driver to a server with its streams."""
    await apply(nats_server.url)
    async with connected(nats_server.url) as bus:
        yield bus


@pytest.fixture
def stored(database: str) -> Database:
    return Database(database)


@asynccontextmanager
async def sealing(stored: Database) -> AsyncIterator[None]:
    """Seal what is complete and a minute old during the block."""
    connection = Connection(stored.url, "sealing")
    work = Sealing(connection, MINUTE, tick_s=0.1, share=0)
    stop = asyncio.Event()
    task = asyncio.create_task(work.run(stop))
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait_for(task, 10)
        connection.drop()


async def execute(stored: Database, *statements: str) -> None:
    connection = await asyncpg.connect(stored.url)
    for statement in statements:
        await connection.execute(statement)
    await connection.close()


async def counts(stored: Database) -> tuple[int, int]:
    """Return the numbers of chunks that are not sealed, and of those that are."""
    [row] = await stored.rows(COUNTS)
    return int(row["chunks"]), int(row["sealed"])


async def seal(stored: Database, chunks: int, sealed: int) -> None:
    """Seal idle runs until so many chunks are left, and so many are sealed."""
    await execute(stored, IDLE)
    async with sealing(stored):
        await sealed_are(stored, chunks, sealed)


async def sealed_are(stored: Database, chunks: int, sealed: int) -> None:
    async def reached() -> bool:
        return await counts(stored) == (chunks, sealed)

    await eventually(reached, f"{chunks} chunks and {sealed} sealed ones")


async def store(server: NatsServer, stored: Database, driver: Bus, sent: list[Chunk]) -> None:
    async with serving(persister(settings_of(server.url, stored.url))):
        await send(driver, sent)
        count = "select count(*) >= $1 from telemetry_chunk"
        await eventually(lambda: stored.value(count, len(sent)), "all chunks are stored")


async def read(stored: Database, last: int) -> list[Chunk]:
    connection = await asyncpg.connect(stored.url)
    found = await telemetry.chunks(connection, ("test", "ada"), 1, 0, last)
    await connection.close()
    return [replace(one, send=one.chunk) for one in found]


async def test_sealed_chunks_come_out_of_postgres_as_they_were_sent(
    nats_server: NatsServer, driver: Bus, stored: Database
) -> None:
    sent = [chunk(number, observed=b"\x90" * (number % 7 == 0)) for number in range(95)]
    await store(nats_server, stored, driver, sent)
    before = await stored.rows("select have, bytes, updated from run")
    plain = await stored.rows(PLAIN)
    await execute(stored, IDLE)
    await seal(stored, 0, 95)
    assert await read(stored, 94) == sent
    assert await read(stored, 47) == sent[:48]
    [run] = await stored.rows("select have, sealed, bytes from run")
    assert run["have"] == run["sealed"] == before[0]["have"]
    assert 0 < run["bytes"] < before[0]["bytes"]
    rows = await stored.rows("select chunk, last_chunk, frames from telemetry_block order by 1")
    assert [tuple(row) for row in rows] == [(0, 39, 120), (40, 79, 120), (80, 94, 45)]
    assert len(plain) == 95
    assert await stored.rows(PLAIN) == plain


async def test_the_newest_minute_of_a_drive_is_not_sealed(
    nats_server: NatsServer, driver: Bus, stored: Database
) -> None:
    await store(nats_server, stored, driver, [chunk(number) for number in range(1300)])
    async with sealing(stored):
        await sealed_are(stored, 1220, 80)
        assert await stored.value("select max(last_chunk) from telemetry_block") == 79


async def test_nothing_is_sealed_behind_a_hole_until_it_is_filled_or_declared_gone(
    nats_server: NatsServer, driver: Bus, stored: Database
) -> None:
    sent = [chunk(number) for number in range(200) if number not in (50, 120)]
    await store(nats_server, stored, driver, sent)
    await seal(stored, 148, 50)
    async with serving(persister(settings_of(nats_server.url, stored.url))):
        await send(driver, [chunk(50), mark(200, gone=((120, 120),))])
        gone = "select gone <> '{}' and have @> 50 from run"
        await eventually(lambda: stored.value(gone), "the holes are known")
    await seal(stored, 0, 199)
    assert await read(stored, 199) == sorted([*sent, chunk(50)], key=lambda one: one.chunk)
    blocks = await stored.rows("select chunk, last_chunk from telemetry_block")
    assert not [row for row in blocks if row["chunk"] <= 120 <= row["last_chunk"]]


async def test_a_chunk_that_is_sent_again_after_it_was_sealed_is_a_duplicate(
    nats_server: NatsServer, driver: Bus, stored: Database
) -> None:
    settings = settings_of(nats_server.url, stored.url)
    sent = [chunk(number) for number in range(40)]
    await store(nats_server, stored, driver, sent)
    await seal(stored, 0, 40)
    async with serving(persister(settings)):
        await send(driver, [*sent, chunk(40)])
        await sealed_are(stored, 1, 40)
        receipt = await receipt_of(nats_server)
    assert (receipt.through, receipt.missing) == (40, ())
    assert await stored.has(41)


async def test_a_persister_that_does_not_know_a_sealed_chunk_stores_it_no_second_time(
    nats_server: NatsServer, driver: Bus, stored: Database
) -> None:
    async with serving(persister(settings_of(nats_server.url, stored.url))):
        await send(driver, [chunk(0)])
        await sealed_are(stored, 1, 0)
        await execute(
            stored,
            "insert into telemetry_block (session, driver, run, chunk, last_chunk, first_frame, "
            "frames, captured_ns, ended_ns, channels, block, ends_us) select session, driver, run, "
            "1, 20, 3, 60, captured_ns, ended_ns, channels, block, '{}' "
            "from telemetry_chunk",
            "update run set have = '{[0,21)}', sealed = '{[1,21)}'",
        )
        await send(driver, [chunk(number) for number in range(25)])
        await sealed_are(stored, 5, 20)
    assert await stored.has(25)


async def test_a_chunk_that_is_damaged_in_postgres_stays_and_its_neighbours_are_sealed(
    nats_server: NatsServer, driver: Bus, stored: Database
) -> None:
    sent = [chunk(number) for number in range(60)]
    await store(nats_server, stored, driver, sent)
    await execute(stored, "update telemetry_chunk set block = block || '\\x00' where chunk = 30")
    await seal(stored, 1, 59)
    found = await read(stored, 59)
    assert [one.chunk for one in found] == [*range(60)]
    assert [one for one in found if one.chunk != 30] == [one for one in sent if one.chunk != 30]


async def test_timing_derives_the_same_laps_from_sealed_chunks(
    nats_server: NatsServer, driver: Bus, stored: Database
) -> None:
    chunks = race()
    with running("timing", nats_server, stored.url), running("persister", nats_server, stored.url):
        await send(driver, chunks)
        await eventually(lambda: stored.has(len(chunks), chunks[0].run), "all is stored")
        await eventually(lambda: stored.value(ALL_FOLDED), "all is folded")
        await seal(stored, 0, len(chunks))
        done = pitbox(nats_server, stored.url, "rebuild", "test")
        assert done.returncode == 0, done.stderr
        assert "nothing changed" in done.stdout


async def test_a_damaged_block_is_a_hole_for_timing_and_its_other_chunks_are_folded(
    nats_server: NatsServer, driver: Bus, stored: Database
) -> None:
    await store(nats_server, stored, driver, [chunk(number) for number in range(60)])
    await seal(stored, 0, 60)
    await execute(stored, "update telemetry_block set block = block || '\\x00' where chunk = 0")
    assert [one.chunk for one in await read(stored, 59)] == [*range(40, 60)]
    with running("timing", nats_server, stored.url):
        await eventually(lambda: stored.value(ALL_FOLDED), "all is folded or left out")


async def test_nothing_is_left_of_a_deleted_session_that_is_sealed(
    nats_server: NatsServer, driver: Bus, stored: Database
) -> None:
    await store(nats_server, stored, driver, [chunk(number) for number in range(60)])
    await seal(stored, 0, 60)
    async with serving(persister(settings_of(nats_server.url, stored.url))):
        await delete(stored)
        await finished(stored)
    assert await counts(stored) == (0, 0)


async def test_retention_removes_sealed_telemetry(
    nats_server: NatsServer, driver: Bus, stored: Database
) -> None:
    await store(nats_server, stored, driver, [chunk(number) for number in range(60)])
    await seal(stored, 0, 60)
    async with serving(persister(settings_of(nats_server.url, stored.url))):
        await send(driver, [chunk(number) for number in range(60, 65)])
        await sealed_are(stored, 5, 60)
    await execute(stored, "update run set updated = now() - interval '40 days'")
    connection = Connection(stored.url, "retention")
    limits = Retention(telemetry_days=30, notice_hours=0)
    stop = asyncio.Event()
    task = asyncio.create_task(Retaining(connection, limits, [], {}, tick_s=0.1).run(stop))
    await sealed_are(stored, 0, 0)
    gone = "select bytes = 0 and expired = have and sealed = '{}' from run"
    await eventually(lambda: stored.value(gone), "it is noted")
    stop.set()
    await asyncio.wait_for(task, 10)
    connection.drop()


@pytest.fixture
async def rest(
    nats_server: NatsServer, database: str, tmp_path: Path
) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        gateway_of(nats_server.url, database, tmp_path) as served,
        served.rest() as client,
    ):
        yield client


async def test_rest_answers_the_same_whether_telemetry_is_sealed_or_not(
    nats_server: NatsServer, driver: Bus, stored: Database, rest: httpx.AsyncClient
) -> None:
    sent = [chunk(number) for number in range(200) if number != 120]
    await store(nats_server, stored, driver, sent)
    asked = [
        {"from_ns": START_NS + first * 50_000_000, "to_ns": START_NS + last * 50_000_000 + 5}
        for first, last in ((0, 200), (15, 33), (45, 55), (100, 130), (199, 300), (-10, 3))
    ]

    async def answers() -> list[Any]:
        found = [(await rest.get(LAP, params=params)).json() for params in asked]
        sessions = (await rest.get("/sessions")).json()
        return [*found, sessions, (await rest.get("/sessions/test/holes")).json()]

    before = await answers()
    assert before[0]["holes"]
    await seal(stored, 79, 120)
    assert await answers() == before
    async with serving(persister(settings_of(nats_server.url, stored.url))):
        await send(driver, [mark(200, gone=((120, 120),))])
        await eventually(lambda: stored.value("select gone <> '{}' from run"), "it is gone")
    before = await answers()
    await seal(stored, 0, 199)
    assert await answers() == before


async def test_rest_shows_a_damaged_block_as_a_hole(
    nats_server: NatsServer, driver: Bus, stored: Database, rest: httpx.AsyncClient
) -> None:
    await store(nats_server, stored, driver, [chunk(number) for number in range(100)])
    await seal(stored, 0, 100)
    await execute(stored, "update telemetry_block set block = '\\x00' where chunk = 40")
    params = {"from_ns": START_NS, "to_ns": START_NS + 10**10}
    found = (await rest.get(LAP, params=params)).json()
    assert len(found["times_ms"]) == 180
    [(begin, end)] = found["holes"]
    assert begin == pytest.approx((START_NS + 39 * 50_000_000 + 32_000_000) / 1e6)
    assert end == pytest.approx((START_NS + 80 * 50_000_000) / 1e6)
