"""REST deletes a driver's part of a session, and live pages lose it at once."""

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import httpx
import pytest

from consumers.persister.service import service as persister
from schemas.timing import Lap, Session
from schemas.wall import Deleted, Frames, Presence
from tests.tools import hub, people
from tests.tools.hub import Database, chunk, connected, eventually, mark, send, serving
from tests.tools.page import Served, gateway_of, opened
from tests.tools.servers import NatsServer

LATER_RUN = 2**52
OF_ADA = "/sessions/test/drivers/ada"


@pytest.fixture
async def served(nats_server: NatsServer, database: str, tmp_path: Path) -> AsyncIterator[Served]:
    """Run a gateway and a persister; ada and bob drove, and both closed their apps."""
    await hub.apply(nats_server.url)
    async with (
        serving(persister(hub.settings_of(nats_server.url, database))),
        gateway_of(nats_server.url, database, tmp_path) as running_gateway,
        connected(nats_server.url) as drive,
    ):
        for driver in ("ada", "bob"):
            part = [chunk(0, driver=driver), mark(1, driver=driver, closed=True)]
            await send(drive, part)
            session = Session(session="test", driver=driver, at_ns=1, source="sim", started_ns=1)
            lap = Lap(
                **{"session": "test", "driver": driver, "at_ns": 5, "car": "7", "own": True},
                **{"lap_number": 1, "revision": 1, "lap_time_s": 80.0, "started_ns": hub.START_NS},
            )
            await hub.write_facts(database, session, lap)
        closed = "select count(*) = 2 from run where closed"
        await eventually(lambda: Database(database).value(closed), "both are stored")
        yield running_gateway


async def gone(database: str) -> None:
    query = "select count(*) = 0 from deleted where finished is null"
    await eventually(lambda: Database(database).value(query), "the deletion is finished")


async def test_an_owner_deletes_and_nothing_of_it_is_served(served: Served) -> None:
    async with served.rest() as rest:
        assert (await rest.delete(OF_ADA)).status_code == 204
        listed = (await rest.get("/sessions/test")).json()
        assert [one["driver"] for one in listed["drivers"]] == ["bob"]
        laps = (await rest.get("/sessions/test/laps")).json()
        assert [one["driver"] for one in laps] == ["bob"]
        span = {"from_ns": 0, "to_ns": 2**62}
        assert (await rest.get(f"{OF_ADA}/telemetry", params=span)).json()["times_ms"] == []
        assert (await rest.get(f"{OF_ADA}/laps/1/telemetry")).status_code == 404
        again = await rest.delete(OF_ADA)
        assert (again.status_code, again.json()["detail"]) == (
            404,
            "driver: ada has no part in session 'test'",
        )
        entry = (await rest.get("/audit")).json()[0]
        assert (entry["action"], entry["about"]) == ("session deleted", "test of ada")
        assert entry["actor"] == served.person.name
    await gone(served.database)


async def test_a_driver_deletes_only_the_own_part(served: Served) -> None:
    async with httpx.AsyncClient(base_url=served.address) as rest:
        bob = await people.joined(rest, served.database, "bob", "driver", "bob")
        guest = await people.joined(rest, served.database, "gus", "guest")
    async with served.rest(bob) as rest:
        refused = await rest.delete(OF_ADA)
        assert refused.status_code == 403
        assert refused.json()["detail"] == "driver: you can delete only what you drove"
        assert (await rest.delete("/sessions/test/drivers/bob")).status_code == 204
    async with served.rest(guest) as rest:
        assert (await rest.delete(OF_ADA)).status_code == 403
    rows = await Database(served.database).rows("select session, driver from deleted")
    assert [tuple(row) for row in rows] == [("test", "bob")]


async def test_a_session_that_is_driven_is_not_deleted(
    served: Served, nats_server: NatsServer
) -> None:
    database = Database(served.database)
    async with served.rest() as rest, connected(nats_server.url) as drive:
        await send(drive, [chunk(0, run=2)])
        await eventually(lambda: database.value("select true from run where run = 2"), "driven")
        refused = await rest.delete(OF_ADA)
        assert refused.status_code == 409
        assert "test is being driven by ada: close `pitbox drive` first" in refused.json()["detail"]
        await send(drive, [mark(1, run=2, closed=True)])
        await eventually(
            lambda: database.value("select true from run where run = 2 and closed"), "it is closed"
        )
        assert (await rest.delete(OF_ADA)).status_code == 204


async def test_a_live_page_loses_the_driver_and_shows_only_later_runs(
    served: Served, nats_server: NatsServer
) -> None:
    async with opened(served) as page, connected(nats_server.url) as drive:
        await page.watch("test", "speed")
        await page.receive(Lap, lambda lap: lap.driver == "ada")
        async with served.rest() as rest:
            assert (await rest.delete(OF_ADA)).status_code == 204
        deleted = await page.receive(Deleted)
        assert (deleted.session, deleted.driver) == ("test", "ada")
        await drive.publish("telemetry.live", chunk(8))
        await drive.publish("telemetry.live", chunk(9, run=LATER_RUN))
        frames = await page.receive(Frames, lambda frames: frames.driver == "ada")
        assert frames.run == LATER_RUN
    async with opened(served) as page:
        await page.watch("test", "speed")
        presence = await page.receive(Presence, lambda one: one.driver == "ada")
        assert presence.run == LATER_RUN


async def test_a_session_shows_what_retention_removes_and_an_owner_keeps_it(
    served: Served,
) -> None:
    database = await asyncpg.connect(served.database)
    await database.execute(
        "insert into retention_due values ('test', 'telemetry', to_timestamp(1800000000))"
    )
    await database.execute(
        "update run set expired = have, expired_at = to_timestamp(1700000000) where driver = 'ada'"
    )
    async with served.rest() as rest:
        shown = (await rest.get("/sessions/test")).json()
        assert shown["removal"] == {"part": "telemetry", "at_ms": 1.8e12}
        removed = {one["driver"]: one["removed_ms"] for one in shown["drivers"]}
        assert removed == {"ada": 1.7e12, "bob": None}
        assert (await rest.put("/sessions/test/pin")).status_code == 204
        shown = (await rest.get("/sessions")).json()[0]
        assert (shown["pinned"], shown["removal"]) == (True, None)
        assert (await rest.delete("/sessions/test/pin")).status_code == 204
        assert (await rest.delete("/sessions/test/pin")).status_code == 204
        assert (await rest.put("/sessions/other/pin")).status_code == 404
        entries = [entry["action"] for entry in (await rest.get("/audit")).json()]
        assert entries[:2] == ["session not pinned any more", "session pinned"]
    await database.close()
