"""A deleted session is gone for good: nothing that comes of it again is stored or derived."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any

import asyncpg
import pytest
from msgspec.structs import replace

from pitbox.nats.bus import Bus, BusDown
from pitbox.postgres import deleted, folds
from pitbox.postgres.errors import Conflict
from pitbox.postgres.kept import KEPT, NOT_DELETED
from producers.run_number import RANDOM_BITS, run_number
from schemas.link import Ask, Receipt
from schemas.telemetry import Chunk
from tests.tools.drives import race
from tests.tools.hub import (
    Database,
    apply,
    chunk,
    connected,
    driving,
    eventually,
    mark,
    send,
    settled,
)
from tests.tools.processes import running
from tests.tools.servers import NatsServer

OWNER = "test", "ada"
LATER_RUN = 2**52
"""A run that begins after any deletion of a test."""

COUNT_DELETED_LAPS = """
create table deleted_lap (run bigint);
create function note_lap() returns trigger language plpgsql as
    $$ begin insert into public.deleted_lap values (old.run); return old; end $$;
create trigger note_lap before delete on lap for each row execute function note_lap();
"""

LEFT = " + ".join(
    f"(select count(*) from {kept.table} where session = 'test' and driver = 'ada')"
    for kept in KEPT
)


@pytest.fixture
async def driver(nats_server: NatsServer) -> AsyncIterator[Bus]:
    """Yield the connection of a driver to a server with its streams."""
    await apply(nats_server.url)
    async with connected(nats_server.url) as bus:
        yield bus


@pytest.fixture
def stored(database: str) -> Database:
    return Database(database)


async def delete(stored: Database, owner: tuple[str, str] = OWNER) -> None:
    connection = await asyncpg.connect(stored.url)
    async with connection.transaction():
        await deleted.add(connection, owner, "a test")
    await connection.close()


async def finished(stored: Database) -> None:
    """Wait until nothing is left to delete."""
    query = "select not exists (select from deleted where finished is null)"
    await eventually(lambda: stored.value(query), "the deletion is finished")


async def subjects(bus: Bus, owner: tuple[str, str] = OWNER) -> set[str]:
    """Return the subjects of a driver in a session of which a stream holds messages."""
    session, name = owner
    found: set[str] = set()
    for stream in bus.topology.streams:
        info = await bus.jetstream.stream_info(stream, subjects_filter=f"*.{name}.{session}.>")
        found |= {*(info.state.subjects or {})}
    return found


async def drives(driver: Bus, stored: Database, route: str = "telemetry.live") -> list[Any]:
    """Send a race and wait for its laps in Postgres."""
    chunks = race()
    await send(driver, chunks, route)
    query = "select count(*) >= 4 from lap where own and lap_time_s is not null or lap_number = 5"
    await eventually(lambda: stored.value(query), "the laps are in Postgres")
    return chunks


async def drives_again(driver: Bus, stored: Database, chunks: Sequence[Chunk]) -> None:
    """Drive the same race in a later run, and wait for its laps in Postgres."""
    await send(driver, [replace(one, run=LATER_RUN) for one in chunks], "telemetry.live")
    query = "select count(*) >= 4 from lap where own and run = $1"
    await eventually(lambda: stored.value(query, LATER_RUN), "the laps are in Postgres")


async def test_nothing_is_left_of_a_deleted_session(
    nats_server: NatsServer, driver: Bus, stored: Database
) -> None:
    with running("timing", nats_server, stored.url), running("persister", nats_server, stored.url):
        await drives(driver, stored)
        await send(driver, [chunk(driver="bob")])
        await eventually(
            lambda: stored.value("select true from run where driver = 'bob'"), "bob drives too"
        )
        await delete(stored)
        await finished(stored)
    assert await stored.value(f"select {LEFT}") == 0
    assert await stored.value("select count(*) from telemetry where driver = 'bob'") == 1
    assert await subjects(driver) == set()
    assert await subjects(driver, ("test", "bob"))


async def test_a_deleted_session_that_is_sent_again_is_dropped(
    nats_server: NatsServer, driver: Bus, stored: Database
) -> None:
    with running("timing", nats_server, stored.url), running("persister", nats_server, stored.url):
        begun_before = run_number(int(time.time()) - 1, 0, 2**RANDOM_BITS - 1)
        chunks = await drives(driver, stored)
        await delete(stored)
        await finished(stored)
        await send(driver, [*chunks, mark(len(chunks), closed=True)])
        await send(driver, [chunk(crc=1, run=7), chunk(run=begun_before)])
        await send(driver, [chunk(driver="bob")])
        await eventually(
            lambda: stored.value("select true from run where driver = 'bob'"), "all is read"
        )
    with running("timing", nats_server, stored.url), running("persister", nats_server, stored.url):
        await send(driver, chunks, "telemetry.live")
        await send(driver, [chunk(1, driver="bob")])
        await eventually(lambda: stored.value("select count(*) = 2 from telemetry"), "all is read")
    assert await stored.value(f"select {LEFT}") == 0
    assert await stored.value("select count(*) from dead_letter") == 0


async def test_a_run_that_begins_after_the_deletion_is_stored_under_the_same_name(
    nats_server: NatsServer, driver: Bus, stored: Database
) -> None:
    with running("timing", nats_server, stored.url), running("persister", nats_server, stored.url):
        chunks = await drives(driver, stored)
        await delete(stored)
        await finished(stored)
        await send(driver, chunks[:50])
        await drives_again(driver, stored, chunks)
    rows = await stored.rows("select distinct run from telemetry")
    assert [row["run"] for row in rows] == [LATER_RUN]


async def test_no_round_of_a_deletion_takes_facts_of_a_later_run_away(
    nats_server: NatsServer, driver: Bus, stored: Database
) -> None:
    connection = await asyncpg.connect(stored.url)
    await connection.execute(COUNT_DELETED_LAPS)
    await connection.close()
    with running("timing", nats_server, stored.url), running("persister", nats_server, stored.url):
        chunks = await drives(driver, stored)
        await delete(stored)
        await drives_again(driver, stored, chunks)
        await finished(stored)
        before = await stored.value("select finished from deleted")
        await send(driver, chunks[:50])
        query = "select finished > $1 from deleted"
        await eventually(lambda: stored.value(query, before), "the messages are purged again")
    assert await stored.value("select count(*) from deleted_lap where run < $1", LATER_RUN) > 0
    assert await stored.value("select count(*) from deleted_lap where run = $1", LATER_RUN) == 0


async def test_a_session_that_is_deleted_while_no_service_runs_is_gone_once_they_run(
    nats_server: NatsServer, driver: Bus, stored: Database
) -> None:
    with running("timing", nats_server, stored.url), running("persister", nats_server, stored.url):
        chunks = await drives(driver, stored)
    await send(driver, [replace(one, run=5) for one in chunks])
    await delete(stored)
    with running("timing", nats_server, stored.url), running("persister", nats_server, stored.url):
        await finished(stored)
    assert await stored.value(f"select {LEFT}") == 0
    assert await subjects(driver) == set()


async def test_a_spool_learns_of_the_deletion_when_it_happens_and_when_it_asks(
    nats_server: NatsServer, driver: Bus, stored: Database
) -> None:
    receipts: list[Receipt] = []

    def receive(receipt: Receipt) -> None:
        receipts.append(receipt)

    await driver.listen("link.receipt", receive)
    await settled(driver)
    with running("persister", nats_server, stored.url):
        await send(driver, [chunk(0), chunk(1), mark(2, closed=True)])

        async def complete() -> bool:
            return bool(receipts) and receipts[-1].made == 2

        await eventually(complete, "the run is complete")
        await delete(stored)

        async def told() -> bool:
            return receipts[-1].deleted >= 1

        await eventually(told, "the deletion is published")
        assert (receipts[-1].through, receipts[-1].run) == (-1, 1)
        await finished(stored)
        assert (await receipt_of(nats_server, run=1)).deleted >= 77
        assert (await receipt_of(nats_server, run=77)).deleted >= 77
        assert (await receipt_of(nats_server, run=LATER_RUN)).deleted == -1
    with running("persister", nats_server, stored.url):
        assert (await receipt_of(nats_server, run=1)).deleted >= 77


async def receipt_of(server: NatsServer, run: int) -> Receipt:
    """Ask the persister for the receipt of a run until it answers."""
    ask = Ask(session="test", driver="ada", run=run)
    async with driving(server) as bus:

        async def answered() -> Any:
            with contextlib.suppress(BusDown):
                return await bus.request("link.ask", ask)

        answer: Receipt = await eventually(answered, "the persister answers")
    return answer


async def test_facts_that_are_being_committed_do_not_outlive_the_deletion(stored: Database) -> None:
    """The deletion waits for the transactions that did not see it, and no later one misses it."""
    writer = await asyncpg.connect(stored.url)
    transaction = writer.transaction()
    await transaction.start()
    assert await deleted.among(writer, [OWNER]) == {}
    deleting = asyncio.create_task(delete(stored))
    waits = "select count(*) from pg_locks where locktype = 'advisory' and not granted"
    await eventually(lambda: stored.value(waits), "the deletion waits")
    await transaction.commit()
    await deleting
    assert (await deleted.among(writer, [OWNER]))[OWNER].through > 0
    await writer.close()


async def test_a_fold_of_a_deleted_run_is_neither_read_on_nor_committed(stored: Database) -> None:
    await delete(stored)
    writer = await asyncpg.connect(stored.url)
    changes = {"version": 1, "generation": 0, "state": b""}
    with pytest.raises(Conflict, match="deleted"):
        await folds.guard(writer, OWNER, [LATER_RUN, 1])
    with pytest.raises(Conflict, match="deleted"):
        await folds.commit(writer, "timing", OWNER, **changes, folded={1: ((0, 5),)})
    await folds.guard(writer, OWNER, [LATER_RUN])
    await folds.commit(writer, "timing", OWNER, **changes, folded={LATER_RUN: ((0, 5),)})
    assert await stored.value("select run from folded") == LATER_RUN
    await writer.close()


async def test_every_table_of_sessions_stands_in_the_list_of_what_is_kept(stored: Database) -> None:
    rows = await stored.rows(
        "select table_name from information_schema.columns join information_schema.tables "
        "using (table_schema, table_name) "
        "where table_schema = 'public' and column_name = 'session' and table_type = 'BASE TABLE'"
    )
    hint = "add the table to pitbox/postgres/kept.py, so that deletions reach it"
    listed = {kept.table for kept in KEPT} | {*NOT_DELETED}
    assert {row["table_name"] for row in rows} == listed, hint
