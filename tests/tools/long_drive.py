"""Telemetry of a long drive in Postgres, of which one answer is 9 MB."""

from typing import Final

import asyncpg
import numpy as np

from pitbox.chunks.frames import pack
from schemas.channels import CHANNELS, bitmap
from tests.tools import hub

STEP_NS: Final = 16_000_000
FRAMES: Final = 500
CHUNKS: Final = 72
IDS: Final = tuple(channel.id for channel in CHANNELS[:60])
ANSWER_BYTES: Final = FRAMES * CHUNKS * (8 + 4 * len(IDS))
PATH: Final = f"/api/v1/sessions/test/drivers/ada/telemetry?from_ns=0&to_ns={2**62}&format=msgpack"
INSERT: Final = """
insert into telemetry_chunk (session, driver, run, chunk, first_frame, frames, captured_ns,
    ended_ns, crc, channels, block)
select 'test', 'ada', 1, n, n * $1::int, $1::int, $2::bigint + n * $1::int * $3::bigint,
    $2::bigint + ((n + 1) * $1::int - 1) * $3::bigint, 0, $4, $5
from generate_series(0, $6::int - 1) as n
"""


async def store(database: str) -> None:
    """Store the drive of ada in the session test."""
    rows = np.random.default_rng(1).random((FRAMES, len(IDS)), np.float32)
    times = [hub.START_NS + frame * STEP_NS for frame in range(FRAMES)]
    block = pack(times, [row.tobytes() for row in rows])
    connection = await asyncpg.connect(database)
    try:
        values = FRAMES, hub.START_NS, STEP_NS, bitmap(IDS), block, CHUNKS
        await connection.execute(INSERT, *values)
    finally:
        await connection.close()
