"""Judge Postgres by the producers' ledgers: what is lost, doubled, damaged, gone or not ours."""

import asyncio
from collections.abc import Iterable
from typing import Final

import asyncpg
from msgspec import Struct

from pitbox.chunks import ranges
from pitbox.chunks.frames import CorruptChunkError, checksum, unpack_block
from tests.faults.ledger import Entry

ROWS: Final = """
select session, driver, run, chunk, crc, first_frame, frames, captured_ns, channels, block, observed
from telemetry_chunk
"""
RUNS: Final = "select session, driver, run, have, dead, gone from run"
NOT_AS_HELD: Final = """
select count(*) from run as r
where r.have is distinct from (
    select coalesce(range_agg(int4range(chunk, chunk + 1)), '{}')
    from telemetry_chunk as c
    where (c.session, c.driver, c.run) = (r.session, r.driver, r.run)
)
"""
HOLES: Final = """
select
    coalesce(sum(chunks) filter (where not gone), 0)::int as lacking,
    coalesce(sum(chunks) filter (where gone), 0)::int as gone
from holes
"""
PAGE: Final = 2000

Identity = tuple[str, str, int, int]
RunId = tuple[str, str, int]
Runs = dict[RunId, ranges.Ranges]


class Verdict(Struct, frozen=True):
    """Say what became of the committed chunks.

    `duplicate` are rows that hold frames of another row, `damaged` those whose content differs from
    the ledger, `alien` those that no ledger knows, `misheld` runs whose `have` is not their rows,
    `falsely_gone` chunks that are declared gone and yet there, `skipped` chunks that were made and
    never committed, `misshown` chunks by which the holes that are shown differ from all this.
    """

    chunks: int
    lost: int
    duplicate: int
    gone: int
    damaged: int = 0
    alien: int = 0
    misheld: int = 0
    falsely_gone: int = 0
    skipped: int = 0
    misshown: int = 0
    first_lost: Identity | None = None

    @property
    def sound(self) -> bool:
        """Tell whether nothing is wrong, gone chunks aside."""
        chunks = self.lost + self.duplicate + self.damaged + self.alien + self.skipped
        return not (chunks + self.misheld + self.falsely_gone + self.misshown)


class Row(Struct, frozen=True):
    """What the oracle keeps of a row."""

    crc: int
    first_frame: int
    frames: int
    sound: bool


def judge(url: str, entries: Iterable[Entry]) -> Verdict:
    """Compare every row, its content included, with every entry."""
    return asyncio.run(_judge(url, list(entries)))


async def stored(connection: asyncpg.Connection) -> Runs:
    """Return what Postgres says it has of each run, chunks that can never come included."""
    have, gone = await _ranges(connection, "have"), await _ranges(connection, "gone")
    return {run: ranges.union(have[run], gone[run]) for run in have}


def wanted(entries: Iterable[Entry]) -> Runs:
    """Return committed chunks as ranges of their runs."""
    numbers: dict[RunId, list[int]] = {}
    for entry in entries:
        numbers.setdefault(entry.run_id, []).append(entry.chunk)
    return {run: ranges.of(chunks) for run, chunks in numbers.items()}


def lacking(wanted: Runs, have: Runs) -> Runs:
    """Return what is wanted of each run and not had; runs of which all is had are left out."""
    parts = {run: ranges.minus(part, have.get(run, ranges.NONE)) for run, part in wanted.items()}
    return {run: part for run, part in parts.items() if part}


def count(runs: Runs) -> int:
    """Return how many chunks there are."""
    return sum(map(ranges.count, runs.values()))


async def _judge(url: str, entries: list[Entry]) -> Verdict:
    connection = await asyncpg.connect(url)
    try:
        rows, doubled = await _rows(connection)
        gone = await _ranges(connection, "gone")
        misheld = await connection.fetchval(NOT_AS_HELD)
        holes = (await connection.fetch(HOLES))[0]
    finally:
        await connection.close()
    missing = [entry for entry in entries if entry.identity not in rows]
    lost = lacking(wanted(missing), gone)
    never = len(missing) - count(lost)
    ledger = {entry.identity: entry for entry in entries}
    return Verdict(
        chunks=len(ledger),
        lost=count(lost),
        duplicate=doubled,
        gone=never,
        damaged=sum(1 for identity, row in rows.items() if not _same(row, ledger.get(identity))),
        alien=_aliens(rows, ledger),
        misheld=misheld,
        falsely_gone=sum(
            1
            for identity in rows
            if ranges.contains(gone.get(identity[:3], ranges.NONE), identity[3])
        ),
        skipped=sum(
            part[-1][1] + 1 - ranges.count(part) for part in wanted(ledger.values()).values()
        ),
        misshown=abs(holes["lacking"] - count(lost)) + abs(holes["gone"] - never),
        first_lost=next(((*run, part[0][0]) for run, part in lost.items()), None),
    )


def _same(row: Row, entry: Entry | None) -> bool:
    if entry is None:
        return row.sound
    named = (row.crc, row.first_frame, row.frames)
    return row.sound and named == (entry.crc, entry.first_frame, entry.frames)


def _aliens(rows: Iterable[Identity], ledger: dict[Identity, Entry]) -> int:
    """Count rows that no ledger knows.

    A kill between the commit of a chunk and its line in the ledger leaves one such chunk at the end
    of a run.
    """
    last: dict[RunId, int] = {}
    for session, driver, run, chunk in ledger:
        last[session, driver, run] = max(chunk, last.get((session, driver, run), -1))
    unknown = [identity for identity in rows if identity not in ledger]
    return sum(chunk != last.get((s, d, run), -2) + 1 for s, d, run, chunk in unknown)


async def _rows(connection: asyncpg.Connection) -> tuple[dict[Identity, Row], int]:
    rows: dict[Identity, Row] = {}
    begun: set[tuple[str, str, int, int]] = set()
    doubled = 0
    async with connection.transaction():
        cursor = await connection.cursor(ROWS)
        while page := await cursor.fetch(PAGE):
            for row in page:
                identity = (row["session"], row["driver"], row["run"], row["chunk"])
                begins = (*identity[:3], row["first_frame"])
                doubled += identity in rows or (row["frames"] > 0 and begins in begun)
                begun.add(begins)
                rows[identity] = Row(row["crc"], row["first_frame"], row["frames"], _unpacks(row))
    return rows, doubled


def _unpacks(row: asyncpg.Record) -> bool:
    """Tell whether the block is what its crc says and holds the frames that it declares."""
    if checksum(row["block"], row["observed"] or b"") != row["crc"]:
        return False
    try:
        frames = unpack_block(row["block"], row["frames"], row["channels"], row["captured_ns"])
    except CorruptChunkError:
        return False
    return len(frames.times_ns) == int(row["frames"])


async def _ranges(connection: asyncpg.Connection, column: str) -> Runs:
    return {
        (row["session"], row["driver"], row["run"]): tuple(
            (part.lower, part.upper - 1) for part in row[column]
        )
        for row in await connection.fetch(RUNS)
    }
