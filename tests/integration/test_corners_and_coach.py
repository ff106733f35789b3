"""Laps in, passes of corners and moments out: real services, over kills, holes and deletions."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import Any

import asyncpg
import pytest
from msgspec.structs import replace

from consumers.persister.retaining import Retaining
from pitbox import topology
from pitbox.chunks.frames import sealed
from pitbox.nats.bus import Bus
from pitbox.postgres import deleted
from pitbox.postgres.connection import Connection
from pitbox.settings import Retention
from producers.chunker import Chunker, chunks
from producers.sources.sim import Race
from producers.sources.sim.mistakes import Mistake
from schemas.coaching import Moment
from schemas.passes import Passes
from schemas.telemetry import Chunk
from schemas.track import Track
from tests.tools.hub import Database, apply, connected, eventually, send, settled
from tests.tools.processes import pitbox, running
from tests.tools.servers import NatsServer
from tests.tools.sim_drives import driven

LAPS = 7
SLIP = 6
"""The flying lap with the mistake."""

DRIVEN = Race(
    track="pebble-lane",
    laps=LAPS,
    mistakes=(Mistake(lap=SLIP, turn=2, kind="brakes-early", size=30.0),),
)
SERVICES = ("persister", "timing", "corners", "coach")
SETTLED = """
select count(*) = 3 and bool_and(
    case consumer when 'timing' then true else source_generation = (
        select generation from fold as source
        where source.consumer = case f.consumer when 'corners' then 'timing' else 'corners' end
            and source.session = f.session and source.driver = f.driver
    ) and unpublished is null end
) and $1 = (
    select sum(upper(part) - lower(part)) from folded, unnest(chunks) as part
)
from fold as f
"""


@cache
def drive() -> tuple[Chunk, ...]:
    """Return the chunks of a drive."""
    return tuple(chunks(driven(DRIVEN), Chunker("ada", 1, chunk_ms=50, session="test")))


@pytest.fixture
async def driver(nats_server: NatsServer) -> AsyncIterator[Bus]:
    """Yield the connection of a driver to a server with its streams."""
    await apply(nats_server.url)
    async with connected(nats_server.url) as bus:
        yield bus


@pytest.fixture
def stored(database: str) -> Database:
    return Database(database)


@contextmanager
def services(server: NatsServer, stored: Database) -> Iterator[None]:
    """Run all services between telemetry and moments, then kill them."""
    with ExitStack() as all_of_them:
        for name in SERVICES:
            all_of_them.enter_context(running(name, server, stored.url))
        yield


async def derived(stored: Database, count: int) -> None:
    """Wait until every fact rests on so many chunks, and is published."""
    await eventually(lambda: stored.value(SETTLED, count), "all facts are derived", 120)


async def of_laps(stored: Database, table: str, columns: str) -> dict[int, tuple[Any, ...]]:
    rows = await stored.rows(f"select lap_number, {columns} from {table} order by lap_number")
    return {row["lap_number"]: tuple(row)[1:] for row in rows}


class Heard:
    """Collect the events of corners and coach."""

    def __init__(self) -> None:
        self.tracks: list[Track] = []
        self.passes: list[Passes] = []
        self.moments: list[Moment] = []

    async def listen(self, bus: Bus) -> None:
        await bus.listen("timing.track", self.tracks.append)
        await bus.listen("timing.passes", self.passes.append)
        await bus.listen("coach.moment", self.moments.append)
        await settled(bus)


async def test_a_slip_is_found_in_its_corner_after_the_track_was_learned(
    nats_server: NatsServer, driver: Bus, stored: Database
) -> None:
    heard = Heard()
    async with connected(nats_server.url, "gateway") as bus:
        await heard.listen(bus)
        with services(nats_server, stored):
            await send(driver, drive(), "telemetry.live")
            await derived(stored, len(drive()))
    [track] = await stored.rows("select * from track")
    assert (track["track"], track["version"]) == ("pebble-lane", 1)
    assert {one.track for one in heard.tracks} == {"pebble-lane"}
    judged = {lap: one[0] for lap, one in (await of_laps(stored, "passes", "judged")).items()}
    assert list(judged.values()).count("yes") >= LAPS - 3
    assert "no_track" not in judged.values()
    moments = await of_laps(stored, "moment", "corner, cause, worth_s, revision")
    [slip] = [lap for lap, one in moments.items() if one[0] == "T2"]
    assert moments[slip][1] == "brakes_early"
    assert moments[slip][2] > 0.1
    assert [one.corner for one in heard.moments if one.lap_number == slip] == ["T2"]
    silent = await of_laps(stored, "silence", "reason")
    assert {*moments, *silent} == {*judged}
    assert not {*moments} & {*silent}
    [debrief] = await stored.rows("select * from debrief")
    assert debrief["laps"] >= LAPS - 4
    assert debrief["theoretical_best_s"] <= debrief["best_lap_s"]
    corners = await stored.rows("select * from corner_pass where lap_number = $1", slip)
    assert max(corners, key=lambda one: one["loss_s"] or 0.0)["corner"] == "T2"


async def test_a_rerun_states_which_moments_another_coach_would_add_drop_and_change(
    nats_server: NatsServer, driver: Bus, stored: Database
) -> None:
    with services(nats_server, stored):
        await send(driver, drive(), "telemetry.live")
        await derived(stored, len(drive()))

    def rerun(*options: str) -> str:
        done = pitbox(nats_server, stored.url, "rerun", "coach", "test", *options)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "0 moments added, 0 dropped, 0 changed" in rerun()
    [slip] = [row["lap_number"] for row in await stored.rows("select * from moment")]
    await stored.rows("update moment set worth_s = worth_s / 2")
    changed = rerun("--json")
    assert f'"lap_number":{slip},"kind":"changed"' in changed
    assert rerun("--json") == changed
    await stored.rows("update moment set lap_number = 1")
    assert "1 moments added, 1 dropped, 0 changed" in rerun()
    assert await stored.value("select lap_number from moment") == 1
    missing = pitbox(nats_server, stored.url, "rerun", "coach", "nowhere")
    assert missing.returncode == 2
    assert "no corners of a session nowhere" in missing.stderr


async def test_kills_at_any_time_end_in_the_same_facts(
    nats_server: NatsServer, driver: Bus, stored: Database
) -> None:
    parts = [drive()[at::3] for at in range(3)]
    for part in parts:
        with services(nats_server, stored):
            await send(driver, part)
            await eventually(lambda: stored.value("select true from lap limit 1"), "some laps", 120)
    with services(nats_server, stored):
        await derived(stored, len(drive()))
    before = await of_laps(stored, "moment", "corner, cause, worth_s")
    await stored.rows("delete from fold")
    for table in ("passes", "moment", "silence", "debrief"):
        await stored.rows(f"delete from {table}")
    with services(nats_server, stored):
        await derived(stored, len(drive()))
    assert before
    assert await of_laps(stored, "moment", "corner, cause, worth_s") == before


async def test_a_hole_that_is_filled_revises_the_lap_and_those_judged_by_it(
    nats_server: NatsServer, driver: Bus, stored: Database
) -> None:
    whole = drive()
    [begin, end] = [len(whole) * part // 9 for part in (4, 5)]
    late = whole[begin:end]
    with services(nats_server, stored):
        await send(driver, [one for one in whole if one not in late], "telemetry.live")
        await derived(stored, len(whole) - len(late))
        torn = await of_laps(stored, "passes", "judged, revision")
        assert ("not_whole", 1) in torn.values()
        await send(driver, late)
        await derived(stored, len(drive()))
    healed = await of_laps(stored, "passes", "judged, revision")
    assert not any(judged == "not_whole" for judged, _ in list(healed.values())[1:-1])
    revised = [lap for lap, one in healed.items() if lap in torn and one[1] > torn[lap][1]]
    assert any(torn[lap][0] == "not_whole" for lap in revised)
    assert any(torn[lap][0] != "not_whole" for lap in revised)


async def test_nothing_but_the_track_is_left_of_a_deleted_session(
    nats_server: NatsServer, driver: Bus, stored: Database
) -> None:
    with services(nats_server, stored):
        await send(driver, drive(), "telemetry.live")
        await derived(stored, len(drive()))
        connection = await asyncpg.connect(stored.url)
        async with connection.transaction():
            await deleted.add(connection, ("test", "ada"), "a test")
        await connection.close()
        query = "select not exists (select from deleted where finished is null)"
        await eventually(lambda: stored.value(query), "the deletion is finished")
    for table in ("passes", "moment", "silence", "debrief", "session_track", "fold"):
        assert await stored.value(f"select count(*) from {table}") == 0, table
    for stream in ("TIMING", "COACHING"):
        info = await driver.jetstream.stream_info(stream)
        assert info.state.messages == 0, stream
    assert await stored.value("select count(*) from track") == 1


async def test_a_second_session_on_the_track_is_judged_by_the_same_corners(
    nats_server: NatsServer, driver: Bus, stored: Database
) -> None:
    again = [sealed(replace(one, session="later", run=2)) for one in drive()]
    with services(nats_server, stored):
        await send(driver, drive(), "telemetry.live")
        await derived(stored, len(drive()))
        await send(driver, again, "telemetry.live")
        query = "select count(*) >= $1 from passes where session = 'later'"
        await eventually(lambda: stored.value(query, LAPS), "the later laps are derived", 120)
    assert await stored.value("select count(*) from track") == 1
    tracks = await stored.rows("select distinct track, version from session_track")
    assert [tuple(row) for row in tracks] == [("pebble-lane", 1)]


async def test_facts_stay_when_their_telemetry_is_removed_and_coach_alone_derives_anew(
    nats_server: NatsServer, driver: Bus, stored: Database
) -> None:
    passes = "select * from passes order by lap_number"
    moments = "select * from moment order by lap_number"
    with services(nats_server, stored):
        await send(driver, drive(), "telemetry.live")
        await derived(stored, len(drive()))
    before = await stored.rows(passes), await stored.rows(moments)
    await stored.rows("update run set updated = now() - interval '40 days'")
    connection = Connection(stored.url, "retention")
    limits = Retention(telemetry_days=30, notice_hours=0)
    work = Retaining(connection, limits, ["timing"], topology.load().refines, tick_s=0.1)
    stop = asyncio.Event()
    task = asyncio.create_task(work.run(stop))
    query = "select count(*) = 0 from telemetry"
    await eventually(lambda: stored.value(query), "telemetry is removed")
    stop.set()
    await task
    connection.drop()
    await stored.rows("update fold set version = 0")
    with services(nats_server, stored):
        query = "select version > 0 from fold where consumer = 'coach'"
        await eventually(lambda: stored.value(query), "moments are derived anew")
    assert await stored.value("select version from fold where consumer = 'corners'") == 0
    assert (await stored.rows(passes), await stored.rows(moments)) == before
