"""Read the chunks of a run from Postgres, or some of their channels, whether sealed or not."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from msgspec.structs import replace

from pitbox import logs, metrics
from pitbox.chunks.errors import CorruptChunkError
from pitbox.chunks.owner import Owner
from pitbox.chunks.sealing import MAX_CHUNKS, unseal
from pitbox.chunks.traces import Row, Table, table
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

# Rows from the last one that begins at or before $4 on, to the one that begins after $5.
RANGE: Final = """
where session = $1 and driver = $2 and run = $3 and captured_ns >= coalesce((
    select max(captured_ns) from telemetry_part
    where session = $1 and driver = $2 and run = $3 and frames > 0 and captured_ns <= $4
), $4) and captured_ns <= coalesce((
    select min(captured_ns) from telemetry_part
    where session = $1 and driver = $2 and run = $3 and frames > 0 and captured_ns > $5
), $5)
"""
ROWS: Final = f"""
select {", ".join(Row._fields)} from telemetry_part {RANGE} and frames > 0 order by captured_ns
"""
ENDS: Final = f"""
select min(chunk) filter (where ended_ns >= $4) as first,
    coalesce(min(chunk) filter (where ended_ns >= $5), max(chunk)) as last
from telemetry {RANGE}
"""

BESIDE_NS: Final = 1_000_000_000
"""The frames before and after a range are looked for within a second."""

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


async def channels(
    connection: Any, owner: Owner, run: int, span_ns: tuple[int, int], wanted: Sequence[int]
) -> Table:
    """Return channels (ids) of a run from the frame before a span of time to the one after it.

    Rows that are damaged are missing, counted and logged. A channel that no row has is left out.
    """
    from_ns, to_ns = span_ns
    rows = [Row(*row) for row in await connection.fetch(ROWS, *owner, run, from_ns, to_ns)]
    found = table(rows, owner, from_ns - BESIDE_NS, to_ns + BESIDE_NS, wanted)
    if found.damaged:
        metrics.damaged_blocks.inc(found.damaged)
        log.error("telemetry in Postgres is damaged", run=run, rows=found.damaged)
    first = max(int(np.searchsorted(found.times_ns, from_ns, "right")) - 1, 0)
    last = int(np.searchsorted(found.times_ns, to_ns, "left")) + 1
    return replace(
        found,
        times_ns=found.times_ns[first:last],
        columns=tuple(column[first:last] for column in found.columns),
    )


async def ends(
    connection: Any, owner: Owner, run: int, span_ns: tuple[int, int]
) -> tuple[int, int] | None:
    """Return the first and last chunk of a run with frames of a span of time, None without any."""
    row = await connection.fetchrow(ENDS, *owner, run, *span_ns)
    return None if row["first"] is None else (row["first"], row["last"])


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
