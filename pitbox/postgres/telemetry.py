"""Read the chunks of a run from Postgres, whether they are sealed or not."""

from typing import Any, Final

from pitbox import logs, metrics
from pitbox.chunks.errors import CorruptChunkError
from pitbox.chunks.owner import Owner
from pitbox.chunks.sealing import MAX_CHUNKS, unseal
from schemas.telemetry import Chunk

CHUNKS: Final = """
select * from telemetry_chunk
where session = $1 and driver = $2 and run = $3 and chunk between $4 and $5
"""

# A block begins at most so many chunks before its last one.
BLOCKS: Final = f"""
select chunk, block from telemetry_block
where session = $1 and driver = $2 and run = $3
    and chunk between $4 - {MAX_CHUNKS - 1} and $5 and last_chunk >= $4
"""

log = logs.get("postgres")


async def chunks(connection: Any, owner: Owner, run: int, first: int, last: int) -> list[Chunk]:
    """Return the stored chunks `first..last` of a run; those of a damaged block are missing."""
    which = *owner, run, first, last
    # In this order: a chunk that is sealed meanwhile is found twice, and not missed.
    rows = await connection.fetch(CHUNKS, *which)
    blocks = await connection.fetch(BLOCKS, *which)
    found = {row["chunk"]: chunk_of(row) for row in rows}
    for row in blocks:
        try:
            unsealed = unseal((*owner, run, row["chunk"]), row["block"])
        except CorruptChunkError as error:
            metrics.damaged_blocks.inc()
            log.error("a block in Postgres is damaged", run=run, reason=str(error))
            continue
        found |= {one.chunk: one for one in unsealed if first <= one.chunk <= last}
    return [found[number] for number in sorted(found)]


def chunk_of(row: Any) -> Chunk:
    """Return the chunk of a row of telemetry_chunk."""
    return Chunk(
        version=row["version"],
        driver=row["driver"],
        session=row["session"],
        run=row["run"],
        chunk=row["chunk"],
        send=0,
        first_frame=row["first_frame"],
        frames=row["frames"],
        captured_ns=row["captured_ns"],
        channels=row["channels"],
        crc=row["crc"],
        block=row["block"],
        observed=row["observed"] or b"",
    )
