"""A nats-server that lives and stores nothing is noticed, and started again once it can store."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from commands.hub.remedy import Limits
from commands.hub.supervisor import Program, Started, Supervisor
from commands.hub.watch import EVERY_S, LIMITS, Servers, Watch
from pitbox import topology
from pitbox.nats.bus import Bus, BusDown
from pitbox.nats.probe import NO_JETSTREAM, SILENT, Prober, Refusal
from pitbox.settings import Nats
from tests.tools import hub
from tests.tools.processes import environment
from tests.tools.servers import NatsServer, credentials, listens, running
from tests.tools.volume import filled, small_volume

VOLUME_BYTES = 32_000_000
QUICK = Limits(refused_s=0.0, doubt_s=0.2, pauses_s=(0.0, 0.2, 0.2), steady_s=1000.0)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[NatsServer]:
    """Yield a stopped nats-server whose store is a small volume."""
    server = NatsServer(tmp_path)
    with small_volume(server.store, VOLUME_BYTES):
        yield server


@contextlib.asynccontextmanager
async def probing(server: NatsServer) -> AsyncIterator[Prober]:
    prober = Prober(topology.load(), "test", answer_s=0.5)
    await prober.open(given(server), forever=False)
    try:
        yield prober
    finally:
        await prober.close()


def given(server: NatsServer) -> Nats:
    return Nats(url=server.url, credentials=str(credentials(server.url)))


async def test_a_write_that_failed_is_named_until_the_next_start(server: NatsServer) -> None:
    with running(server):
        await hub.apply(server.url)
        async with probing(server) as prober, hub.connected(server.url) as bus:
            assert await prober.refusal() is None
            with filled(server.store), pytest.raises(BusDown):
                await bus.store("telemetry.live", hub.chunk(), timeout_s=0.5)
            # Its disk has room again, and probes are stored: only its health still knows.
            found = await prober.refusal()
            assert found is not None
            assert found.certain
            assert "stream TELEMETRY failed (no space left on device)" in found.reason
            server.stop()
            server.start()
            await hub.eventually(lambda: stores(prober), "it stores after a new start")


async def test_a_server_without_jetstream_is_said_and_its_missing_stream_is_created(
    tmp_path: Path,
) -> None:
    server = NatsServer(tmp_path)
    with running(server):
        async with probing(server) as prober:
            assert await prober.refusal() is None
    server.jetstream = False
    with running(server):
        async with probing(server) as prober:
            assert await prober.refusal() == Refusal(NO_JETSTREAM)


async def test_a_cluster_without_a_leader_is_said(tmp_path: Path) -> None:
    server = NatsServer(tmp_path)
    server.alone_in_cluster = True
    with running(server):
        async with probing(server) as prober:
            assert await prober.refusal() == Refusal(NO_JETSTREAM)


async def test_a_server_that_hangs_is_said(nats_server: NatsServer) -> None:
    async with probing(nats_server) as prober:
        nats_server.send(signal.SIGSTOP)

        async def silent() -> bool:  # its threads stop a moment after the signal
            return await prober.refusal() == Refusal(SILENT)

        await hub.eventually(silent, "it is said")
        nats_server.send(signal.SIGCONT)


async def test_the_watch_starts_a_server_again_once_its_full_disk_has_room(
    server: NatsServer, database: str
) -> None:
    async with watched(server, database) as lines:
        async with hub.connected(server.url) as bus:
            await hub.eventually(lambda: taken(bus), "a chunk is stored")
            with filled(server.store):
                await hub.eventually(said(lines, "nats stores nothing"), "the refusal is said")
                await hub.eventually(said(lines, "make room there"), "the full disk is said")
                assert not await said(lines, "restarts")()
            await hub.eventually(said(lines, "nats stores again"), "the end is said")
            await hub.eventually(lambda: taken(bus), "a chunk is stored again")
        assert sum("restarts: it stores nothing" in line for line in lines) <= len(QUICK.pauses_s)


async def test_a_server_that_hangs_is_reported(tmp_path: Path, database: str) -> None:
    server = NatsServer(tmp_path)
    async with watched(server, database, limits=LIMITS, every_s=EVERY_S) as lines:
        async with hub.connected(server.url) as bus:
            await hub.eventually(lambda: taken(bus), "a chunk is stored")
        pid = started(server)
        os.kill(pid, signal.SIGSTOP)
        await hub.eventually(said(lines, "nats stores nothing: it does not answer"), "said")
        os.kill(pid, signal.SIGCONT)


async def test_a_server_that_hangs_before_the_watch_is_connected_is_reported(
    nats_server: NatsServer, database: str
) -> None:
    lines: list[str] = []
    supervisor = Supervisor(
        nats_server.folder / "processes.json", lambda name, line: lines.append(f"{name} {line}")
    )
    nats_server.send(signal.SIGSTOP)
    watching = asyncio.create_task(watch_of(nats_server, database, supervisor).run())
    try:
        await hub.eventually(said(lines, "nats stores nothing: it does not answer"), "said")
        nats_server.send(signal.SIGCONT)
        await hub.eventually(said(lines, "nats stores again"), "the end is said")
        assert not watching.done()
    finally:
        nats_server.send(signal.SIGCONT)
        watching.cancel()
        await asyncio.wait({watching})


async def test_a_persister_that_hangs_is_reported_and_started_again(
    nats_server: NatsServer, database: str
) -> None:
    lines: list[str] = []
    await hub.apply(nats_server.url)
    supervisor = Supervisor(
        nats_server.folder / "processes.json", lambda name, line: lines.append(f"{name} {line}")
    )
    command = (sys.executable, "-m", "commands", "run", "persister")
    watch = watch_of(nats_server, database, supervisor, persister="persister")
    watching = asyncio.create_task(watch.run())
    try:
        await supervisor.start(Program("persister", command, environment(nats_server, database)))
        async with hub.connected(nats_server.url) as bus:
            await hub.send(bus, [hub.chunk(0)])
            await hub.eventually(lambda: stored(database, 1), "a chunk is in Postgres")
            os.kill(started(nats_server), signal.SIGSTOP)
            await hub.send(bus, [hub.chunk(1)])
            await hub.eventually(said(lines, "persister stores nothing: 1 messages"), "said")
            await hub.eventually(lambda: stored(database, 2), "the next chunk is in Postgres")
            await hub.eventually(said(lines, "persister stores again"), "the end is said")
    finally:
        watching.cancel()
        await asyncio.wait({watching})
        await supervisor.stop()


async def stored(database: str, chunks: int) -> bool:
    found = await hub.Database(database).value("select count(*) from telemetry")
    return bool(found == chunks)


async def test_the_watch_gives_up_a_server_that_no_new_start_heals(
    tmp_path: Path, database: str
) -> None:
    server = NatsServer(tmp_path)
    server.jetstream = False
    async with watched(server, database) as lines:
        await hub.eventually(said(lines, "is not started again"), "the watch gives up")
        starts = sum("restarts: it stores nothing" in line for line in lines)
        assert starts == len(QUICK.pauses_s)


@contextlib.asynccontextmanager
async def watched(
    server: NatsServer, database: str, *, limits: Limits = QUICK, every_s: float = 0.1
) -> AsyncIterator[list[str]]:
    """Run a nats-server as a stack does; yield the lines that its person sees."""
    lines: list[str] = []
    supervisor = Supervisor(
        server.folder / "processes.json", lambda name, line: lines.append(f"{name} {line}")
    )
    watch = watch_of(server, database, supervisor, limits=limits, every_s=every_s)
    try:
        await supervisor.start(Program("nats", tuple(server.command()), folder=server.store))
        await supervisor.ready("nats", lambda: listens(server.port), "nats")
        if server.jetstream:
            await hub.apply(server.url)
        watching = asyncio.create_task(watch.run())
        yield lines
        assert not watching.done()
        watching.cancel()
        await asyncio.wait({watching})
    finally:
        await supervisor.stop()


def watch_of(
    server: NatsServer,
    database: str,
    supervisor: Supervisor,
    *,
    persister: str = "",
    limits: Limits = QUICK,
    every_s: float = EVERY_S,
) -> Watch:
    servers = Servers(
        nats=given(server),
        store=server.store,
        database=database,
        cluster=server.store,
        persister=persister,
        show=supervisor.show,
        restart=supervisor.restart,
    )
    return Watch(servers, topology.load(), limits=limits, every_s=every_s, postgres_every_s=0.5)


def started(server: NatsServer) -> int:
    """Return the pid of the one process that a supervisor has started."""
    record = (server.folder / "processes.json").read_bytes()
    [process] = msgspec.json.decode(record, type=list[Started])
    return process.pid


def said(lines: list[str], words: str) -> Callable[[], Awaitable[bool]]:
    async def found() -> bool:
        return any(words in line for line in lines)

    return found


async def taken(bus: Bus) -> bool:
    with contextlib.suppress(BusDown):
        return bool(await bus.store("telemetry.live", hub.chunk(), timeout_s=0.5))
    return False


async def stores(prober: Prober) -> bool:
    return prober.bus.up.is_set() and await prober.refusal() is None
