"""The servers of a bench, and their contents."""

import asyncio
import contextlib
import subprocess
import time
from collections.abc import Awaitable, Iterable, Iterator
from pathlib import Path
from typing import Final

import asyncpg
import msgspec
import nats
import psutil
from nats.js import api

from commands.hub import nats_server
from commands.hub.postgres_server import binaries
from pitbox import topology
from pitbox.postgres import migration
from pitbox.topology import admin
from tests.tools.servers import NatsServer, PostgresServer, Server, free_port, running

FLUSH_EVERY: Final = 500
STORED_S: Final = 120.0


class OpenNats(Server):
    """A nats-server without authentication: for peers, and to measure its cost."""

    name = "open-nats-server"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, free_port())

    @property
    def url(self) -> str:
        """Return its address."""
        return f"nats://127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        """Return the command line."""
        config = self.folder / "open-nats.conf"
        config.write_text(
            f'listen: "127.0.0.1:{self.port}"\nmax_payload: {nats_server.MAX_PAYLOAD}\n'
            f'jetstream {{ store_dir: "{self.folder / "open-nats"}" }}\n'
        )
        return [str(nats_server.binary()), "--config", str(config)]


class Servers:
    """A nats-server and a migrated Postgres, both empty at first, and a nats-server for peers."""

    def __init__(
        self, folder: Path, bus: NatsServer, peers: OpenNats, database: PostgresServer
    ) -> None:
        self.folder = folder
        self.nats = bus
        self.peers = peers
        self.postgres = database

    @property
    def url(self) -> str:
        """Return the address of the database."""
        return self.postgres.url("bench")

    def cpu_s(self) -> dict[str, float]:
        """Return the CPU time of both servers."""
        return {"nats": _spent_s(self.nats.pid), "postgres": _spent_s(self.postgres.pid)}

    def psql(self, command: str) -> None:
        """Run one command of psql."""
        subprocess.run(
            [str(binaries() / "psql"), self.url, "-qc", command], check=True, capture_output=True
        )

    async def connect(self) -> nats.NATS:
        """Connect with all permissions within the hub."""
        return await nats.connect(self.nats.url, **self.nats.options())

    async def connect_peer(self) -> nats.NATS:
        """Connect to the server of the peers."""
        return await nats.connect(self.peers.url)

    async def fill(
        self,
        connecting: Awaitable[nats.NATS],
        subject: str,
        messages: Iterable[bytes],
        stream: str,
    ) -> int:
        """Replace the stream's messages by these; return their number."""
        client = await connecting
        jetstream = client.jetstream()
        await jetstream.purge_stream(stream)
        count = 0
        for message in messages:
            await client.publish(subject, message)
            count += 1
            if count % FLUSH_EVERY == 0:
                await client.flush()
        await client.flush()
        deadline = time.monotonic() + STORED_S
        while (await jetstream.stream_info(stream)).state.messages < count:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{stream} did not take {count} messages in {STORED_S:g} s")
            await asyncio.sleep(0.05)
        await client.close()
        return count


@contextlib.contextmanager
def servers(folder: Path) -> Iterator[Servers]:
    """Run both servers during the block."""
    bus, peers, database = NatsServer(folder), OpenNats(folder), PostgresServer(folder)
    with running(bus), running(peers), running(database):
        made = Servers(folder, bus, peers, database)
        asyncio.run(migration.migrate(made.url))
        asyncio.run(_prepare(made))
        yield made


async def _prepare(made: Servers) -> None:
    client = await made.connect()
    await admin.apply(client.jetstream(), topology.load())
    await client.close()
    client = await made.connect_peer()
    for name, subject in (("PEERS", "peers.frames"), ("PEERSJSON", "peers.json")):
        await client.jetstream().add_stream(api.StreamConfig(name=name, subjects=[subject]))
    # Pathway binds to an existing durable.
    durable = api.ConsumerConfig(durable_name="pathway", ack_policy=api.AckPolicy.EXPLICIT)
    await client.jetstream().add_consumer("PEERSJSON", durable)
    await client.close()


async def execute(url: str, *statements: str) -> None:
    """Run statements of SQL."""
    connection = await asyncpg.connect(url)
    for statement in statements:
        await connection.execute(statement)
    await connection.close()


def decoded(output: bytes) -> dict[str, float]:
    """Return the last line of a worker's output, decoded."""
    return msgspec.json.decode(output.strip().splitlines()[-1], type=dict[str, float])


def _spent_s(pid: int) -> float:
    first = psutil.Process(pid)
    times = [first.cpu_times()]
    for child in first.children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):  # then it is among those that ended
            times.append(child.cpu_times())
    ended = first.cpu_times()
    return sum(t.user + t.system for t in times) + ended.children_user + ended.children_system
