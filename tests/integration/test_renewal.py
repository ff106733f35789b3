"""Credentials are renewed while driving, over a second connection, without loss."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs

from commands.hub import enrolment
from consumers.keys.service import service as keys
from consumers.persister.service import service as persister
from pitbox import topology
from pitbox.identity import credentials
from pitbox.nats.bus import Bus
from pitbox.settings import Allowance, Driver, Nats, Settings
from producers.drive import drive
from producers.source import Began, Frame, Observation
from producers.uplink.renewal import renew_in_time
from schemas.link import Ask
from schemas.sim import SessionOpened
from tests.faults.ledger import read_ledger
from tests.tools import hub
from tests.tools.hub import Database, connected, eventually, serving
from tests.tools.servers import NatsServer

LIFE_S: Final = 6
"""They are renewed every four seconds, and the connection before is ended after five."""

RENEWALS: Final = 3
RENEWED_S: Final = 80.0
WINDOW: Final = 64
SIXTIETH_S: Final = 1 / 60
FREE: Final = Allowance(messages_per_s=10**6, bytes_per_s=10**9)
LOST: Final = "connection to nats-server lost"


@pytest.fixture
async def settings(nats_server: NatsServer, database: str) -> AsyncIterator[Settings]:
    """Return the settings of a hub whose credentials are valid for only a few seconds."""
    await hub.apply(nats_server.url)
    made = replace(hub.settings_of(nats_server.url, database), allowance=FREE)
    async with serving(persister(made)), serving(keys(made, life_s=LIFE_S)):
        yield made


async def enrolled(settings: Settings, folder: Path) -> Nats:
    """Enrol a new driver and return the NATS settings of the PC."""
    file = folder / "ada.creds"
    await enrolment.enrol(settings.nats, topology.load(), "ada", file)
    return Nats(url=settings.nats.url, credentials=str(file))


async def renewed(server: Nats) -> None:
    """Wait until credentials have been renewed a number of times."""
    seen: set[str] = set()

    async def often() -> bool:
        seen.add(credentials.read(Path(server.credentials)).jwt)
        return len(seen) > RENEWALS

    await eventually(often, f"{RENEWALS} renewals", RENEWED_S)


async def in_stream(url: str, route: str) -> int:
    """Return the number of messages of a route in its stream."""
    async with connected(url) as bus:
        stream, subject = bus.topology.stream_of[route], bus.topology.filter(route)
        found = await bus.jetstream.stream_info(stream, subjects_filter=subject)
    return sum((found.state.subjects or {}).values())


async def frames_at_60_hz(parked: asyncio.Event) -> AsyncIterator[Observation]:
    """Yield frames as a game does: 60 a second, in twenty chunks."""
    yield Began("spa", (30, 31), SessionOpened(at_ns=hub.START_NS, source="test"))
    for number in itertools.takewhile(lambda _: not parked.is_set(), itertools.count()):
        yield Frame(hub.START_NS + number * 16_666_667, (float(number % 300), 1.0))
        await asyncio.sleep(SIXTIETH_S)


async def test_a_renewal_delays_no_chunk_of_a_car_at_20_hz(
    settings: Settings, database: str, tmp_path: Path
) -> None:
    """Every chunk is received live, once: the spool resends nothing."""
    server, parked = await enrolled(settings, tmp_path), asyncio.Event()
    pc = Settings(nats=server, driver=Driver(name="ada", spool=str(tmp_path / "spool")))
    ledger = tmp_path / "ada.ledger"
    with capture_logs() as logs, ledger.open("a") as record:
        app = asyncio.create_task(
            drive(pc, frames_at_60_hz(parked), asyncio.Event(), record=record),
        )
        await renewed(server)
        parked.set()
        await asyncio.wait_for(app, hub.WAIT_S)
    made = len(read_ledger(ledger).committed)
    stored = await Database(database).value("select count(*) from telemetry")
    live = await in_stream(server.url, "telemetry.live")
    assert (stored, live) == (made, made)
    assert LOST not in {line["event"] for line in logs}


async def test_at_full_speed_every_chunk_is_acknowledged_once_over_renewals(
    settings: Settings, database: str, tmp_path: Path
) -> None:
    server, stop = await enrolled(settings, tmp_path), asyncio.Event()
    bus = await Bus.connect(server, "drive", topology.load())
    numbers, sequences = itertools.count(), list[int]()

    async def send() -> None:
        while not stop.is_set():
            sequences.append(await bus.store("telemetry.live", hub.chunk(next(numbers))))

    with capture_logs() as logs:
        renewing = asyncio.create_task(renew_in_time(bus, Path(server.credentials)))
        window = [asyncio.create_task(send()) for _ in range(WINDOW)]
        await renewed(server)
        stop.set()
        done: Any = await asyncio.wait(window, timeout=hub.WAIT_S)
        sent = next(numbers)

        async def receipted() -> bool:
            receipt = await bus.request("link.ask", Ask(session="test", driver="ada", run=1))
            return bool(receipt.through == sent - 1)

        await eventually(receipted, f"{sent} chunks have a receipt")
        renewing.cancel()
    await bus.close()
    assert [task for task in done[0] if task.exception()] == []
    assert not done[1]
    assert sorted(sequences) == list(range(1, sent + 1))
    assert await Database(database).value("select count(*) from telemetry") == sent
    assert LOST not in {line["event"] for line in logs}
