"""A driver who floods is suspended; the other drivers are unaffected, and no data is lost."""

import asyncio
import base64
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Final

import msgspec
import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs

from consumers.keys.service import service as keys
from pitbox import topology
from pitbox.identity import credentials
from pitbox.identity.credentials import Credentials
from pitbox.identity.nkeys import KeyPair, Kind
from pitbox.nats.bus import Bus, BusDown
from pitbox.settings import Allowance, Driver, Nats, Settings
from schemas.keys import Enrol, Enrolled
from schemas.link import Receipt
from tests.faults.programs import Service
from tests.integration.test_drive import App, Car
from tests.tools.hub import Database, apply, chunk, eventually, serving, settings_of
from tests.tools.processes import environment, pitbox
from tests.tools.servers import NatsServer

NEIGHBOURS: Final = 49
INTERVAL_S: Final = 0.05
PENALTY_S: Final = 5
WITHIN_S: Final = 40.0
STREAM: Final = "TELEMETRY"
LETTERS: Final = 100
ALLOWED: Final = {"PITBOX_ALLOWANCE__PENALTY_S": str(PENALTY_S)}
STRICT: Final = Allowance(messages_per_s=20, burst_s=2, penalty_s=60)
FLOODS: Final = {
    "rubbish": b"x" * 64,
    "blocks": b"x" * 200_000,
    "chunks": msgspec.msgpack.encode(chunk(driver="eve", session="flood", run=2)),
}


class Hub:
    """Run keys, a persister and timing as processes of their own."""

    def __init__(self, server: NatsServer, database: str, folder: Path) -> None:
        self.server = server
        self.rows = Database(database)
        self.folder = folder
        surroundings = environment(server, database) | ALLOWED
        self.services = [
            Service(name, folder, surroundings) for name in ("keys", "persister", "timing")
        ]

    async def stored(self, driver: str) -> int:
        """Return the number of chunks of a driver in Postgres."""
        query = "select count(*) from telemetry where driver = $1 and session != 'flood'"
        return int(await self.rows.value(query, driver))

    async def is_out(self, driver: str) -> bool:
        """Return whether Postgres has a suspension of the driver."""
        query = "select shut_until is not null from nats_account where driver = $1"
        return bool(await self.rows.value(query, driver))


async def signed(desk: Bus, wish: Enrol) -> Enrolled:
    """Send a request to keys until it answers; return the answer."""

    async def answered() -> Enrolled | None:
        with contextlib.suppress(BusDown):
            answer: Enrolled = await desk.request("keys.enrol", wish, timeout_s=5)
            return None if answer.later else answer
        return None

    found: Enrolled = await eventually(answered, "somebody signs")
    return found


async def enrol(desk: Bus, driver: str, folder: Path) -> Path:
    """Enrol a driver as the gateway does for a code."""
    pair, file = KeyPair.new(Kind.USER), folder / f"{driver}.creds"
    wish = Enrol(driver=driver, public_key=pair.public)

    answer = await signed(desk, wish)
    assert not answer.refused
    Credentials(answer.jwt, pair).write(file)
    return file


@pytest.fixture
async def hub(nats_server: NatsServer, database: str, tmp_path: Path) -> AsyncIterator[Hub]:
    """Run a hub for one test."""
    await apply(nats_server.url)
    made = Hub(nats_server, database, tmp_path)
    try:
        for service in made.services:
            service.start()
        yield made
    finally:
        for service in made.services:
            service.end()


@pytest.fixture
async def desk(nats_server: NatsServer, database: str) -> AsyncIterator[Bus]:
    """Yield a connection with the credentials of the hub's commands."""
    server = settings_of(nats_server.url, database).nats
    bus = await Bus.connect(server, "setup", topology.load())
    yield bus
    await bus.close()


class Neighbour:
    """Drive a car at 20 Hz that sends every chunk until it is stored, and counts them."""

    def __init__(self, name: str, server: Nats) -> None:
        self.name = name
        self.made = 0
        self.tries = 0
        self.answered_at = [time.monotonic()]
        self.had_at = [time.monotonic()]
        self.latencies_s: list[float] = []
        self._server = server

    async def drive(self, parked: asyncio.Event) -> None:
        """Drive until stopped."""
        bus = await Bus.connect(self._server, "drive", topology.load())
        await bus.listen("link.receipt", self._had, driver=self.name)
        due = time.monotonic()
        while not parked.is_set():
            one = chunk(self.made, driver=self.name, session="spa")
            await self._send(bus, one)
            self.made += 1
            due = max(due + INTERVAL_S, time.monotonic())
            await asyncio.sleep(due - time.monotonic())
        await bus.close()

    async def _send(self, bus: Bus, one: object) -> None:
        while True:
            self.tries += 1
            began = time.monotonic()
            with contextlib.suppress(BusDown):
                await bus.store("telemetry.live", one, timeout_s=3)  # type: ignore[arg-type]
                self.answered_at.append(time.monotonic())
                self.latencies_s.append(time.monotonic() - began)
                return

    def _had(self, _: Receipt) -> None:
        self.had_at.append(time.monotonic())


