"""Pathway's own connectors: JSON from JetStream, rows into Postgres."""

import asyncio
import os
import threading
from urllib.parse import urlsplit

import asyncpg
import pathway as pw
import uvloop

from tests.bench.peers.stopwatch import COLUMNS, TABLE, Stopwatch, arguments

POLL_S = 0.02


def main() -> None:
    """Consume until all frames are stored."""
    options = arguments()
    threading.Thread(target=_watch, args=(options.postgres, options.frames), daemon=True).start()
    schema = pw.schema_from_types(seq=int, **dict.fromkeys(COLUMNS[1:], float))
    frames = pw.io.nats.read(
        options.nats,
        "peers.json",
        schema=schema,
        format="json",
        autocommit_duration_ms=100,
        jetstream_stream_name="PEERSJSON",
        durable_consumer_name="pathway",
    )
    place = urlsplit(options.postgres)
    settings = {
        "host": place.hostname,
        "port": str(place.port),
        "dbname": place.path.lstrip("/"),
        "user": place.username,
        "password": place.password,
    }
    pw.io.postgres.write(frames, settings, f"{TABLE}_pathway")
    pw.run(monitoring_level=pw.MonitoringLevel.NONE)


def _watch(address: str, frames: int) -> None:
    try:
        uvloop.run(_count(address, frames))
    except BaseException:
        os._exit(1)


async def _count(address: str, frames: int) -> None:
    """Count rows in Postgres, as Pathway does not report its commits.

    The clock starts with its first rows, which flatters it.
    """
    watch = Stopwatch(frames)
    connection = await asyncpg.connect(address)
    counted = 0
    while True:
        found = await connection.fetchval(
            "select coalesce(max(seq) + 1, 0) from wide_pathway where seq >= $1", counted - 1
        )
        if found > counted:
            watch.begin()
            watch.committed(found - counted)
            counted = found
        await asyncio.sleep(POLL_S)


main()
