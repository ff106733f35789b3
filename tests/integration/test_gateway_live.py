"""The WebSocket of a gateway with a real NATS and Postgres."""

import asyncio
import struct
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
import websockets

from pitbox.chunks.frames import pack
from schemas.link import Hello, Receipt
from schemas.timing import Lap, Session
from schemas.wall import Dropped, Frames, Ping, Pong, Presence, Refused, Subscribe
from tests.tools import hub
from tests.tools.hub import Database, connected, eventually
from tests.tools.page import Served, gateway_of, narrow_socket, opened, serves, until_ready
from tests.tools.servers import NatsServer, Server, addresses, free_port, running

SEEN = ("speed", "fuel_level")
SESSION_ROW = """
insert into session (session, driver, at_ns, source, source_version, kind, track, car, car_model,
    sectors, started_ns)
values ('test', 'ada', 1, 'sim', '', 'unknown', 'Spa', '', '', 0, 1)
"""
LAP_ROW = """
insert into lap (session, driver, car, lap_number, revision, at_ns, own, timed_by, sectors_s, valid,
    in_lap, out_lap, pit, complete, frames, run)
values ('test', 'ada', '7', 3, 1, 5, true, 'none', '{}', true, false, false, false, true, 9, 1)
"""

# Bob's link was lost; ada closed the app after a second run.
RUN_ROWS = """
insert into run (session, driver, run, made, closed, have, gone, updated) values
    ('test', 'ada', 1, 5, true, '{[0,2)}', '{}', now()),
    ('test', 'ada', 2, 10, true, '{[0,4),[5,6),[8,9)}', '{[6,8)}', to_timestamp(1700000000.5)),
    ('test', 'bob', 1, 5, true, '{[0,5)}', '{}', now()),
    ('test', 'bob', 2, null, false, '{[0,5)}', '{}', now())
"""


@pytest.fixture
async def served(nats_server: NatsServer, database: str, tmp_path: Path) -> AsyncIterator[Served]:
    """Run a gateway."""
    await hub.apply(nats_server.url)
    async with gateway_of(nats_server.url, database, tmp_path) as running_gateway:
        yield running_gateway


def lap(number: int, **changes: Any) -> Lap:
    first = Lap(
        session="test", driver="ada", at_ns=5, car="7", own=True, lap_number=number, revision=1
    )
    return msgspec.structs.replace(first, **changes)


async def test_a_page_receives_its_channels_and_late_chunks(
    served: Served, nats_server: NatsServer
) -> None:
    async with opened(served) as page, connected(nats_server.url) as drive:
        await page.watch("test", *SEEN, "engine_rpm")
        sent = hub.chunk(4)
        await drive.publish("telemetry.live", sent)
        seen = await page.receive(Frames)
        assert (seen.driver, seen.run, seen.chunk, seen.first_frame) == ("ada", 1, 4, 12)
        assert seen.channels == SEEN
        assert struct.unpack("<6f", seen.rows) == (14.0, 40.0) * 3
        assert struct.unpack("<3d", seen.times)[0] == sent.captured_ns / 1e6
        assert not seen.late
        await drive.publish("telemetry.backfill", hub.chunk(2))
        seen = await page.receive(Frames)
        assert (seen.chunk, seen.late) == (2, True)


async def test_a_page_receives_the_drivers_it_selected(
    served: Served, nats_server: NatsServer
) -> None:
    async with opened(served) as page, connected(nats_server.url) as drive:
        await page.watch("test", "speed", drivers=("bob",))
        for driver in ("ada", "bob"):
            await drive.publish("telemetry.live", hub.chunk(0, driver=driver))
        assert (await page.receive(Frames)).driver == "bob"
        await page.watch("test", "speed")
        await drive.publish("telemetry.live", hub.chunk(1))
        assert (await page.receive(Frames)).driver == "ada"


async def test_a_driver_cannot_publish_as_another(served: Served, nats_server: NatsServer) -> None:
    async with opened(served) as page, connected(nats_server.url) as drive:
        await page.watch("test", "speed")
        await drive.publish("telemetry.live", hub.chunk(0), driver="eve")
        await drive.publish("telemetry.live", hub.chunk(1))
        assert (await page.receive(Frames)).chunk == 1


async def test_invalid_messages_are_dropped(served: Served, nats_server: NatsServer) -> None:
    async with opened(served) as page, connected(nats_server.url) as drive:
        await page.watch("test", "speed")
        subject = drive.topology.subject("telemetry.live", driver="ada", session="test")
        await drive.client.publish(subject, b"\xc1 no msgpack")
        await drive.publish("telemetry.live", hub.chunk(0, crc=1))
        await drive.publish("telemetry.live", hub.chunk(1, version=99))
        await drive.publish("telemetry.live", hub.chunk(2))
        assert (await page.receive(Frames)).chunk == 2