def longest_s(times: list[float]) -> float:
    return max(later - before for before, later in pairwise(times))


def flood(server: NatsServer, file: Path, payload: bytes) -> Iterator[bytes]:
    """Publish one message as fast as possible, until nats-server closes the connection."""
    who = credentials.read(file)
    with socket.create_connection(("127.0.0.1", server.port)) as wire:
        nonce = msgspec.json.decode(wire.makefile("rb").readline().removeprefix(b"INFO "))["nonce"]
        sig = base64.b64encode(who.pair.sign(nonce.encode())).decode()
        options = {"verbose": False, "jwt": who.jwt, "sig": sig}
        wire.sendall(b"CONNECT %s\r\n" % msgspec.json.encode(options))
        one = b"PUB telemetry.eve.flood.live %d\r\n%s\r\n" % (len(payload), payload)
        many = one * max(1, 500_000 // len(one))
        with contextlib.suppress(OSError):
            while True:
                wire.sendall(many)
                yield many


def exhaust(floods: Iterator[bytes]) -> int:
    return sum(len(sent) for sent in floods)


@pytest.mark.parametrize("kind", FLOODS)
async def test_a_flooding_driver_is_suspended_and_no_driver_of_50_loses_anything(
    hub: Hub, desk: Bus, kind: str
) -> None:
    names = [f"car{number}" for number in range(NEIGHBOURS)]
    files = {name: await enrol(desk, name, hub.folder) for name in (*names, "eve")}
    url, parked = hub.server.url, asyncio.Event()
    neighbours = [Neighbour(name, Nats(url=url, credentials=str(files[name]))) for name in names]
    driving = [asyncio.create_task(one.drive(parked)) for one in neighbours]
    settings = Settings(
        nats=Nats(url=url, credentials=str(files["eve"])),
        driver=Driver(name="eve", spool=str(hub.folder / "spool")),
    )
    eve = App(settings, hub.folder / "eve.ledger", Car())
    try:
        await eve.drives(50)
        began = time.monotonic()
        sent = await asyncio.wait_for(
            asyncio.to_thread(exhaust, flood(hub.server, files["eve"], FLOODS[kind])), WITHIN_S
        )
        out_s = time.monotonic() - began

        async def written() -> bool:
            return await hub.is_out("eve")

        await eventually(written, "it is written down")
        at_the_end = len(eve.rows())
        await eve.drives(50)

        async def back() -> bool:
            return await hub.stored("eve") > at_the_end

        await eventually(back, "the driver is readmitted", timeout_s=PENALTY_S + WITHIN_S)
        back_s = time.monotonic() - began
        await eve.park()
        parked.set()
        await asyncio.wait_for(asyncio.gather(*driving), WITHIN_S)
        for one in neighbours:

            async def whole(one: Neighbour = one) -> bool:
                return await hub.stored(one.name) == one.made

            await eventually(whole, f"all of {one.name} is in Postgres")

        async def read_on() -> bool:
            return all(not one.num_pending for one in await desk.jetstream.consumers_info(STREAM))

        await eventually(read_on, "persister and timing have read all that is left")
    finally:
        eve.stop.set()
        for task in driving:
            task.cancel()
        await asyncio.wait({eve.task, *driving})
    assert await hub.stored("eve") == len(eve.rows())
    assert await hub.rows.value("select count(*) from dead_letter") <= 2 * LETTERS
    audit = await hub.rows.rows("select action, about from audit")
    assert [row["action"] for row in audit] == ["driver shut out"]
    assert audit[0]["about"].startswith("eve: sent too much, until 20")
    waits_s = sorted(wait for one in neighbours for wait in one.latencies_s)
    print(
        f"{kind}: {sent / 1e6:.0f} MB ({sent // (len(FLOODS[kind]) + 40)} messages) sent, "
        f"out after {out_s:.1f} s, back after {back_s:.1f} s; of 49 others: "
        f"{len(waits_s)} chunks, {sum(one.tries - one.made for one in neighbours)} sent again, "
        f"acknowledged in {waits_s[len(waits_s) // 2] * 1e3:.1f} ms (median), "
        f"{waits_s[len(waits_s) * 99 // 100] * 1e3:.0f} ms (99 %), "
        f"longest without one {max(longest_s(one.answered_at) for one in neighbours):.2f} s, "
        f"without a receipt {max(longest_s(one.had_at) for one in neighbours):.2f} s"
    )


async def sends_too_much(server: Nats, driver: str = "eve") -> None:
    """Publish as a driver, until nats-server closes the connection."""
    bus = await Bus.connect(server, "drive", topology.load(), forever=False)

    async def ended() -> bool:
        for number in range(STRICT.messages_per_s):
            with contextlib.suppress(BusDown):
                await bus.publish("telemetry.live", chunk(number, driver=driver))
        return not bus.up.is_set()

    await eventually(ended, "it is too much")
    await bus.close()


async def is_refused(server: Nats) -> bool:
    with contextlib.suppress(BusDown):
        await (await Bus.connect(server, "drive", topology.load(), forever=False)).close()
        return False
    return True


@pytest.fixture
async def strict(nats_server: NatsServer, database: str) -> Settings:
    """Return the settings of a hub with a small allowance."""
    await apply(nats_server.url)
    return replace(settings_of(nats_server.url, database), allowance=STRICT)


async def test_a_suspension_survives_a_restart_and_ends_in_time(
    strict: Settings, desk: Bus, nats_server: NatsServer, database: str, tmp_path: Path
) -> None:
    rows = Database(database)
    again = Enrol(driver="eve", public_key=KeyPair.new(Kind.USER).public)
    async with serving(keys(strict)):
        file = await enrol(desk, "eve", tmp_path)
        server = Nats(url=nats_server.url, credentials=str(file))
        await sends_too_much(server)
        assert await is_refused(server)
    async with serving(keys(strict)):
        refused = (await signed(desk, again)).refused
        assert refused.startswith("eve sent too much: try again after ")
        assert await is_refused(server)
        listed = await asyncio.to_thread(pitbox, nats_server, database, "driver", "list")
        assert "suspended until 20" in listed.stdout
        await rows.rows("update nats_account set shut_until = now() + interval '1 s'")
    async with serving(keys(strict)):

        async def readmitted() -> bool:
            return not await is_refused(server)

        await eventually(readmitted, "the driver is readmitted")
    assert await rows.value("select count(*) from audit where action = 'driver shut out'") == 1


@contextlib.asynccontextmanager
async def away(database: str) -> AsyncIterator[None]:
    """Close all connections to Postgres and refuse new ones during the block."""
    server, _, name = database.partition("?")[0].rpartition("/")
    admin = Database(f"{server}/postgres")
    allow = f"alter database {name} allow_connections"
    await admin.rows(f"{allow} false")
    await admin.rows(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1", name
    )
    try:
        yield
    finally:
        await admin.rows(f"{allow} true")


async def is_written(rows: Database, driver: str) -> None:
    """Wait until Postgres has a suspension of a driver."""

    async def written() -> object:
        query = "select shut_until > enrolled from nats_account where driver = $1"
        return await rows.value(query, driver)

    await eventually(written, f"it is written down of {driver}")


async def test_a_service_started_without_postgres_watches_drivers_and_stores_suspensions_later(
    strict: Settings, desk: Bus, database: str, tmp_path: Path
) -> None:
    async with serving(keys(strict)):
        file = await enrol(desk, "eve", tmp_path)
    server = Nats(url=strict.nats.url, credentials=str(file))
    async with contextlib.AsyncExitStack() as until_later:
        async with away(database):
            await until_later.enter_async_context(serving(keys(strict)))
            await sends_too_much(server)
        await is_written(Database(database), "eve")
        assert await is_refused(server)


async def test_a_suspension_lasts_while_postgres_is_down_and_others_are_still_suspended(
    strict: Settings, desk: Bus, database: str, tmp_path: Path
) -> None:
    brief = replace(strict, allowance=replace(STRICT, penalty_s=1, longest_penalty_s=1))
    async with serving(keys(brief)):
        files = {driver: await enrol(desk, driver, tmp_path) for driver in ("eve", "mal")}
        eve, mal = (Nats(url=strict.nats.url, credentials=str(file)) for file in files.values())
        await sends_too_much(eve)
        with capture_logs() as lines:
            async with away(database):

                async def waits() -> bool:
                    return any(line["event"] == "cannot check all drivers" for line in lines)

                await eventually(waits, "the suspension is over")
                await sends_too_much(mal, "mal")

                async def purged() -> bool:
                    return (await desk.jetstream.stream_info(STREAM)).state.messages == 0

                await eventually(purged, "the messages are purged")
                assert await asyncio.gather(is_refused(eve), is_refused(mal)) == [True, True]
        for one in (eve, mal):

            async def readmitted(one: Nats = one) -> bool:
                return not await is_refused(one)

            await eventually(readmitted, "the driver is readmitted")
        await is_written(Database(database), "mal")


async def test_a_standby_process_suspends_nobody(
    strict: Settings, desk: Bus, tmp_path: Path
) -> None:
    brief = replace(strict, allowance=replace(STRICT, penalty_s=1))
    async with serving(keys(brief)):
        file = await enrol(desk, "eve", tmp_path)
        with capture_logs() as lines:
            async with serving(keys(strict)):

                async def stands_by() -> bool:
                    return any("another process signs" in str(line) for line in lines)

                await eventually(stands_by, "the second process stands by")
                server = Nats(url=strict.nats.url, credentials=str(file))
                await sends_too_much(server)

                async def readmitted() -> bool:
                    return not await is_refused(server)

                await eventually(readmitted, "the driver is readmitted")
        assert sum("driver suspended" in line["event"] for line in lines) == 1
