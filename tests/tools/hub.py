"""The hub as tests use it: streams applied, services running in the test's own loop."""

import asyncio
import base64
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import asyncpg
import msgspec
import yaml

from consumers.coach import tables as coach_tables
from consumers.corners import tables as corners_tables
from consumers.timing import tables as timing_tables
from pitbox import topology
from pitbox.chunks.frames import pack, row_struct, sealed
from pitbox.identity.credentials import read
from pitbox.nats.bus import Bus
from pitbox.postgres.facts import scan
from pitbox.service.lifetime import Service, serve
from pitbox.settings import Keys, Nats, Postgres, Sealing, Settings
from pitbox.topology import admin
from schemas.channels import bitmap, ids
from schemas.coaching import Debrief, Evidence, Moment
from schemas.dead import DeadLetter
from schemas.passes import Passes
from schemas.sim import Observed
from schemas.telemetry import CHUNK_VERSION, Chunk, Mark
from schemas.timing import Lap, Session
from schemas.track import Stretch
from tests.tools.servers import FOLDERS, NOWHERE, NatsServer, credentials, everything

WAIT_S: Final = 60.0
STOP_S: Final = 20.0
"""Less than the 30 s that nats-py drains for when something is left open."""

START_NS: Final = 1_700_000_000_000_000_000
CHANNELS: Final = ids("lap_number", "lap_distance", "position", "fuel_level", "speed", "world_x")


def letter(sequence: int, **changes: Any) -> DeadLetter:
    """Return a dead letter of the tests' fold."""
    fields: dict[str, Any] = {
        **{"consumer": "echo", "stream": "TELEMETRY", "created_ns": 1, "subject": "telemetry.a.b"},
        **{"reason": "of a test", "payload": b"", "tries": 1, "at_ns": 1},
    }
    return DeadLetter(sequence=sequence, **{**fields, **changes})


async def write_facts(database: str, *facts: Session | Lap | Passes | Moment | Debrief) -> None:
    """Write facts to Postgres, as timing, corners and coach do."""
    timing, corners, coach = map(scan, (timing_tables, corners_tables, coach_tables))
    owning = {Session: timing, Lap: timing, Passes: corners, Moment: coach, Debrief: coach}
    connection = await asyncpg.connect(database)
    async with connection.transaction():
        for fact in facts:
            tables, owner = owning[type(fact)], (fact.session, fact.driver)
            await tables.write(connection, owner, tables.keyed([fact]), ())
    await connection.close()


def of_corners(**changes: Any) -> tuple[Passes, Moment, Debrief]:
    """Return the passes of a lap, the moment that they show, and the debrief of its stint."""
    about: dict[str, Any] = {
        **{"session": "test", "driver": "ada", "at_ns": 5, "car": "7", "lap_number": 1},
        **{"revision": 1},
    } | changes
    source: dict[str, Any] = {"run": 1, "chunks": (0, 3)}
    stretch = Stretch(from_m=100.0, to_m=300.0)
    return (
        Passes(**about, **source, judged="yes", started_ns=1, ended_ns=5),
        Moment(
            **about,
            **source,
            cause="brakes_early",
            corner="T1",
            worth_s=0.15,
            evidence=(Evidence(name="brakes_m", value=92.0, unit="m", usual=100.0),),
            where=stretch,
            priority=1,
            say=(stretch,),
            expires_ns=6,
        ),
        Debrief(
            **about,
            last_lap=3,
            laps=3,
            best_lap=2,
            best_lap_s=90.0,
            median_lap_s=90.5,
            theoretical_best_s=89.5,
        ),
    )


