"""Facts derived from facts are right and published, whatever was lost, restored or deleted."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager

import asyncpg
import pytest
from msgspec.structs import replace

from consumers.timing import tables as timing_tables
from pitbox.nats.bus import Bus
from pitbox.postgres import deleted, folds, refined
from pitbox.postgres.facts import scan
from pitbox.service.lifetime import serve
from pitbox.service.refine import Refine
from schemas.timing import Lap
from tests.tools import totals
from tests.tools.hub import (
    STOP_S,
    Database,
    apply,
    connected,
    eventually,
    serving,
    settings_of,
    settled,
)
from tests.tools.servers import NatsServer
from tests.tools.totals import Totals, lap

OWNER = "test", "ada"
LAPS = [lap(number, 20.0 + number) for number in (1, 2, 3)]
TOTALS = "select lap_number, lap_time_s, revision from toy_total order by driver, lap_number"
RESTS = """
select own.source_generation = source.generation and own.unpublished is null
from fold as own join fold as source on source.consumer = 'timing'
where own.consumer = 'totals'
"""


@pytest.fixture
async def stored(nats_server: NatsServer, database: str) -> Database:
    """Return a database with the table of totals; the server has its streams."""
    await apply(nats_server.url)
    connection = await asyncpg.connect(database)
    await connection.execute(totals.CREATE)
    await connection.close()
    return Database(database)


@pytest.fixture
async def heard(nats_server: NatsServer, stored: Database) -> AsyncIterator[list[Lap]]:
    """Yield the totals that are published."""
    found: list[Lap] = []

    def receive(one: Lap) -> None:
        if one.car == "total":
            found.append(one)

    async with connected(nats_server.url, "gateway") as bus:
        await bus.listen("timing.lap", receive)
        await settled(bus)
        yield found


async def derive(stored: Database, laps: Iterable[Lap], owner: tuple[str, str] = OWNER) -> None:
    """Commit laps as timing does: facts and fold in one transaction, in place of those before."""
    tables, connection = scan(timing_tables), await asyncpg.connect(stored.url)
    async with connection.transaction():
        before = await tables.read(connection, *owner)
        facts = tables.keyed(laps)
        generation = await connection.fetchval(
            "select generation from fold where consumer = 'timing' and session = $1 "
            "and driver = $2",
            *owner,
        )
        await folds.commit(
            connection,
            "timing",
            owner,
            version=1,
            generation=generation or 0,
            state=b"",
            folded={},
        )
        await tables.write(connection, owner, facts, before.keys() - facts.keys())
    await connection.close()


def service(server: NatsServer, stored: Database, refinement: Totals | None = None) -> Refine:
    settings = settings_of(server.url, stored.url, totals.streams())
    return Refine(refinement or Totals(), totals.tables(), settings)


@asynccontextmanager
async def killed(refine: Refine) -> AsyncIterator[None]:
    """Run a service during the block, then end it without its leave."""
    task = asyncio.create_task(serve(refine, asyncio.Event()))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task}, timeout=STOP_S)


async def rows(stored: Database) -> list[tuple[int, float | None, int]]:
    return [tuple(row) for row in await stored.rows(TOTALS)]


async def rest(stored: Database) -> None:
    """Wait until the totals rest on the laps in Postgres, and are published."""
    await eventually(lambda: stored.value(RESTS), "the totals rest on the laps")


async def folds_behind(stored: Database) -> int:
    """Return how many folds of the session rest on older facts."""
    connection = await asyncpg.connect(stored.url)
    try:
        return await refined.behind(connection, "test", {"totals": "timing"})
    finally:
        await connection.close()


def brief(found: Sequence[Lap]) -> list[tuple[int, float | None, int]]:
    return [(one.lap_number, one.lap_time_s, one.revision) for one in found]


async def test_each_fact_is_stored_and_published_once(
    nats_server: NatsServer, stored: Database, heard: list[Lap]
) -> None:
    await derive(stored, LAPS[:1])
    assert await folds_behind(stored) == 1
    async with serving(service(nats_server, stored)):
        await derive(stored, LAPS[:2])
        await rest(stored)
        await derive(stored, LAPS)
        await rest(stored)
    assert await folds_behind(stored) == 0
    assert await rows(stored) == [(1, 21.0, 1), (2, 43.0, 1), (3, 66.0, 1)]
    assert brief(heard) == [(1, 21.0, 1), (2, 43.0, 1), (3, 66.0, 1)]


async def test_a_start_goes_on_where_the_last_process_ended(
    nats_server: NatsServer, stored: Database, heard: list[Lap]
) -> None:
    await derive(stored, LAPS[:2])
    async with killed(service(nats_server, stored)):
        await rest(stored)
    await derive(stored, LAPS)
    refinement = Totals()
    async with serving(service(nats_server, stored, refinement)):
        await rest(stored)
    assert refinement.steps == [3]
    assert brief(heard) == [(1, 21.0, 1), (2, 43.0, 1), (3, 66.0, 1)]


async def test_a_fact_that_changed_changes_all_after_it_with_a_higher_revision(
    nats_server: NatsServer, stored: Database, heard: list[Lap]
) -> None:
    async with serving(service(nats_server, stored)):
        await derive(stored, LAPS)
        await rest(stored)
        await derive(stored, [LAPS[0], replace(LAPS[1], lap_time_s=21.5), LAPS[2]])
        await rest(stored)
    assert await rows(stored) == [(1, 21.0, 1), (2, 42.5, 2), (3, 65.5, 2)]
    assert brief(heard[3:]) == [(2, 42.5, 2), (3, 65.5, 2)]


async def test_a_fact_that_vanished_is_withdrawn(
    nats_server: NatsServer, stored: Database, heard: list[Lap]
) -> None:
    async with serving(service(nats_server, stored)):
        await derive(stored, LAPS)
        await rest(stored)
        await derive(stored, LAPS[:2])
        await rest(stored)
    assert brief(heard[3:]) == [(3, None, 2)]


async def test_facts_committed_by_a_killed_process_are_published_by_the_next(
    nats_server: NatsServer, stored: Database
) -> None:
    await derive(stored, [])
    async with killed(service(nats_server, stored)):
        await rest(stored)
        nats_server.stop()
        await derive(stored, LAPS)
        query = "select count(*) = 3 from toy_total"
        await eventually(lambda: stored.value(query), "the totals are committed")
    assert not await stored.value(RESTS)
    nats_server.start()
    async with connected(nats_server.url) as bus, serving(service(nats_server, stored)):
        await rest(stored)
        assert await in_stream(bus) == 3


async def in_stream(bus: Bus) -> int:
    """Return the number of messages in TIMING."""
    return int((await bus.jetstream.stream_info("TIMING")).state.messages)


async def test_a_restored_older_postgres_is_derived_again(
    nats_server: NatsServer, stored: Database
) -> None:
    async with serving(service(nats_server, stored)):
        await derive(stored, LAPS[:2])
        await rest(stored)
        before = await stored.rows("select * from fold where consumer = 'totals'")
        await derive(stored, LAPS)
        await rest(stored)
        # An older copy has the fold, and the facts, of an earlier commit.
        await stored.rows(
            "update fold set generation = $1, source_generation = $2, state = $3 "
            "where consumer = 'totals'",
            *(before[0][name] for name in ("generation", "source_generation", "state")),
        )
        await stored.rows("delete from toy_total where lap_number = 3")
        await rest(stored)
        assert await rows(stored) == [(1, 21.0, 1), (2, 43.0, 1), (3, 66.0, 1)]


async def test_another_version_derives_all_anew(nats_server: NatsServer, stored: Database) -> None:
    await derive(stored, LAPS)
    async with serving(service(nats_server, stored)):
        await rest(stored)
    refinement = Totals(version=2)
    async with serving(service(nats_server, stored, refinement)):
        query = "select version = 2 from fold where consumer = 'totals'"
        await eventually(lambda: stored.value(query), "the version is the new one")
    assert refinement.steps == [1, 2, 3]
    assert await rows(stored) == [(1, 21.0, 1), (2, 43.0, 1), (3, 66.0, 1)]


async def test_nothing_is_derived_of_a_session_that_is_deleted_meanwhile(
    nats_server: NatsServer, stored: Database
) -> None:
    class Slow(Totals):
        """Let a deletion happen between the laps and the commit."""

        def __init__(self) -> None:
            super().__init__()
            self.deletes = True

        async def items(self, connection: asyncpg.Connection, owner: tuple[str, str]) -> list[Lap]:
            found = list(await super().items(connection, owner))
            if self.deletes and owner == OWNER:
                self.deletes = False
                other = await asyncpg.connect(stored.url)
                async with other.transaction():
                    await deleted.add(other, owner, "a test")
                await other.close()
            return found

    await derive(stored, LAPS)
    await derive(stored, [replace(one, driver="bob") for one in LAPS], ("test", "bob"))
    slow = Slow()
    async with serving(service(nats_server, stored, slow)):
        await eventually(lambda: stored.value("select true from deleted"), "the deletion")
        await derive(stored, [lap(4, 24.0, driver="bob")], ("test", "bob"))
        query = "select true from toy_total where driver = 'bob' and lap_number = 4"
        await eventually(lambda: stored.value(query), "a later fact of another driver")
    assert await stored.value("select count(*) from toy_total where driver = 'ada'") == 0
    assert await stored.value("select count(*) from fold where driver = 'ada'") == 0


async def test_a_driver_whose_facts_cannot_be_derived_holds_up_no_other(
    nats_server: NatsServer, stored: Database
) -> None:
    class Mistaken(Totals):
        """Fail for one driver."""

        def step(self, state: float, item: Lap, material: None) -> tuple[float, Iterable[Lap]]:
            if item.driver == "ada":
                raise ZeroDivisionError
            return super().step(state, item, material)

    await derive(stored, LAPS)
    await derive(stored, [replace(one, driver="bob") for one in LAPS], ("test", "bob"))
    async with serving(service(nats_server, stored, Mistaken())):
        query = "select count(*) = 3 from toy_total where driver = 'bob'"
        await eventually(lambda: stored.value(query), "the other driver's totals")
    assert await stored.value("select count(*) from toy_total where driver = 'ada'") == 0


async def test_a_driver_with_many_laps_holds_up_no_other(
    nats_server: NatsServer, stored: Database
) -> None:
    """Turns of no time: one step each."""
    many = [lap(number, 20.0) for number in range(1, 200)]
    await derive(stored, many)
    await derive(stored, [replace(one, driver="bob") for one in LAPS], ("test", "bob"))
    settings = settings_of(nats_server.url, stored.url, totals.streams())
    refinement = Totals()
    async with serving(Refine(refinement, totals.tables(), settings, turn_s=0.0)):
        query = "select count(*) = 3 from toy_total where driver = 'bob'"
        await eventually(lambda: stored.value(query), "the other driver's totals")
        assert await stored.value("select count(*) from toy_total where driver = 'ada'") == 0
        query = "select count(*) = 199 from toy_total where driver = 'ada'"
        await eventually(lambda: stored.value(query), "all totals")
    assert len(refinement.steps) == 199 + 3
