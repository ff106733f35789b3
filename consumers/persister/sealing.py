"""Seal what is complete of runs: chunks become blocks of columns, of two fifths of their size.

Chunks and their block change places in one transaction, which deletes exactly the chunks that are
in the block. After each transaction sealing rests, so that it takes a tenth of the time at most.
"""

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import Sequence
from typing import Any, Final

import asyncpg
from msgspec import Struct

from consumers.persister import metrics
from consumers.persister.decide import RunKey
from consumers.persister.sealable import Part, Run, in_turn, next_part, sealable
from pitbox import logs
from pitbox.chunks import ranges
from pitbox.chunks.errors import CorruptChunkError
from pitbox.chunks.ranges import NONE, Ranges
from pitbox.chunks.sealing import cut, seal
from pitbox.postgres import deleted
from pitbox.postgres.connection import Connection
from pitbox.postgres.errors import Conflict, PostgresDown, Refused
from pitbox.postgres.multirange import multirange, ranges_of
from pitbox.postgres.telemetry import chunk_of
from pitbox.service.pausing import pause
from pitbox.settings import Sealing as Limits
from schemas.telemetry import Chunk

TICK_S: Final = 10.0
SHARE: Final = 9
"""The rest after each part, in times of what it took."""

MAX_UNFIT: Final = 1024
PART_BYTES: Final = 4_000_000
CHUNK_BYTES: Final = 250
"""What a chunk takes beside block and events: its other columns, and index entries."""

BLOCK_BYTES: Final = 400
"""What a block takes beside its bytes, without 32 for the plain columns of each chunk."""

RUNS: Final = """
select session, driver, run, have, dead, gone, sealed, expired,
    updated < now() - make_interval(secs => $1) as ended
from run left join deleted as d using (session, driver)
where have - sealed - expired <> '{}' and run > coalesce(d.through, -1)
order by updated
"""
NEWEST: Final = """
select ended_ns from telemetry_chunk
where session = $1 and driver = $2 and run = $3 order by chunk desc limit 1
"""
CHUNKS: Final = """
select * from (
    select *,
        sum(octet_length(block) + coalesce(octet_length(observed), 0)) over (order by chunk)
        as total_bytes
    from telemetry_chunk
    where session = $1 and driver = $2 and run = $3 and chunk between $4 and $5
) as part
where total_bytes <= $6 or chunk = $4 order by chunk
"""
DELETE: Final = """
delete from telemetry_chunk
where session = $1 and driver = $2 and run = $3 and chunk between $4 and $5
"""
PLAIN: Final = (*("lap_number", "position", "lap_distance", "speed", "world_x", "world_y", "fuel"),)
INSERT: Final = f"""
insert into telemetry_block (session, driver, run, chunk, last_chunk, first_frame, frames,
    captured_ns, ended_ns, channels, block, ends_us, {", ".join(PLAIN)})
values ({", ".join(f"${number}" for number in range(1, 13 + len(PLAIN)))})
"""
NOTE: Final = """
update run set sealed = sealed + $4::text::int4multirange, bytes = greatest(0, bytes + $5)
where session = $1 and driver = $2 and run = $3
"""

log = logs.get("persister")


class Group(Struct, frozen=True):
    """Hold the rows of chunks that are in a block together."""

    rows: Sequence[Any]
    block: bytes


