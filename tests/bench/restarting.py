"""The start of timing after a day's race of twenty cars that are still driving.

A chunk holds a minute, with a frame each second: the folds have the laps of a day, in few chunks.
A start reads snapshots and folds only what came since, whatever the number of chunks before.
"""

import asyncio
import functools
import time
from collections.abc import Iterator
from typing import Any, Final

import asyncpg
import msgspec
from msgspec.structs import replace

from consumers.timing import tables
from consumers.timing.service import Timing
from pitbox import topology
from pitbox.chunks import ranges
from pitbox.chunks.frames import sealed
from pitbox.postgres import facts, folds
from pitbox.service.derivation import with_crc
from schemas.sim import SessionOpened
from schemas.telemetry import Chunk
from tests.bench.effort import Effort
from tests.bench.processes import cpu_s, process
from tests.bench.report import Result, result
from tests.bench.servers import Servers
from tests.tools.drives import START_NS, Moment, cut
from tests.tools.servers import addresses

CARS: Final = 20
DAY_S: Final = 86_400
LAP_S: Final = 90
CHUNK_S: Final = 60
ROUNDS: Final = 3
START_S: Final = 120.0

RUN: Final = """
insert into run (session, driver, run, have) values ($1, $2, 1, $3::text::int4multirange)
"""

_encode: Final = msgspec.msgpack.Encoder().encode


def measure(servers: Servers, effort: Effort) -> Iterator[Result]:
    """Yield the time until a started timing has published a lap of each car, and its CPU time."""
    rounds = effort.rounds(ROUNDS)
    history = effort.count(DAY_S // CHUNK_S)
    chunks = _drive(history * CHUNK_S + (rounds + 1) * 2 * LAP_S)
    state = asyncio.run(_prepare(servers, chunks[:history]))
    took_s, spent_s = [], []
    reaches = addresses(servers.nats.url, servers.url)
    with process("commands", "run", "persister", **reaches):
        for turn in range(rounds):
            first = history + turn * 3
            asyncio.run(_until_stored(servers, chunks[first : first + 3]))
            began = time.perf_counter()
            with process("commands", "run", "timing", **reaches) as started:
                asyncio.run(_until_folded(servers, first + 3))
                took_s.append(time.perf_counter() - began)
                spent_s.append(cpu_s(started.pid))
    yield result("timing_start_s_20_cars_24h", "s", "lower", took_s)
    yield result("timing_start_cpu_s_20_cars_24h", "CPU-s", "lower", spent_s)
    yield result("timing_snapshot_kb_24h", "kB", "lower", [len(state) / 1000])


def _drive(seconds: int) -> list[Chunk]:
    """Return one car's chunks, with a frame each second."""
    opened = SessionOpened(at_ns=START_NS, source="bench", track="Oval", car="7")
    moments: list[Moment] = [opened]
    for second in range(seconds):
        lap, at_s = divmod(second, LAP_S)
        channels = {"lap_number": lap + 1, "lap_distance": 50.0 * at_s, "speed": 50.0}
        moments.append((START_NS + second * 10**9, channels | {"session_time": float(second)}))
    return cut(moments, [CHUNK_S + 1, *[CHUNK_S] * (seconds // CHUNK_S)])


def _car(number: int) -> str:
    return f"car-{number}"


async def _prepare(servers: Servers, chunks: list[Chunk]) -> bytes:
    """Write runs, folds and facts of all cars as timing leaves them; return one snapshot."""
    fold, made = Timing(), facts.scan(tables)
    connection = await asyncpg.connect(servers.url)
    empty: Any = fold.restore((chunks[0].session, ""), None, ())
    state = functools.reduce(fold.add, chunks, empty)
    snapshot, have = fold.snapshot(state), ranges.of(chunk.chunk for chunk in chunks)
    for number in range(CARS):
        owner = chunks[0].session, _car(number)
        derived, _ = fold.settle(fold.restore(owner, snapshot, ()))
        async with connection.transaction():
            await connection.execute(RUN, *owner, f"{{[0,{have[-1][1] + 1})}}")
            await folds.commit(
                connection,
                fold.name,
                owner,
                version=fold.version,
                generation=0,
                state=with_crc(snapshot),
                folded={1: have},
            )
            await made.write(connection, owner, made.keyed(fold.facts(derived)), ())
    await connection.close()
    return snapshot


async def _until_stored(servers: Servers, chunks: list[Chunk]) -> None:
    """Publish further chunks of each car, and wait until Postgres has them."""
    live = topology.load().route("telemetry.live")
    client = await servers.connect()
    for number in range(CARS):
        for chunk in chunks:
            own = sealed(replace(chunk, driver=_car(number)))
            await client.publish(live.of(own), _encode(own))
    await client.flush()
    await client.close()
    last = chunks[-1].chunk
    await _until(servers, "select count(*) from run where have @> $1::int", last)


async def _until_folded(servers: Servers, chunks: int) -> None:
    await _until(servers, "select count(*) from folded where chunks @> $1::int", chunks - 1)


async def _until(servers: Servers, count: str, chunk: int) -> None:
    connection = await asyncpg.connect(servers.url)
    deadline = time.monotonic() + START_S
    while await connection.fetchval(count, chunk) < CARS:
        if time.monotonic() > deadline:
            raise TimeoutError(f"not all cars have chunk {chunk}: {count}")
        await asyncio.sleep(0.05)
    await connection.close()