async def test_a_page_receives_earlier_facts_and_then_new_ones(
    served: Served, nats_server: NatsServer, database: str
) -> None:
    await Database(database).rows(SESSION_ROW)
    async with opened(served) as page, connected(nats_server.url, "timing") as timing:
        # Published before anybody subscribed, and not in Postgres: no persister runs.
        await timing.publish("timing.lap", lap(1))
        await page.watch("test", "speed")
        assert (await page.receive(Session)).track == "Spa"
        await timing.publish("timing.lap", lap(2))
        received = {(await page.receive(Lap)).lap_number, (await page.receive(Lap)).lap_number}
        assert received == {1, 2}
        await timing.publish("timing.lap", lap(2, revision=2, lap_time_s=90.0))
        assert (await page.receive(Lap)).lap_time_s == 90.0


async def test_a_page_receives_runs_closed_before_the_gateway_started(
    served: Served, database: str
) -> None:
    await Database(database).rows(RUN_ROWS)
    async with opened(served) as page:
        await page.watch("test", "speed")
        presence = await page.receive(Presence)
    assert presence == Presence(
        session="test",
        driver="ada",
        run=2,
        seen_ms=1_700_000_000_500.0,
        made=10,
        through=3,
        missing=((4, 4), (9, 9)),
        gone=((6, 7),),
        closed=True,
    )


async def test_a_page_receives_the_state_of_a_drivers_link(
    served: Served, nats_server: NatsServer
) -> None:
    async with (
        opened(served) as page,
        connected(nats_server.url) as drive,
        connected(nats_server.url, "persister") as persister,
    ):
        await page.watch("test", "speed")
        hello = Hello(
            driver="ada", session="test", run=1, at_ns=0, made=40, waiting=2, offset_ns=3_000_000
        )
        await drive.publish("link.hello", hello)
        known = await page.receive(Presence)
        assert (known.driver, known.offset_ms, known.made, known.waiting) == ("ada", 3.0, 40, 2)
        assert abs(known.seen_ms - time.time() * 1e3) < 60_000
        receipt = Receipt(
            session="test",
            driver="ada",
            run=1,
            through=9,
            upto=39,
            missing=((10, 19),),
            echo=1,
            made=-1,
            boot="b",
            hub_ns=0,
        )
        await persister.publish("link.receipt", receipt)
        known = await page.receive(Presence, lambda presence: bool(presence.missing))
        assert (known.through, known.missing, known.gone) == (9, ((10, 19),), ())
        await drive.publish("telemetry.backfill", hub.mark(40, gone=((15, 19),)))
        known = await page.receive(Presence, lambda presence: bool(presence.gone))
        assert (known.missing, known.gone) == (((10, 14),), ((15, 19),))


async def test_a_page_receives_the_reason_for_a_refused_message(served: Served) -> None:
    async with opened(served) as page:
        await page.send(Subscribe(session="test", channels=("sped",)))
        assert "no channel 'sped'" in (await page.receive(Refused)).reason
        await page.connection.send("text")
        assert "msgpack" in (await page.receive(Refused)).reason
        await page.connection.send(b"\xc1")
        await page.receive(Refused)
        await page.send(Ping(token=7.5))
        pong = await page.receive(Pong)
        assert pong.token == 7.5
        assert abs(pong.hub_ms - time.time() * 1e3) < 60_000


async def test_a_message_that_is_too_long_ends_the_connection(served: Served) -> None:
    async with opened(served) as page:
        await page.connection.send(b"\0" * 40_000)
        with pytest.raises(websockets.ConnectionClosed):
            await page.receive(Pong)
        assert page.connection.close_code == 1009


async def test_a_slow_page_loses_the_oldest_frames_and_receives_their_number_others_lose_none(
    served: Served, nats_server: NatsServer
) -> None:
    rows, frames = struct.pack("<6f", *range(6)), 500
    times = [hub.START_NS + frame * 16_000_000 for frame in range(frames)]
    block = pack(times, [rows] * frames)

    def large(number: int) -> Any:
        return hub.chunk(number, first_frame=number * frames, frames=frames, block=block)

    async with (
        opened(served) as quick,
        opened(served, sock=narrow_socket(served.port), max_queue=1) as slow,
        connected(nats_server.url) as drive,
    ):
        channels = tuple(hub_names())
        await quick.watch("test", *channels)
        await slow.watch("test", *channels)
        count = 900
        for number in range(count):
            await drive.publish("telemetry.live", large(number))
            assert (await quick.receive(Frames)).chunk == number
        dropped = (await slow.receive(Dropped)).count
        assert 0 < dropped < count
        last = await slow.receive(Frames, lambda received: received.chunk == count - 1)
        assert len(last.rows) == frames * 24