class Sealing:
    """Seal the runs of all drivers in turn."""

    def __init__(
        self, connection: Connection, limits: Limits, *, tick_s: float = TICK_S, share: int = SHARE
    ) -> None:
        """Prepare to seal."""
        self._connection = connection
        self._after_s = limits.after_s
        self._tick_s = min(tick_s, limits.after_s)
        self._share = share
        self._unfit: OrderedDict[RunKey, Ranges] = OrderedDict()

    async def run(self, stop: asyncio.Event) -> None:
        """Seal until `stop` is set; wait while Postgres is down."""
        while self._after_s and not stop.is_set():
            await pause(stop, self._tick_s)
            try:
                if not stop.is_set() and await self._connection.is_ready():
                    await self.seal_all(stop)
            except PostgresDown as error:
                log.warning("sealing waits", reason=str(error))

    async def seal_all(self, stop: asyncio.Event) -> None:
        """Seal what is due now, a part of each run in turn; raises PostgresDown."""
        rows = await self._connection.fetch(RUNS, self._after_s)
        waiting = deque((run, -1) for run in in_turn(map(_run_of, rows)))
        while waiting and not stop.is_set():
            run, after = waiting.popleft()
            began_s = time.monotonic()
            rest = ranges.minus(sealable(run), self._unfit.get(run.key, NONE))
            part = next_part(run, rest, after)
            if part is None:
                continue
            waiting.append((run, await self._seal(run, part)))
            await pause(stop, self._share * (time.monotonic() - began_s))

    async def _seal(self, run: Run, part: Part) -> int:
        """Seal some chunks; return up to which one the run is done in this round."""
        rows = await self._read(run, part)
        chunks = [chunk_of(row) for row in rows]
        whole = bool(rows) and rows[-1]["chunk"] == part.chunks[1]
        groups, done = [], part.chunks[1]
        place = 0
        for group in cut(chunks, ended=part.ended and whole):
            of_group = rows[place : place + len(group)]
            place += len(group)
            try:
                groups.append(Group(of_group, seal(group)))
            except CorruptChunkError:
                self._note_unfit(run.key, group)
            await asyncio.sleep(0)
        if groups:
            try:
                await self._move(run.key, groups)
            except Refused as error:
                log.error("chunks cannot be sealed", run=run.key.run, reason=str(error))
                self._leave(run.key, [row["chunk"] for group in groups for row in group.rows])
        if place and not (whole and place == len(rows)):
            done = rows[place - 1]["chunk"]
        return done

    async def _read(self, run: Run, part: Part) -> list[Any]:
        """Return the rows of a part that are old enough, as far as they are consecutive."""
        async with self._connection.transaction() as connection:
            newest_ns = await connection.fetchval(NEWEST, *_parameters(run.key))
            rows = await connection.fetch(CHUNKS, *_parameters(run.key), *part.chunks, PART_BYTES)
        if not run.ended:
            until_ns = (newest_ns or 0) - int(self._after_s * 1e9)
            rows = [row for row in rows if row["ended_ns"] <= until_ns]
        return [row for place, row in enumerate(rows) if row["chunk"] == part.chunks[0] + place]

    async def _move(self, key: RunKey, groups: Sequence[Group]) -> None:
        """Put blocks in the place of their chunks, in one transaction."""
        parts = ranges.of(row["chunk"] for group in groups for row in group.rows)
        freed = sum(_chunk_bytes(row) for group in groups for row in group.rows)
        stored = sum(len(group.block) + BLOCK_BYTES + 32 * len(group.rows) for group in groups)
        async with self._connection.transaction() as connection:
            # A crash that loses the commit loses nothing: the chunks are there again.
            await connection.execute("set local synchronous_commit = off")
            await _guard(connection, key)
            for first, last in parts:
                removed = await connection.execute(DELETE, *_parameters(key), first, last)
                if removed != f"DELETE {last - first + 1}":
                    raise Conflict("another process has moved or removed chunks to be sealed")
            await connection.executemany(INSERT, [_block_row(key, group) for group in groups])
            await connection.execute(NOTE, *_parameters(key), multirange(parts), stored - freed)
        metrics.sealed.inc(ranges.count(parts))

    def _note_unfit(self, key: RunKey, group: Sequence[Chunk]) -> None:
        """Leave chunks that do not unpack as they are: readers show them as a hole."""
        unfit = [chunk.chunk for chunk in group if not _is_fit(chunk)]
        log.error("chunks in Postgres are damaged", run=key.run, chunks=len(unfit or group))
        self._leave(key, unfit or [chunk.chunk for chunk in group])

    def _leave(self, key: RunKey, numbers: Sequence[int]) -> None:
        """Do not try to seal these chunks again."""
        self._unfit[key] = ranges.union(self._unfit.pop(key, NONE), ranges.of(numbers))
        if len(self._unfit) > MAX_UNFIT:
            self._unfit.popitem(last=False)


def _is_fit(chunk: Chunk) -> bool:
    try:
        seal([chunk])
    except CorruptChunkError:
        return False
    return True


async def _guard(connection: asyncpg.Connection, key: RunKey) -> None:
    """Raise Conflict when a run was deleted; it is not before the transaction ends."""
    owner = key.session, key.driver
    deletion = (await deleted.among(connection, [owner])).get(owner)
    if deletion and key.run <= deletion.through:
        raise Conflict("the session was deleted")


def _run_of(row: Any) -> Run:
    sets = ("have", "dead", "gone", "sealed", "expired")
    return Run(
        key=RunKey(row["session"], row["driver"], row["run"]),
        ended=row["ended"],
        **{name: ranges_of(row[name]) for name in sets},
    )


def _parameters(key: RunKey) -> tuple[str, str, int]:
    return key.session, key.driver, key.run


def _chunk_bytes(row: Any) -> int:
    return len(row["block"]) + len(row["observed"] or b"") + CHUNK_BYTES


def _block_row(key: RunKey, group: Group) -> tuple[Any, ...]:
    """Return the parameters of `INSERT`."""
    first, last = group.rows[0], group.rows[-1]
    framed = [row for row in group.rows if row["frames"]] or [last]
    captured_ns = framed[0]["captured_ns"]
    plain = ([row[name] for row in group.rows] for name in PLAIN)
    return (
        *_parameters(key),
        *(first["chunk"], last["chunk"], first["first_frame"]),
        sum(row["frames"] for row in group.rows),
        *(captured_ns, max(row["ended_ns"] for row in framed)),
        *(first["channels"], group.block),
        [(row["ended_ns"] - captured_ns) // 1000 for row in group.rows],
        *(values if any(value is not None for value in values) else None for values in plain),
    )
