"""Laps of published chunks are in Postgres: real timing and persister processes, also killed."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from pitbox.nats.bus import Bus
from schemas.sim import LapReported
from tests.tools.drives import START_NS, Drive, chunk_of, race
from tests.tools.hub import Database, apply, connected, eventually, send
from tests.tools.processes import running
from tests.tools.servers import NatsServer


@pytest.fixture
async def driver(nats_server: NatsServer) -> AsyncIterator[Bus]:
    """Yield the connection of a driver to a server with its streams."""
    await apply(nats_server.url)
    async with connected(nats_server.url) as bus:
        yield bus


@pytest.fixture
def tables(database: str) -> Database:
    return Database(database)


class Wall:
    """Read a race from Postgres once timing and persister have processed the stream."""

    def __init__(self, driver: Bus, tables: Database) -> None:
        self._driver = driver
        self._tables = tables
        self._marks = 0

    async def laps(self) -> dict[tuple[str, int], dict[str, Any]]:
        """Return the laps by car and number, after all messages sent so far."""
        await self._through()
        rows = await self._tables.rows("select * from lap where car <> 'mark'")
        return {(row["car"], row["lap_number"]): dict(row) for row in rows}

    async def _through(self) -> None:
        """Send a lap of an unused car number, and wait for it in Postgres."""
        self._marks += 1
        lap = LapReported(
            at_ns=START_NS, car="mark", own=False, lap_number=self._marks, lap_time_s=1
        )
        await send(self._driver, [chunk_of([lap], number=self._marks, run=99)])
        query = "select true from lap where car = 'mark' and lap_number = $1"
        await eventually(lambda: self._tables.value(query, self._marks), "the mark comes through")


@pytest.fixture
def wall(driver: Bus, tables: Database) -> Wall:
    return Wall(driver, tables)


async def test_laps_that_are_driven_are_stored_in_postgres(
    nats_server: NatsServer, driver: Bus, tables: Database, wall: Wall
) -> None:
    with running("timing", nats_server, tables.url), running("persister", nats_server, tables.url):
        await send(driver, race(), "telemetry.live")
        found = await wall.laps()
    assert {place: lap["lap_time_s"] for place, lap in found.items()} == {
        ("7", 1): None,
        **{(car, lap): 20 + lap / 100 for car in ("7", "44") for lap in (2, 3, 4)},
        ("7", 5): None,
    }
    assert [found["7", lap]["valid"] for lap in (1, 2, 3, 4, 5)] == [False, True, True, True, True]
    assert [found["7", lap]["fuel_used"] for lap in (3, 4)] == [1.0, 1.0]
    [session] = await tables.rows("select track, car, sectors from session")
    assert tuple(session) == ("Fuji", "7", 3)


async def test_a_killed_timing_folds_again_and_postgres_is_unchanged(
    nats_server: NatsServer, driver: Bus, tables: Database, wall: Wall
) -> None:
    with running("persister", nats_server, tables.url):
        with running("timing", nats_server, tables.url):
            await send(driver, race())
            before = await wall.laps()
        with running("timing", nats_server, tables.url):
            assert await wall.laps() == before


async def test_a_timing_killed_while_publishing_ends_with_the_same_laps(
    nats_server: NatsServer, driver: Bus, tables: Database, wall: Wall
) -> None:
    await send(driver, race(laps=60))
    with running("persister", nats_server, tables.url):
        for _ in range(2):
            with running("timing", nats_server, tables.url):
                await published_more(driver, 40)
        with running("timing", nats_server, tables.url):
            found = await wall.laps()
    assert all(found["7", lap]["lap_time_s"] == 20 + lap / 100 for lap in range(2, 62))
    assert all(found["7", lap]["complete"] for lap in range(2, 63))


async def published_more(driver: Bus, more: int) -> None:
    """Wait until timing has published a number of further facts."""

    async def facts() -> int:
        return (await driver.jetstream.stream_info("TIMING")).state.messages

    enough = await facts() + more

    async def enough_published() -> bool:
        return await facts() >= enough

    await eventually(enough_published, f"timing tells {more} facts")


async def test_a_hole_that_is_filled_later_corrects_the_lap_with_a_higher_revision(
    nats_server: NatsServer, driver: Bus, tables: Database, wall: Wall
) -> None:
    chunks = race()
    late = chunks[90:110]
    with running("persister", nats_server, tables.url):
        with running("timing", nats_server, tables.url):
            await send(driver, [c for c in chunks if c not in late], "telemetry.live")
            torn = (await wall.laps())["7", 3]
            assert (torn["complete"], torn["valid"]) == (False, False)
            await send(driver, late)
            healed = await wall.laps()
        assert (healed["7", 3]["complete"], healed["7", 3]["valid"]) == (True, True)
        assert healed["7", 3]["revision"] > torn["revision"]
        assert healed["7", 3]["frames"] > torn["frames"]
        with running("timing", nats_server, tables.url):
            assert await wall.laps() == healed


async def test_laps_stay_complete_after_their_start_has_left_the_stream(
    nats_server: NatsServer, driver: Bus, tables: Database, wall: Wall
) -> None:
    with running("persister", nats_server, tables.url):
        with running("timing", nats_server, tables.url):
            await send(driver, race())
            before = await wall.laps()
        await driver.jetstream.purge_stream("TELEMETRY", seq=100)
        with running("timing", nats_server, tables.url):
            after = await wall.laps()
    assert {place: after[place] for place in before} == before


async def test_laps_are_right_when_deleted_chunks_are_sent_again(
    nats_server: NatsServer, driver: Bus, tables: Database, wall: Wall
) -> None:
    """As after a revocation: Postgres has the first chunks, the driver's spool the rest."""
    chunks = race()
    stored, taken, driven_since = chunks[:90], chunks[90:110], chunks[110:]

    with running("timing", nats_server, tables.url):
        with running("persister", nats_server, tables.url):
            await send(driver, stored, "telemetry.live")
            await wall.laps()
            await eventually(lambda: tables.has(len(stored)), "Postgres has what came before")
        await send(driver, taken, "telemetry.live")
        async with connected(nats_server.url, "keys") as keys:
            assert await keys.purge(driver="ada") > len(taken)
        with running("persister", nats_server, tables.url):
            await send(driver, driven_since, "telemetry.live")
            await send(driver, taken)
            found = await wall.laps()
            await eventually(lambda: tables.has(len(chunks)), "Postgres has all of it")
    with running("timing", nats_server, tables.url), running("persister", nats_server, tables.url):
        again = await wall.laps()
    assert again == found
    assert all(found["7", lap]["lap_time_s"] == 20 + lap / 100 for lap in (2, 3, 4))
    assert all(found["7", lap]["valid"] and found["7", lap]["complete"] for lap in (2, 3, 4))


