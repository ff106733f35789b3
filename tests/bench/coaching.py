"""What corners and moments cost beside all else: laps of twenty cars, derived as services do.

The laps are stored faster than they were driven, so a service is woken more often for each second
of wall time, and as often for each lap.
"""

import asyncio
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Final

import asyncpg
import msgspec
from msgspec.structs import replace

from pitbox import topology
from pitbox.chunks.frames import sealed
from producers.chunker import Chunker, chunks
from producers.sources.sim import Race, drive
from schemas.telemetry import Chunk
from tests.bench.effort import Effort
from tests.bench.processes import cpu_s, process
from tests.bench.report import Result, result
from tests.bench.servers import Servers
from tests.tools.servers import addresses

CARS: Final = 20
LAPS: Final = 6
START_NS: Final = 1_700_000_000_000_000_000
IDLE_S: Final = 3.0
DONE_S: Final = 300.0
SERVICES: Final = ("corners", "coach")

DERIVED: Final = """
select least(
    (select count(*) from passes where judged <> 'no_track'),
    (select count(*) from moment) + (select count(*) from silence where reason <> 'learning_track')
)
"""

_encode: Final = msgspec.msgpack.Encoder().encode


def measure(servers: Servers, effort: Effort) -> Iterator[Result]:
    """Yield the CPU of both services, in percent of a core while the cars drive."""
    race = Race(laps=effort.count(LAPS) if effort.repeats else 1, consistency=0.8)
    made = tuple(chunks(drive(race, START_NS), Chunker("car", 1, chunk_ms=50, session="bench")))
    cars = effort.count(CARS)
    driven_s = (made[-1].captured_ns - made[0].captured_ns) / 1e9
    reaches = addresses(servers.nats.url, servers.url)
    with ExitStack() as running:
        pids = {
            name: running.enter_context(process("commands", "run", name, **reaches)).pid
            for name in SERVICES
        }
        time.sleep(IDLE_S)
        before = {name: cpu_s(pid) for name, pid in pids.items()}
        for name in ("persister", "timing"):
            running.enter_context(process("commands", "run", name, **reaches))
        asyncio.run(_drive(servers, made, cars))
        asyncio.run(_until_derived(servers, cars * (race.laps or 0)))
        spent_s = {name: cpu_s(pid) - before[name] for name, pid in pids.items()}
    for name, seconds in spent_s.items():
        percent = 100 * seconds / driven_s
        yield result(f"{name}_cpu_percent_{cars}_cars", "% of a core", "lower", [percent])
    a_lap_ms = 1e3 * sum(spent_s.values()) / (cars * (race.laps or 1))
    yield result("coaching_cpu_ms_per_lap", "ms", "lower", [a_lap_ms])


async def _drive(servers: Servers, made: tuple[Chunk, ...], cars: int) -> None:
    """Publish the chunks of all cars, those of one instant together."""
    backfill = topology.load().route("telemetry.backfill")
    client = await servers.connect()
    for chunk in made:
        for number in range(cars):
            own = sealed(replace(chunk, driver=f"car-{number}"))
            await client.publish(backfill.of(own), _encode(own))
        await client.flush()
    await client.close()


async def _until_derived(servers: Servers, laps: int) -> None:
    connection = await asyncpg.connect(servers.url)
    deadline = time.monotonic() + DONE_S
    while (derived := await connection.fetchval(DERIVED)) < laps:
        if time.monotonic() > deadline:
            raise TimeoutError(f"of {laps} laps only {derived} are derived")
        await asyncio.sleep(0.2)
    await connection.close()
