"""What sealing costs, and the bytes of a frame on disk before and after it."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import asyncpg

from consumers.persister.sealing import Sealing
from pitbox.chunks.sealing import cut, seal
from pitbox.postgres.connection import Connection
from pitbox.settings import Sealing as Limits
from producers.chunker import Chunker
from producers.importers.recording import open_recording
from tests.bench import persisting
from tests.bench.effort import Effort
from tests.bench.encoding import RECORDINGS
from tests.bench.report import Result, result
from tests.bench.servers import Servers, execute

FRAMES: Final = 108_000
"""Half an hour."""

ROUNDS: Final = 3
IDLE: Final = "update run set updated = now() - interval '1 hour'"
SIZE: Final = """
select pg_total_relation_size('telemetry_chunk') + pg_total_relation_size('telemetry_block')
"""


def measure(servers: Servers, recordings: Path | None, effort: Effort) -> Iterator[Result]:
    """Yield the figures of sealing; sizes include indexes, and dead rows before the vacuum.

    The index of chunks does not shrink by itself: its pages are used again for new chunks.
    """
    total = effort.count(FRAMES)
    before, dead, vacuumed, after, cpu_us, postgres_us = [], [], [], [], [], []
    for _ in range(effort.rounds(ROUNDS)):
        persisting.run_pitbox(servers, 3, total)
        before.append(asyncio.run(_size(servers.url)) / total)
        began_s, postgres_s = time.process_time(), servers.cpu_s()["postgres"]
        asyncio.run(seal_all(servers.url))
        cpu_us.append((time.process_time() - began_s) / total * 1e6)
        postgres_us.append((servers.cpu_s()["postgres"] - postgres_s) / total * 1e6)
        dead.append(asyncio.run(_size(servers.url)) / total)
        asyncio.run(execute(servers.url, "vacuum"))
        vacuumed.append(asyncio.run(_size(servers.url)) / total)
        asyncio.run(execute(servers.url, "reindex table telemetry_chunk"))
        after.append(asyncio.run(_size(servers.url)) / total)
    peers = {"not sealed": before, "not vacuumed": dead, "not indexed anew": vacuumed}
    yield result("disk_bytes_per_frame", "B", "lower", after, peers=peers)
    yield result("seal_cpu_us_per_frame", "us", "lower", cpu_us)
    yield result("seal_postgres_cpu_us_per_frame", "us", "lower", postgres_us)
    for game, file in RECORDINGS.items() if recordings else ():
        path = recordings / file if recordings else Path()
        if path.is_file():
            yield result(f"sealed_bytes_per_frame_{game}", "B", "lower", [_recorded(path)])


async def seal_all(url: str) -> None:
    """Seal all runs of a database, without a rest."""
    await execute(url, IDLE)
    connection = Connection(url, "bench")
    await connection.ready()
    await Sealing(connection, Limits(after_s=1), share=0).seal_all(asyncio.Event())
    connection.drop()


async def _size(url: str) -> float:
    connection = await asyncpg.connect(url)
    try:
        return float(await connection.fetchval(SIZE))
    finally:
        await connection.close()


def _recorded(path: Path) -> float:
    """Return the bytes per frame of a recording in blocks."""
    chunker = Chunker("bench", 1, chunk_ms=50)
    made = [chunk for seen in open_recording(path) for chunk in chunker.feed(seen)]
    of_run = [chunk for chunk in made if chunk.run == made[0].run]
    blocks = [seal(group) for group in cut(of_run, ended=True)]
    return sum(map(len, blocks)) / sum(chunk.frames for chunk in of_run)