async def test_a_flashback_over_the_line_undoes_the_lap_in_postgres_too(
    nats_server: NatsServer, driver: Bus, tables: Database, wall: Wall
) -> None:
    drive = Drive(at_m=900.0, clock=True).go(1050)
    spot = drive.clock_s, drive.at_m, drive.state["lap_number"]
    drive.go(300)
    with running("persister", nats_server, tables.url), running("timing", nats_server, tables.url):
        await send(driver, drive.chunks())
        driven = await wall.laps()
        assert driven["", 2]["lap_time_s"] and ("", 3) in driven
        drive.clock_s, drive.at_m, drive.state["lap_number"] = spot
        await send(driver, drive.go(20, 10).chunks())
        undone = await wall.laps()
    assert (undone["", 2]["lap_time_s"], undone["", 2]["ended_ns"]) == (None, None)
    assert ("", 3) not in undone


async def test_a_lap_too_large_for_its_stream_holds_up_no_other_lap(
    nats_server: NatsServer, driver: Bus, tables: Database, wall: Wall
) -> None:
    large = LapReported(
        at_ns=START_NS, car="9", own=False, lap_number=1, lap_time_s=9, sectors_s=(0.001,) * 20_000
    )
    with running("timing", nats_server, tables.url), running("persister", nats_server, tables.url):
        await send(driver, [chunk_of([large], run=98)], "telemetry.live")
        await send(driver, race(), "telemetry.live")
        found = await wall.laps()

        async def published() -> bool:
            message = await driver.jetstream.get_last_msg("TIMING", "timing.ada.test.lap")
            return b"mark" in (message.data or b"")

        await eventually(published, "the last lap is published")
    assert found["7", 4]["lap_time_s"] == 20.04
    assert len(found["9", 1]["sectors_s"]) == 20_000
