"""Read all rows of Postgres and compare them with the producers' ledgers."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Final

import asyncpg

from pitbox.chunks import ranges
from pitbox.chunks.errors import CorruptChunkError
from pitbox.chunks.frames import unpack
from pitbox.chunks.sealing import unseal
from pitbox.postgres.telemetry import chunk_of
from schemas.telemetry import Chunk
from tests.faults import facts
from tests.faults.ledger import Identity, Ledger
from tests.faults.verdict import Found, Row, Runs, Verdict, compare

CHUNKS: Final = "select * from telemetry_chunk"
BLOCKS: Final = "select session, driver, run, chunk, last_chunk, block from telemetry_block"
RUNS: Final = "select session, driver, run, have, dead, gone, expired from run"
NOT_AS_HELD: Final = """
select count(*) from run as r
where r.have - r.expired is distinct from (
    select coalesce(range_agg(int4range(chunk, last_chunk + 1)), '{}')
    from telemetry_part as t
    where (t.session, t.driver, t.run) = (r.session, r.driver, r.run)
) or r.sealed is distinct from (
    select coalesce(range_agg(int4range(chunk, last_chunk + 1)), '{}')
    from telemetry_block as b
    where (b.session, b.driver, b.run) = (r.session, r.driver, r.run)
)
"""
HOLES: Final = """
select
    coalesce(sum(chunks) filter (where not gone), 0)::int as lacking,
    coalesce(sum(chunks) filter (where gone), 0)::int as gone
from holes
"""
PAGE: Final = 2000


def judge(url: str, ledgers: Iterable[Ledger], *, refines: bool = False) -> Verdict:
    """Compare every row, content included, with every entry of the producers' ledgers.

    `refines` is as in `facts.wrong`.
    """
    return compare(asyncio.run(_found(url, refines)), ledgers)


async def stored(connection: asyncpg.Connection) -> Runs:
    """Return the chunks that Postgres reports for each run, declared-gone chunks included."""
    have, gone = await _ranges(connection, "have"), await _gone(connection)
    return {run: ranges.union(have[run], gone[run]) for run in have}


async def identities(connection: asyncpg.Connection) -> set[Identity]:
    """Return the identities of all stored chunks."""
    rows = await connection.fetch(
        "select session, driver, run, generate_series(chunk, last_chunk) from telemetry_part"
    )
    return {tuple(row) for row in rows}


async def _found(url: str, refines: bool) -> Found:
    connection = await asyncpg.connect(url)
    try:
        rows, doubled = await _rows(connection)
        gone = await _gone(connection)
        expired = await _ranges(connection, "expired")
        misheld = await connection.fetchval(NOT_AS_HELD)
        holes = (await connection.fetch(HOLES))[0]
        wrong_facts = await facts.wrong(connection, refines=refines)
    finally:
        await connection.close()
    return Found(
        rows=rows,
        doubled=doubled,
        gone=gone,
        expired={run: part for run, part in expired.items() if part},
        misheld=misheld,
        shown_lacking=holes["lacking"],
        shown_gone=holes["gone"],
        wrong_facts=len(wrong_facts),
    )


async def _rows(connection: asyncpg.Connection) -> tuple[dict[Identity, Row], int]:
    """Return a row for each chunk, sealed ones too, and the number of those that are doubled."""
    rows: dict[Identity, Row] = {}
    begun: set[Identity] = set()
    doubled = 0
    async with connection.transaction(isolation="repeatable_read"):
        async for chunk in _chunks(connection):
            identity = chunk.session, chunk.driver, chunk.run, chunk.chunk
            doubled += identity in rows
            if chunk.frames > 0:
                begins = (*identity[:3], chunk.first_frame)
                doubled += begins in begun
                begun.add(begins)
            rows[identity] = Row(chunk.crc, chunk.first_frame, chunk.frames, _unpacks(chunk))
    return rows, doubled


async def _chunks(connection: asyncpg.Connection) -> AsyncIterator[Chunk]:
    """Yield all chunks; one whose row of a block does not unpack is yielded without frames."""
    cursor = await connection.cursor(CHUNKS)
    while page := await cursor.fetch(PAGE):
        for row in page:
            yield chunk_of(row)
    cursor = await connection.cursor(BLOCKS)
    while page := await cursor.fetch(PAGE // 20):
        for session, driver, run, first, last, block in page:
            try:
                chunks = unseal((session, driver, run, first), block)
            except CorruptChunkError:
                chunks = []
            for chunk in chunks:
                yield chunk
            for number in range(first + len(chunks), last + 1):
                yield Chunk(2, driver, session, run, number, 0, 0, 0, 0, b"", 0, b"")


def _unpacks(chunk: Chunk) -> bool:
    """Return whether a chunk matches its crc and holds the declared frames."""
    try:
        return len(unpack(chunk).times_ns) == chunk.frames
    except CorruptChunkError:
        return False


async def _gone(connection: asyncpg.Connection) -> Runs:
    """Return the chunks that are declared gone by their PC, or refused by the hub."""
    gone, dead = await _ranges(connection, "gone"), await _ranges(connection, "dead")
    have = await _ranges(connection, "have")
    return {run: ranges.union(gone[run], ranges.minus(dead[run], have[run])) for run in gone}


async def _ranges(connection: asyncpg.Connection, column: str) -> Runs:
    return {
        (row["session"], row["driver"], row["run"]): tuple(
            (part.lower, part.upper - 1) for part in row[column]
        )
        for row in await connection.fetch(RUNS)
    }
