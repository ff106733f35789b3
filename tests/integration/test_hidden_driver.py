"""A driver who hides from a role is invisible to it: in no answer and in no live event."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import httpx
import msgspec
import pytest
import websockets
from msgspec import Struct

from consumers.persister.service import service as persister
from schemas.coaching import Debrief, Moment
from schemas.link import Hello
from schemas.passes import Passes
from schemas.sim import CarSeen, CarsSeen, Entry, RaceDescribed
from schemas.timing import Lap, Session
from schemas.wall import Cars, Entries, Frames, Ping, Pong, Presence, Subscribe, ToPage
from tests.tools import hub, people
from tests.tools.hub import Database, connected, eventually, serving
from tests.tools.page import API, Page, Served, gateway_of, opened
from tests.tools.people import Person
from tests.tools.servers import NatsServer

CLOSED_S: Final = 30.0
HIS_TIME_S: Final = 61.171
"""A lap time that only the hidden driver has, also where another PC recorded that car."""
MARKS: Final = ("zed", "61.171")
HIDE: Final = {"kind": "telemetry", "role": "guest", "allowed": False}


def lap(driver: str, **changes: Any) -> Lap:
    """Return a lap recorded by a driver's PC; the car of zed is 27, of ada 7."""
    whole = {"session": "test", "at_ns": 5, "lap_number": 2, "revision": 1, "frames": 9}
    return Lap(**{**whole, "driver": driver, "own": True, "lap_time_s": 65.5, **changes})


FACTS: Final = (
    Session(session="test", driver="ada", at_ns=1, source="sim", car="7", started_ns=1),
    Session(session="test", driver="zed", at_ns=1, source="sim", car="27", started_ns=1),
    Session(session="alone", driver="zed", at_ns=1, source="sim", car="27", started_ns=1),
    lap("ada", car="7", started_ns=hub.START_NS, ended_ns=hub.START_NS + 10**9),
    lap("zed", car="27", started_ns=hub.START_NS, lap_time_s=HIS_TIME_S),
    # Ada's game recorded zed's car under its number.
    lap("ada", car="12", own=False, lap_time_s=HIS_TIME_S),
    *hub.of_corners(driver="zed", car="27", lap_number=2),
)
FACTS_STORED: Final = " + ".join(
    f"(select count(*) from {table})" for table in ("session", "lap", "passes", "moment", "debrief")
)
CARS: Final = hub.observed(
    RaceDescribed(at_ns=hub.START_NS, entries=(Entry("7", "ada"), Entry("12", "zed"))),
    CarsSeen(
        at_ns=hub.START_NS,
        cars=(CarSeen("7", position=2), CarSeen("12", position=1, best_ms=61_171)),
        own="7",
    ),
)
CHUNKS: Final = (
    hub.chunk(0, observed=CARS),
    hub.chunk(0, driver="zed"),
    hub.chunk(2, driver="zed"),
    hub.chunk(0, driver="zed", session="alone"),
)


class Race(Struct, frozen=True):
    """A gateway with a race of ada and zed, and the logins of zed and a guest."""

    served: Served
    nats_url: str
    zed: Person
    guest: Person

    async def decide(self, **changes: Any) -> None:
        """Store a consent of zed; by default it hides telemetry from guests."""
        async with self.served.rest(self.zed) as rest:
            answer = await rest.put("/consents", json=HIDE | changes)
        assert answer.status_code == 204, answer.text

    async def drive(self, number: int) -> None:
        """Publish every live event once more, zed's before ada's."""
        async with (
            connected(self.nats_url) as drive,
            connected(self.nats_url, "timing") as timing,
            connected(self.nats_url, "corners") as corners,
            connected(self.nats_url, "coach") as coach,
        ):
            for driver in ("zed", "ada"):
                around = CARS if driver == "ada" else b""
                chunk = hub.chunk(number, driver=driver, observed=around)
                hello = Hello(driver=driver, session="test", run=1, at_ns=1, made=number)
                await drive.publish("link.hello", hello)
                await drive.publish("telemetry.live", chunk)
                await drive.publish("telemetry.backfill", chunk)
            for fact in FACTS:
                if isinstance(fact, Lap):
                    fact = msgspec.structs.replace(fact, revision=number, frames=9 + number)
                    await timing.publish("timing.lap", fact)
                elif isinstance(fact, Passes):
                    passes = msgspec.structs.replace(fact, revision=number)
                    await corners.publish("timing.passes", passes)
                elif isinstance(fact, Moment):
                    moment = msgspec.structs.replace(fact, revision=number)
                    await coach.publish("coach.moment", moment)
                elif isinstance(fact, Debrief):
                    debrief = msgspec.structs.replace(fact, revision=number)
                    await coach.publish("coach.debrief", debrief)


