"""`pitbox doctor` examines whether the hub's servers store, not only whether they answer."""

import asyncio
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from commands.hub import findings
from commands.hub.findings import Finding
from commands.hub.supervisor import pitbox
from consumers.persister.service import service as persister
from pitbox import topology
from pitbox.identity import credentials
from pitbox.nats.probe import Prober
from pitbox.postgres.errors import NoWrites, PostgresDown
from pitbox.postgres.growth import growth
from pitbox.postgres.probe import why_no_writes
from tests.tools import hub, processes
from tests.tools.hub import Database, eventually, serving, settings_of
from tests.tools.servers import NatsServer, PostgresServer, running
from tests.tools.volume import filled, small_volume

VOLUME_BYTES = 160_000_000


async def examined(server: NatsServer) -> dict[str, Finding]:
    declared, given = topology.load(), settings_of(server.url).nats
    prober = Prober(declared, "test", answer_s=0.5)
    await prober.open(given, forever=False)
    try:
        found = await findings.of_nats(prober, given, declared)
    finally:
        await prober.close()
    return {finding.what: finding for finding in found}


async def test_a_hub_that_stores_is_well(nats_server: NatsServer, database: str) -> None:
    await hub.apply(nats_server.url)
    async with serving(persister(settings_of(nats_server.url, database))):

        async def well() -> bool:
            found = await examined(nats_server)
            return all(one.well for one in found.values() if one.what != "room of streams")

        await eventually(well, "every finding is well")


async def test_streams_that_nobody_reads_are_said(nats_server: NatsServer) -> None:
    await hub.apply(nats_server.url)
    found = (await examined(nats_server))["persister"]
    assert not found.well
    assert "none reads TELEMETRY" in found.detail


async def test_a_persister_that_stores_nothing_is_said(
    nats_server: NatsServer, database: str
) -> None:
    await hub.apply(nats_server.url)
    async with (
        serving(persister(settings_of(nats_server.url, database))),
        hub.connected(nats_server.url) as bus,
        Database(database).locked("telemetry_chunk"),
    ):
        await hub.send(bus, [hub.chunk(0)])

        async def said() -> bool:
            found = (await examined(nats_server))["persister"]
            return not found.well and "it stores none" in found.detail

        await eventually(said, "the doctor says so")


async def test_a_nats_server_without_jetstream_is_said_without_a_traceback(
    tmp_path: Path,
) -> None:
    server = NatsServer(tmp_path)
    server.jetstream = False
    with running(server):
        found = await examined(server)
    assert not found["writes of nats-server"].well
    assert not found["room of streams"].well
    assert not found["streams"].well


def test_a_drivers_pc_is_told_that_nothing_stores_at_the_hub(
    nats_server: NatsServer, tmp_path: Path
) -> None:
    asyncio.run(hub.apply(nats_server.url))
    enrolled = tmp_path / ".config" / "pitbox" / "driver.creds"
    enrolled.parent.mkdir(parents=True)
    credentials.keep_hub(enrolled, nats_server.url)
    credentials.read(nats_server.driver("ada")).write(enrolled)
    plain = {name: value for name, value in os.environ.items() if "PITBOX_" not in name}
    done = subprocess.run(
        pitbox("doctor"),
        env=plain | {"HOME": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "lets in ada, but nothing stores there: telemetry stays in the spool" in done.stdout


async def test_a_volume_that_the_streams_exceed_is_said(tmp_path: Path) -> None:
    server = NatsServer(tmp_path)
    with small_volume(server.store, VOLUME_BYTES), running(server):
        await hub.apply(server.url)
        found = (await examined(server))["room of streams"]
    assert not found.well
    assert "their volume has room for 0.2 GB" in found.detail


async def test_a_postgres_that_is_read_only_is_said(database: str) -> None:
    assert await why_no_writes(database, "test") == ""
    await Database(database).rows(
        f'alter database "{database.partition("?")[0].rpartition("/")[2]}" '
        "set default_transaction_read_only = on"
    )
    assert "Postgres is read-only" in await why_no_writes(database, "test")
    found = await findings.of_postgres(database, "a setting")
    assert not found.well


async def test_a_postgres_whose_disk_is_full_is_said(small_postgres: PostgresServer) -> None:
    url = small_postgres.url()
    assert await why_no_writes(url, "test") == ""
    with filled(small_postgres.folder):
        assert "the disk of Postgres is full" in await why_no_writes(url, "test")
    assert await why_no_writes(url, "test") == ""


async def test_a_postgres_that_hangs_is_said(small_postgres: PostgresServer) -> None:
    small_postgres.send(signal.SIGSTOP)
    with pytest.raises(PostgresDown) as raised:
        await why_no_writes(small_postgres.url(), "test", answer_s=0.5)
    assert not isinstance(raised.value, NoWrites)


@pytest.fixture
def small_postgres(tmp_path: Path) -> Iterator[PostgresServer]:
    """Run a Postgres on a small volume."""
    with small_volume(tmp_path / "volume", VOLUME_BYTES) as volume:
        server = PostgresServer(volume)
        with running(server):
            yield server


async def test_the_rate_of_the_last_day_and_the_room_of_postgres_are_said(
    nats_server: NatsServer, database: str
) -> None:
    connection = await asyncpg.connect(database)
    await connection.execute(
        "insert into run (session, driver, run, bytes, first_seen, updated) values "
        "('spa', 'ada', 1, 2400000000, now() - interval '3 hours', now()), "
        "('spa', 'ada', 2, 48, now() - interval '3 days', now() - interval '2 days')"
    )
    found = await growth(connection)
    await connection.close()
    assert found.bytes_per_s * 3600 == pytest.approx(1e8)
    done = processes.pitbox(nats_server, database, "doctor")
    [line] = [line for line in done.stdout.splitlines() if "growth of Postgres" in line]
    assert "at today's rate: 0.1 GB an hour over the last day" in line