async def eventually(
    condition: Callable[[], Awaitable[Any]], what: str, timeout_s: float = WAIT_S
) -> Any:
    """Wait for a condition and return its result; raises TimeoutError naming the condition."""
    deadline = time.monotonic() + timeout_s
    while not (found := await condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {timeout_s:g} s")
        await asyncio.sleep(0.03)
    return found


def settings_of(nats_url: str, database: str = "", streams: str = "") -> Settings:
    """Return the settings of a service that reaches these servers, and seals nothing."""
    postgres = Postgres(url=database or NOWHERE)
    nats = Nats(url=nats_url, credentials=str(credentials(nats_url, streams)))
    keys = Keys(folder=str(FOLDERS[nats_url]))
    return Settings(
        nats=nats, keys=keys, postgres=postgres, sealing=Sealing(after_s=0), streams=streams
    )


@asynccontextmanager
async def connected(
    url: str, service: str = "drive", streams: str = "", ca: str = "", **limits: float
) -> AsyncIterator[Bus]:
    """Yield a connection with a service's name and all permissions within the hub."""
    server = Nats(url=url, ca=ca, credentials=str(everything(url)))
    bus = await Bus.connect(server, service, topology.load(streams), forever=False, **limits)
    try:
        yield bus
    finally:
        await bus.close()


@asynccontextmanager
async def driving(server: NatsServer, driver: str = "ada") -> AsyncIterator[Bus]:
    """Yield a connection of a driver's PC, in the driver's own account."""
    nats = Nats(url=server.url, credentials=str(server.driver(driver)))
    bus = await Bus.connect(nats, "drive", topology.load(), forever=False)
    try:
        yield bus
    finally:
        await bus.close()


async def wire(
    server: NatsServer, file: Path | None = None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Open a raw connection that sends any bytes, as the user of some credentials."""
    who = read(file or everything(server.url))
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    nonce = msgspec.json.decode((await reader.readline()).removeprefix(b"INFO "))["nonce"]
    sig = base64.b64encode(who.pair.sign(nonce.encode())).decode()
    options = {"verbose": False, "headers": True, "jwt": who.jwt, "sig": sig}
    writer.write(b"CONNECT %s\r\n" % msgspec.json.encode(options))
    return reader, writer


async def apply(url: str, streams: str = "", ca: str = "") -> list[admin.Change]:
    """Create the streams of streams.yaml."""
    async with connected(url, streams=streams, ca=ca) as bus:
        return await admin.apply(bus.jetstream, bus.topology)


async def settled(bus: Bus) -> None:
    """Wait until the server has all subscriptions of a bus.

    A ping is not enough: nats-py sends it before the subscriptions that it still buffers.
    """
    await bus.jetstream.account_info()


@asynccontextmanager
async def serving(service: Service) -> AsyncIterator[asyncio.Task[None]]:
    """Run a service during the block; it has to stop on request."""
    stop = asyncio.Event()
    task = asyncio.create_task(serve(service, stop))
    try:
        yield task
        stop.set()
        await asyncio.wait_for(task, STOP_S)
    finally:
        task.cancel()
        await asyncio.wait({task})


def chunk(number: int = 0, **changes: Any) -> Chunk:
    """Return a chunk of three frames; `changes` replace its fields, the crc is always right."""
    speed = 10.0 + number
    row = row_struct(len(CHANNELS)).pack(2.0, 100.0, 3.0, 40.0, speed, float("nan"))
    times = [START_NS + number * 50_000_000 + frame * 16_000_000 for frame in range(3)]
    made = Chunk(
        version=CHUNK_VERSION,
        driver="ada",
        session="test",
        run=1,
        chunk=number,
        send=number,
        first_frame=3 * number,
        frames=3,
        captured_ns=times[0],
        channels=bitmap(CHANNELS),
        crc=0,
        block=pack(times, [row] * 3),
    )
    made = msgspec.structs.replace(made, **changes)
    return sealed(made) if "crc" not in changes else made


def observed(*events: Observed) -> bytes:
    """Return events as a chunk carries them."""
    return msgspec.msgpack.encode(events)


def mark(made: int, **changes: Any) -> Mark:
    """Return a mark of the run of `chunk`."""
    first = Mark(
        version=1, driver="ada", session="test", run=1, send=made + 1000, made=made, closed=False
    )
    return msgspec.structs.replace(first, **changes)


async def send(bus: Bus, events: Sequence[Chunk | Mark], route: str = "telemetry.backfill") -> int:
    """Publish events of a driver and return the sequence of the last one in the stream."""
    for event in events[:-1]:
        await bus.publish(route, event)
    return await bus.store(route, events[-1])


def streams_with(folder: Path, consumer: str, **changes: object) -> str:
    """Write a streams.yaml in which a consumer differs from the real one, and return its path."""
    document = yaml.safe_load(topology.find().read_text())
    document["consumers"].setdefault(consumer, {}).update(changes)
    path = folder / "streams.yaml"
    path.write_text(yaml.safe_dump(document))
    return str(path)


class Database:
    """Query a test's own database."""

    def __init__(self, url: str) -> None:
        self.url = url

    async def rows(self, query: str, *arguments: object) -> list[asyncpg.Record]:
        """Return the rows of a query, over a new connection."""
        connection = await asyncpg.connect(self.url)
        try:
            return list(await connection.fetch(query, *arguments))
        finally:
            await connection.close()

    @asynccontextmanager
    async def locked(self, table: str) -> AsyncIterator[None]:
        """Lock a table during the block, as a maintenance job that hangs does."""
        connection = await asyncpg.connect(self.url)
        try:
            await connection.execute(f"begin; lock table {table} in access exclusive mode")
            yield
        finally:
            await connection.close()

    async def read_only(self, on: bool) -> None:
        """Let new connections write, or only read."""
        name = self.url.partition("?")[0].rpartition("/")[2]
        wanted = "on" if on else "off"
        able = {"default_transaction_read_only": "off"}
        connection = await asyncpg.connect(self.url, server_settings=able)
        try:
            await connection.execute(
                f'alter database "{name}" set default_transaction_read_only = {wanted}'
            )
        finally:
            await connection.close()

    async def connections(self, name: str) -> set[int]:
        """Return the processes of Postgres that serve the connections of a name."""
        query = (
            "select pid from pg_stat_activity "
            "where application_name = $1 and datname = current_database()"
        )
        return {row["pid"] for row in await self.rows(query, name)}

    async def disconnect(self, name: str) -> set[int]:
        """End all connections of a name; return the processes of Postgres that served them."""
        query = (
            "select pid, pg_terminate_backend(pid) from pg_stat_activity "
            "where application_name = $1 and datname = current_database()"
        )
        return {row["pid"] for row in await self.rows(query, name)}

    async def value(self, query: str, *arguments: object) -> Any:
        """Return the first value of a query."""
        rows = await self.rows(query, *arguments)
        return rows[0][0] if rows else None

    async def chunks(self, run: int = 1) -> list[int]:
        """Return the numbers of a run's stored chunks, repetitions included."""
        query = (
            "select generate_series(chunk, last_chunk) as number from telemetry_part "
            "where run = $1 order by 1"
        )
        return [row["number"] for row in await self.rows(query, run)]

    async def has(self, chunks: int, run: int = 1) -> bool:
        """Return whether exactly the first chunks of a run are stored."""
        return await self.chunks(run) == list(range(chunks))