@pytest.fixture
async def race(nats_server: NatsServer, database: str, tmp_path: Path) -> AsyncIterator[Race]:
    """Yield a race that a real persister has stored."""
    await hub.apply(nats_server.url)
    stored = Database(database)
    async with serving(persister(hub.settings_of(nats_server.url, database))):
        async with connected(nats_server.url) as drive:
            await hub.send(drive, CHUNKS)
        await hub.write_facts(database, *FACTS)

        async def everything() -> bool:
            chunks = await stored.value("select count(*) from telemetry")
            facts = await stored.value(f"select {FACTS_STORED}")
            return bool(chunks == len(CHUNKS) and facts == len(FACTS))

        await eventually(everything, "the race is stored")
    async with (
        gateway_of(nats_server.url, database, tmp_path) as served,
        httpx.AsyncClient(base_url=served.address) as rest,
    ):
        zed = await people.joined(rest, database, "zorro", "driver", "zed")
        guest = await people.joined(rest, database, "gus", "guest")
        yield Race(served, nats_server.url, zed, guest)


async def read_everything(served: Served, person: Person) -> dict[str, str]:
    """Return a person's answers of every GET of the API, in each format."""
    async with served.rest(person) as rest:
        described = (await rest.get("/openapi.json")).json()["paths"]
        found = {}
        for template in (path for path, item in described.items() if "get" in item):
            for session in ("test", "alone"):
                path = template.removeprefix(API).replace("{session}", session)
                path = path.replace("{driver}", "ada").replace("{lap_number}", "2")
                queries = [""]
                if path.endswith("/telemetry"):
                    span = "" if "/laps/" in path else f"from_ns=0&to_ns={2**62}&"
                    queries = [f"?{span}format={form}" for form in ("json", "csv", "msgpack")]
                if path.endswith("/cars"):
                    queries = [f"?at_ns={hub.START_NS + 10**9}"]
                for query in queries:
                    found[path + query] = (await rest.get(path + query)).text
        return found


async def receive_until(page: Page, last: str) -> list[bytes]:
    """Return the messages that a page receives up to the frames of ada's last chunk."""
    decode = msgspec.msgpack.Decoder(ToPage).decode
    received: list[bytes] = []
    async with asyncio.timeout(CLOSED_S):
        while True:
            received.append(await page.connection.recv(decode=False))
            match decode(received[-1]):
                case Frames(driver="ada", chunk=number) if str(number) == last:
                    return received


def shows_him(message: bytes) -> bool:
    """Return whether a live event is zed's, or has zed's lap time."""
    match msgspec.msgpack.decode(message, type=ToPage):
        case Lap() as fact:
            return fact.driver == "zed" or fact.lap_time_s == HIS_TIME_S
        case Cars(cars=cars):
            return any(car.car == "12" for car in cars)
        case Entries(entries=entries):
            return any(entry.driver == "zed" for entry in entries)
        case Frames() | Presence() | Session() | Passes() | Moment() as fact:
            return fact.driver == "zed"
    return False


async def settle(page: Page) -> None:
    """Subscribe to all drivers, or to some by name, and wait for the facts so far."""
    await page.send(Subscribe(session="test", drivers=("ada", "zed"), channels=("speed",)))
    await page.send(Ping(token=1.0))
    await page.receive(Pong)


