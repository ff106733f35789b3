"""A hub that takes telemetry and stores none is said by the app, the persister and the page."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from consumers.persister.service import service as persister
from pitbox.settings import Driver, Nats, Settings
from producers.drive import Status, drive
from producers.source import Began, Frame, Observation
from producers.uplink.storing import NOT_STORED
from schemas.hub import HubState
from schemas.link import Hello
from schemas.sim import SessionOpened
from schemas.wall import Presence
from tests.tools import hub
from tests.tools.hub import Database, connected, eventually, serving, settings_of
from tests.tools.page import gateway_of, opened
from tests.tools.servers import NatsServer

START_NS = 1_700_000_000_000_000_000
UNSTORED_S = 0.5

SAID = "part=batch reason='Postgres is read-only: default_transaction_read_only is on"
"""The line of the loop that stores telemetry."""


async def circles() -> AsyncIterator[Observation]:
    """Yield a session and frames without end."""
    yield Began("test", (30, 31), SessionOpened(at_ns=START_NS, source="test"))
    number = 0
    while True:
        yield Frame(START_NS + number * 16_666_667, (float(number % 300), 1.0))
        number += 1
        await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def driving(server: NatsServer, spool: Path) -> AsyncIterator[list[Status]]:
    """Run the driver app during the block; yield what it shows, the newest last."""
    settings = Settings(
        nats=Nats(url=server.url, credentials=str(server.driver("ada"))),
        driver=Driver(name="ada", spool=str(spool)),
    )
    stop, shown = asyncio.Event(), list[Status]()
    app = asyncio.create_task(
        drive(settings, circles(), stop, show=shown.append, unstored_s=UNSTORED_S)
    )
    try:
        yield shown
        assert not app.done()
    finally:
        stop.set()
        await asyncio.wait({app})


def shows(statuses: list[Status], *, stores: bool) -> Callable[[], Awaitable[bool]]:
    async def found() -> bool:
        return bool(statuses) and statuses[-1].made > 0 and stores == (not statuses[-1].unstored_s)

    return found


async def test_the_app_says_that_nothing_is_stored_and_when_it_is_again(
    nats_server: NatsServer, database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await hub.apply(nats_server.url)
    stored = Database(database)
    async with (
        serving(persister(settings_of(nats_server.url, database))),
        driving(nats_server, tmp_path / "spool") as statuses,
    ):
        await eventually(lambda: stored.value("select count(*) from telemetry"), "chunks")
        async with stored.locked("telemetry_chunk"):
            await eventually(shows(statuses, stores=False), "the app shows it")
            before = await eventually(lambda: _made(statuses), "chunks are made")
        await eventually(shows(statuses, stores=True), "the app shows the end of it")
        await eventually(lambda: stored_all(stored, before), "what was kept is stored")
    logged = capsys.readouterr().err
    assert logged.count(NOT_STORED) == 1
    assert logged.count("the hub stores again") == 1


async def _made(statuses: list[Status]) -> int:
    return statuses[-1].made


async def stored_all(stored: Database, chunks: int) -> bool:
    return bool(await stored.value("select count(*) from telemetry") >= chunks)


async def test_the_app_names_a_hub_without_persister(
    nats_server: NatsServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await hub.apply(nats_server.url)
    async with driving(nats_server, tmp_path / "spool") as statuses:
        await eventually(shows(statuses, stores=False), "the app shows it")
    assert "no persister is connected" in capsys.readouterr().err


async def test_a_read_only_postgres_is_said_once_and_all_is_stored_afterwards(
    nats_server: NatsServer, database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    await hub.apply(nats_server.url)
    stored = Database(database)
    await stored.read_only(True)
    async with (
        serving(persister(settings_of(nats_server.url, database))),
        connected(nats_server.url) as bus,
    ):
        await hub.send(bus, [hub.chunk(number) for number in range(40)])
        said = ""

        async def is_said() -> bool:
            nonlocal said
            said += capsys.readouterr().err
            return SAID in said

        await eventually(is_said, "the persister says it")
        await stored.read_only(False)
        await eventually(lambda: stored.has(40), "all chunks are stored")
    assert (said + capsys.readouterr().err).count(SAID) == 1


async def test_a_commit_that_hangs_is_said(
    nats_server: NatsServer, database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    await hub.apply(nats_server.url)
    async with (
        serving(persister(settings_of(nats_server.url, database))),
        connected(nats_server.url) as bus,
        Database(database).locked("telemetry_chunk"),
    ):
        await hub.send(bus, [hub.chunk(0)])
        said = ""

        async def is_said() -> bool:
            nonlocal said
            said += capsys.readouterr().err
            return "the commit of a batch is not done" in said

        await eventually(is_said, "the persister says it")


async def test_a_page_learns_that_a_driver_is_not_stored_and_why(
    nats_server: NatsServer, database: str, tmp_path: Path
) -> None:
    await hub.apply(nats_server.url)
    async with (
        gateway_of(nats_server.url, database, tmp_path) as served,
        opened(served) as page,
        connected(nats_server.url) as pc,
        connected(nats_server.url, "setup") as supervisor,
    ):
        await page.watch("test", "speed")
        hello = Hello(driver="ada", session="test", run=1, at_ns=0, made=9, waiting=5)

        async def says_hello() -> None:
            while True:
                await pc.publish("link.hello", hello)
                await asyncio.sleep(0.2)

        greeting = asyncio.create_task(says_hello())
        seen = await page.receive(Presence, lambda one: one.seen_ms - one.stored_ms > 500)
        assert seen.stored_ms
        greeting.cancel()
        await supervisor.publish("hub.state", HubState(at_ns=time.time_ns(), nats_refuses=True))
        assert (await page.receive(HubState)).nats_refuses