def hub_names() -> list[str]:
    from schemas.channels import CHANNELS

    return [CHANNELS[channel].name for channel in hub.CHANNELS]


async def test_foreign_pages_and_names_are_refused(served: Served) -> None:
    with pytest.raises(websockets.InvalidStatus, match="403"):
        async with opened(served, origin="http://evil.com"):
            pass
    async with opened(served, origin=f"http://127.0.0.1:{served.port}") as page:
        await page.send(Ping(token=1.0))
        await page.receive(Pong)
    with pytest.raises(websockets.InvalidStatus, match="403"):
        async with opened(served, name="evil.com"):
            pass


async def test_after_a_reconnect_live_data_resumes_and_missed_facts_are_read(
    served: Served, nats_server: NatsServer, database: str
) -> None:
    await Database(database).rows(SESSION_ROW)
    async with opened(served) as page:
        await page.watch("test", "speed")
        await page.receive(Session)
        nats_server.kill()
        await Database(database).rows(LAP_ROW)
        nats_server.start()
        # Read after the gateway's own connection is back.
        assert (await page.receive(Lap)).lap_number == 3
        async with connected(nats_server.url) as drive:
            await drive.publish("telemetry.live", hub.chunk(1))
            assert (await page.receive(Frames)).chunk == 1


class GatewayProcess(Server):
    """A gateway as a user starts it."""

    name = "gateway"

    def __init__(self, folder: Path, nats_url: str, database: str) -> None:
        super().__init__(folder, free_port())
        self.metrics_port = free_port()
        self._environment = {
            "PITBOX_GATEWAY__KEYS": str(folder / "gateway-keys"),
            "PITBOX_GATEWAY__PORT": str(self.port),
            "PITBOX_METRICS__PORT": str(self.metrics_port),
            **addresses(nats_url, database),
        }

    def command(self) -> list[str]:
        """Return the command line."""
        variables = [f"{name}={value}" for name, value in self._environment.items()]
        pitbox = Path(sys.executable).with_name("pitbox")
        return ["env", *variables, str(pitbox), "run", "gateway"]

    async def clients(self) -> float:
        """Return the number of connected pages in the gateway's metrics."""
        async with httpx.AsyncClient() as rest:
            text = (await rest.get(f"http://127.0.0.1:{self.metrics_port}/metrics")).text
        [line] = [
            part for part in text.splitlines() if part.startswith("pitbox_gateway_ws_clients")
        ]
        return float(line.split()[-1])


async def test_a_page_that_leaves_is_noticed_however_it_leaves(
    tmp_path: Path, nats_server: NatsServer, database: str
) -> None:
    process = GatewayProcess(tmp_path, nats_server.url, database)
    with running(process):

        async def connected_are(number: int) -> None:
            async def counted() -> bool:
                return await process.clients() == number

            await eventually(counted, f"{number} pages are connected")

        await until_ready(process.port)
        served = await serves(process.port, database)
        async with opened(served) as page:
            await page.watch("test", "speed")
            await connected_are(1)
        await connected_are(0)
        async with opened(served) as page:
            await page.watch("test", "speed")
            await connected_are(1)
            page.connection.transport.abort()
            await connected_are(0)


async def test_the_gateway_starts_without_nats_and_postgres_and_stops_with_pages_open(
    tmp_path: Path, database: str
) -> None:
    nats = NatsServer(tmp_path)
    process = GatewayProcess(tmp_path, nats.url, database)
    process.start()
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{process.port}/api/v1") as rest:
            assert (await rest.get("/health")).json() == {"status": "ok"}
            unready = await rest.get("/ready")
            assert (unready.status_code, unready.json()["nats"]) == (503, False)
        with running(nats):
            await until_ready(process.port)
            served = await serves(process.port, database)
            async with opened(served) as page, opened(served, max_queue=1):
                await page.watch("test", "speed")
                await asyncio.to_thread(process.stop)
                with pytest.raises(websockets.ConnectionClosed):
                    await page.receive(Frames)
                assert page.connection.close_code == 1012
    finally:
        process.kill()