async def test_no_endpoint_shows_a_hidden_driver(race: Race) -> None:
    before = await read_everything(race.served, race.guest)
    seen = [path for path, text in before.items() if any(mark in text for mark in MARKS)]
    lists = ("laps", "holes", "passes", "moments", "debriefs")
    assert {"/sessions", "/sessions/test", *(f"/sessions/test/{name}" for name in lists)} <= {*seen}
    assert any("/cars?" in path for path in seen)
    await race.decide()
    after = await read_everything(race.served, race.guest)
    assert before.keys() == after.keys()
    for path, text in after.items():
        assert not any(mark in text for mark in MARKS), path
    async with race.served.rest(race.guest) as rest:
        [only] = (await rest.get("/sessions")).json()
        assert (only["session"], [one["driver"] for one in only["drivers"]]) == ("test", ["ada"])
        laps = (await rest.get("/sessions/test/laps")).json()
        assert [(one["driver"], one["own"]) for one in laps] == [("ada", True)]
        at = f"/sessions/test/drivers/ada/cars?at_ns={hub.START_NS}"
        assert [(one["driver"], one["own"]) for one in (await rest.get(at)).json()["cars"]] == [
            ("ada", True)
        ]
        of_session = ("", "/laps", "/passes", "/moments", "/debriefs")
        for path in (f"/sessions/alone{name}" for name in of_session):
            unknown = await rest.get(path.replace("alone", "nowhere"))
            answer = await rest.get(path)
            assert answer.status_code == unknown.status_code == 404
            assert answer.text.replace("alone", "nowhere") == unknown.text
        span, wrong = f"from_ns=0&to_ns={2**62}", "from_ns=2&to_ns=1"
        his = ["laps/2/telemetry", "laps/3/telemetry"]
        his += [f"telemetry?{span}&format={form}" for form in ("json", "csv", "msgpack")]
        his += [f"cars?at_ns={hub.START_NS}"]
        his += [f"telemetry?{span}&channels=none", f"telemetry?{wrong}"]
        for path in his:
            answer = await rest.get(f"/sessions/test/drivers/zed/{path}")
            unknown = await rest.get(f"/sessions/test/drivers/noe/{path}")
            same = answer.content.replace(b"zed", b"noe") == unknown.content
            assert (answer.status_code, same) == (unknown.status_code, True), path
    for person in (race.zed, race.served.person):
        answers = await read_everything(race.served, person)
        assert all(mark in answers["/sessions/test/laps"] for mark in MARKS), person.name
        assert answers["/sessions/test/laps"].count("61.171") == 2


async def test_no_live_event_shows_a_hidden_driver_and_open_pages_lose_the_driver_at_once(
    race: Race,
) -> None:
    async with opened(race.served, person=race.guest) as guest:
        await settle(guest)
        await race.drive(10)
        received = await receive_until(guest, "10")
        assert any(shows_him(message) for message in received)
        await race.decide()
        with pytest.raises(websockets.ConnectionClosed):
            async with asyncio.timeout(CLOSED_S):
                while True:
                    await guest.connection.recv()
        assert guest.connection.close_code == 4401
    async with (
        opened(race.served, person=race.guest) as guest,
        opened(race.served, person=race.zed) as himself,
    ):
        for page in (guest, himself):
            await settle(page)
        await race.drive(11)
        assert not any(shows_him(message) for message in await receive_until(guest, "11"))
        assert any(shows_him(message) for message in await receive_until(himself, "11"))


async def test_laps_of_a_hidden_driver_recorded_by_another_are_hidden_too(
    race: Race,
) -> None:
    async with opened(race.served, person=race.guest) as guest:
        await guest.watch("test", "speed", drivers=("ada",))
        await guest.receive(Lap, lambda fact: fact.lap_time_s == HIS_TIME_S)
        await race.decide()
        with pytest.raises(websockets.ConnectionClosed):
            async with asyncio.timeout(CLOSED_S):
                while True:
                    await guest.connection.recv()


async def test_consents_for_camera_and_microphone_do_not_change_telemetry(race: Race) -> None:
    async with opened(race.served, person=race.guest) as guest:
        await settle(guest)
        for kind in ("camera", "microphone"):
            await race.decide(kind=kind)
        await race.drive(12)
        assert any(shows_him(message) for message in await receive_until(guest, "12"))
