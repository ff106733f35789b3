"""Retention removes telemetry and keeps its laps; nothing sends or derives it again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
from msgspec.structs import replace

from consumers.persister.retaining import Retaining
from consumers.persister.service import service as persister
from pitbox.nats.bus import Bus
from pitbox.postgres.connection import Connection
from pitbox.settings import Retention
from tests.integration.test_deletion import receipt_of
from tests.tools.drives import race
from tests.tools.hub import (
    Database,
    apply,
    chunk,
    connected,
    eventually,
    send,
    serving,
    settings_of,
)
from tests.tools.processes import pitbox, running
from tests.tools.servers import NatsServer

MONTH = Retention(telemetry_days=30)
AT_ONCE = Retention(telemetry_days=30, notice_hours=0)
ALL_FOLDED = """
select bool_and(coalesce(chunks = have, false))
from run left join folded using (session, driver, run)
"""
AGED = "update run set updated = now() - interval '40 days' where session = $1"


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
async def retaining(stored: Database, limits: Retention = AT_ONCE) -> AsyncIterator[None]:
    """Keep a database within limits during the block."""
    connection = Connection(stored.url, "retention")
    work = Retaining(connection, limits, ["timing"], {}, tick_s=0.1)
    stop = asyncio.Event()
    task = asyncio.create_task(work.run(stop))
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait_for(task, 10)
        connection.drop()


async def drives(driver: Bus, stored: Database) -> list[Any]:
    """Send a race; wait until its laps rest on all its chunks."""
    chunks = race()
    await send(driver, chunks)
    await eventually(lambda: stored.has(len(chunks), chunks[0].run), "all chunks are stored")
    await eventually(lambda: stored.value(ALL_FOLDED), "all chunks are folded")
    return chunks


async def age(stored: Database, session: str = "test") -> None:
    connection = await asyncpg.connect(stored.url)
    await connection.execute(AGED, session)
    await connection.close()


async def laps(stored: Database) -> list[Any]:
    return [tuple(row) for row in await stored.rows("select * from lap order by car, lap_number")]


async def removed(stored: Database) -> None:
    query = "select count(*) = 0 from telemetry"
    await eventually(lambda: stored.value(query), "telemetry is removed")


async def test_old_telemetry_is_announced_then_removed_and_its_laps_stay(
    nats_server: NatsServer, driver: Bus, stored: Database
) -> None:
    with running("timing", nats_server, stored.url), running("persister", nats_server, stored.url):
        chunks = await drives(driver, stored)
        before = await laps(stored)
        await age(stored)
        async with retaining(stored, replace(MONTH, notice_hours=1)):
            announced = "select part, at > now() + interval '59 min' from retention_due"
            [row] = await eventually(lambda: stored.rows(announced), "it is announced")
            assert tuple(row) == ("telemetry", True)
        assert await stored.has(len(chunks))
        await age(stored)
        async with retaining(stored):
            await removed(stored)
            await eventually(
                lambda: stored.value("select bytes = 0 and expired = have from run"), "it is noted"
            )
            gone = "select count(*) = 0 from retention_due"
            await eventually(lambda: stored.value(gone), "nothing is due any more")
        receipt = await receipt_of(nats_server, run=chunks[0].run)
        assert (receipt.through, receipt.missing) == (len(chunks) - 1, ())
        await send(driver, chunks)
        await send(driver, [chunk(0, driver="bob")])
        all_read = "select true from run where driver = 'bob'"
        await eventually(lambda: stored.value(all_read), "all is read")
        assert await stored.value("select count(*) from telemetry where driver='ada'") == 0
    refused = pitbox(nats_server, stored.url, "rebuild", "test")
    assert refused.returncode == 2
    assert "retention removed telemetry of test on" in refused.stderr
    assert [one for one in await laps(stored) if one[1] == "ada"] == before


@pytest.mark.parametrize("kind", ["the same version", "another version"])
async def test_timing_derives_no_facts_anew_from_removed_telemetry(
    nats_server: NatsServer, driver: Bus, stored: Database, kind: str
) -> None:
    with running("timing", nats_server, stored.url), running("persister", nats_server, stored.url):
        chunks = await drives(driver, stored)
    before = await laps(stored)
    await age(stored)
    async with retaining(stored):
        await removed(stored)
    if kind == "another version":
        connection = await asyncpg.connect(stored.url)
        await connection.execute("update fold set version = 0")
        await connection.close()
    with running("timing", nats_server, stored.url), running("persister", nats_server, stored.url):
        later = [replace(one, run=chunks[0].run + 1) for one in race()]
        await send(driver, later, "telemetry.live")
        await eventually(
            lambda: stored.value("select count(*) = $1 from telemetry", len(later)), "stored"
        )
        await send(driver, [replace(one, driver="bob") for one in race()])
        bob = "select count(*) > 4 from lap where driver = 'bob' and own"
        await eventually(lambda: stored.value(bob), "timing derives others' laps")
        if kind == "the same version":
            more = "select count(*) = 2 from folded where driver = 'ada'"
            await eventually(lambda: stored.value(more), "the later run is folded too")
    after = [one for one in await laps(stored) if one[1] == "ada"]
    if kind == "another version":
        assert after == before
    else:
        assert {one[2:4] for one in after} >= {one[2:4] for one in before}


async def test_the_oldest_telemetry_makes_room_unless_it_is_pinned(
    nats_server: NatsServer, driver: Bus, stored: Database
) -> None:
    names = ("pinned", "oldest", "newer")
    with running("timing", nats_server, stored.url), running("persister", nats_server, stored.url):
        for name in names:
            await send(driver, [replace(one, session=name) for one in race()])
        count = len(names) * len(race())
        query = "select count(*) = $1 from telemetry"
        await eventually(lambda: stored.value(query, count), "all chunks are stored")
        await eventually(lambda: stored.value(ALL_FOLDED), "all chunks are folded")
    for name in names:
        await age(stored, name)
    connection = await asyncpg.connect(stored.url)
    younger = "update run set updated = updated + interval '1 day' where session = 'newer'"
    await connection.execute(younger)
    await connection.close()
    done = pitbox(nats_server, stored.url, "sessions", "pin", "pinned")
    assert done.stdout == "pinned is pinned: retention keeps it\n"
    total = await stored.value("select sum(bytes)::bigint from run")
    async with retaining(stored, Retention(telemetry_bytes=total - 1, bytes_notice_hours=0)):
        query = "select bytes = 0 from run where session = 'oldest'"
        await eventually(lambda: stored.value(query), "the oldest is removed")
        await asyncio.sleep(0.5)
    rows = await stored.rows("select distinct session from telemetry order by 1")
    assert [row["session"] for row in rows] == ["newer", "pinned"]
    assert await stored.value("select count(distinct session) from lap") == 3


async def test_a_session_whose_facts_are_too_old_is_deleted_for_good(
    nats_server: NatsServer, driver: Bus, stored: Database
) -> None:
    with running("timing", nats_server, stored.url), running("persister", nats_server, stored.url):
        await drives(driver, stored)
        await age(stored)
        async with retaining(stored, Retention(facts_days=30, notice_hours=0)):
            query = "select by from deleted where finished is not null"
            assert await eventually(lambda: stored.value(query), "it is deleted") == "retention"
    assert await stored.value("select count(*) from lap") == 0


async def test_without_limits_an_earlier_announcement_is_withdrawn(stored: Database) -> None:
    connection = await asyncpg.connect(stored.url)
    await connection.execute("insert into retention_due values ('test', 'telemetry', now())")
    await connection.close()
    async with retaining(stored, Retention()):
        gone = "select count(*) = 0 from retention_due"
        await eventually(lambda: stored.value(gone), "nothing is announced")


async def test_a_persister_announces_a_day_ahead_by_its_settings(
    nats_server: NatsServer, driver: Bus, stored: Database
) -> None:
    await stored.rows(
        "insert into run (session, driver, run, closed, bytes, updated) values "
        "('old', 'ada', 1, true, 1, now() - interval '40 days'), ('new', 'ada', 2, true, 1, now())"
    )
    settings = replace(settings_of(nats_server.url, stored.url), retention=MONTH)
    async with serving(persister(settings)):
        due = "select session, at > now() + interval '23 hours' as ahead from retention_due"
        rows = await eventually(lambda: stored.rows(due), "it is announced")
    assert [tuple(row) for row in rows] == [("old", True)]


async def test_telemetry_without_its_facts_stays(
    nats_server: NatsServer, driver: Bus, stored: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    with running("persister", nats_server, stored.url):
        await send(driver, [chunk(0)])
        await eventually(lambda: stored.has(1), "it is stored")
    await age(stored)
    async with retaining(stored):

        async def warned() -> bool:
            return "telemetry stays until its facts are derived" in capsys.readouterr().err

        await eventually(warned, "it is logged")
    assert await stored.has(1)


async def test_the_bytes_of_a_run_are_what_its_rows_take(
    nats_server: NatsServer, driver: Bus, stored: Database
) -> None:
    with running("persister", nats_server, stored.url):
        await send(driver, [chunk(number) for number in range(5000)])
        await eventually(lambda: stored.has(5000), "all is stored")
    counted = await stored.value("select bytes from run")
    taken = await stored.value("select pg_total_relation_size('telemetry_chunk')")
    assert counted == pytest.approx(taken, rel=0.25)
