"""Remove what the settings of retention say, and announce it before.

Chunks go in slices, with a rest as long as each took, so that chunks are stored meanwhile.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Final

import asyncpg

from consumers.persister import due
from consumers.persister.due import Due, Stored
from pitbox import logs
from pitbox.postgres import deleted, refined
from pitbox.postgres.connection import Connection
from pitbox.postgres.errors import PostgresDown
from pitbox.postgres.growth import growth
from pitbox.service.pausing import pause
from pitbox.settings import Retention

TICK_S: Final = 60.0
SLICE_ROWS: Final = 1000

SESSIONS: Final = """
select
    run.session,
    extract(epoch from max(updated))::float8 as last_s,
    sum(bytes)::bigint as bytes,
    bool_or(p.session is not null) as pinned
from run left join pinned as p using (session) group by run.session
"""

ANNOUNCED: Final = """
select session, part, extract(epoch from announced)::float8 as announced_s from retention_due
"""
WITHDRAW: Final = "delete from retention_due where session <> all($1::text[])"
ANNOUNCE: Final = """
insert into retention_due as known (session, part, at)
select session, part, to_timestamp(at_s)
from unnest($1::text[], $2::text[], $3::float8[]) as due (session, part, at_s)
on conflict (session) do update set
    announced = case when known.part = excluded.part then known.announced else now() end,
    part = excluded.part,
    at = excluded.at
"""

# Facts rest on all chunks only once every service that derives them has folded all.
UNFOLDED: Final = """
select true from run cross join unnest($2::text[]) as wanted (name)
where session = $1 and not exists (
    select from folded as f
    where f.consumer = wanted.name and (f.session, f.driver, f.run)
        = (run.session, run.driver, run.run) and f.chunks = run.have
) and have <> '{}'
limit 1
"""
RUNS: Final = "select driver, run from run where session = $1 and have <> expired order by run"
EXPIRE: Final = """
with gone_chunks as (
    delete from telemetry_chunk where ctid = any(array(
        select ctid from telemetry_chunk
        where session = $1 and driver = $2 and run = $3 limit $4
    ))
    returning chunk, chunk as last_chunk
),
gone_blocks as (
    delete from telemetry_block where ctid = any(array(
        select ctid from telemetry_block
        where session = $1 and driver = $2 and run = $3 limit $4
    ))
    returning chunk, last_chunk
)
select count(*), range_agg(int4range(chunk, last_chunk + 1)) as chunks
from (select * from gone_chunks union all select * from gone_blocks) as gone
"""
NOTE: Final = """
update run set
    sealed = sealed - coalesce($5::int4multirange, '{}'),
    expired = expired + coalesce($5::int4multirange, '{}'),
    expired_at = now(),
    bytes = case when $4 then 0 else bytes end
where session = $1 and driver = $2 and run = $3
"""
DRIVERS: Final = "select distinct driver from run where session = $1"

log = logs.get("persister")


class Retaining:
    """Keep Postgres within the limits."""

    def __init__(
        self,
        connection: Connection,
        limits: Retention,
        derives: Sequence[str],
        refines: Mapping[str, str],
        *,
        tick_s: float = TICK_S,
    ) -> None:
        """Prepare; `derives` names the services that derive facts from chunks.

        `refines` are those that derive facts from facts, each with the service of those.
        """
        self._connection = connection
        self._limits = limits
        self._derives, self._refines = list(derives), refines
        self._tick_s = tick_s
        self._waits: set[str] = set()

    async def run(self, stop: asyncio.Event) -> None:
        """Announce and remove every minute until `stop` is set."""
        while not stop.is_set():
            try:
                if await self._connection.is_ready():
                    await self._round(stop)
            except PostgresDown as error:
                log.warning("retention waits", reason=str(error))
            await pause(stop, self._tick_s)

    async def _round(self, stop: asyncio.Event) -> None:
        async with self._connection.transaction() as connection:
            found, now_s = await self._due(connection)
            await connection.execute(WITHDRAW, [one.session for one in found])
            columns = ([one.session for one in found], [one.part for one in found])
            await connection.execute(ANNOUNCE, *columns, [one.at_s for one in found])
        for one in found:
            if one.at_s <= now_s and not stop.is_set():
                await self._remove(one, stop)

    async def _due(self, connection: asyncpg.Connection) -> tuple[list[Due], float]:
        """Return what is due within the notice, and the hub's time."""
        grows = await growth(connection)
        announced = await connection.fetch(ANNOUNCED)
        found = due.due(
            [Stored(**row) for row in await connection.fetch(SESSIONS)],
            self._limits,
            bytes_per_s=grows.bytes_per_s,
            announced={(row["session"], row["part"]): row["announced_s"] for row in announced},
            now_s=grows.now_s,
        )
        return found, grows.now_s

    async def _remove(self, one: Due, stop: asyncio.Event) -> None:
        if one.part == "facts":
            async with self._connection.transaction() as connection:
                for row in await connection.fetch(DRIVERS, one.session):
                    await deleted.add(connection, (one.session, row["driver"]), "retention")
            log.info("retention deletes a session", session=one.session)
            return
        if await self._is_derived_from(one.session):
            if one.session not in self._waits:
                log.warning("telemetry stays until its facts are derived", session=one.session)
            self._waits.add(one.session)
            return
        self._waits.discard(one.session)
        for row in await self._connection.fetch(RUNS, one.session):
            await self._expire((one.session, row["driver"], row["run"]), stop)
        log.info("retention removed telemetry; the facts stay", session=one.session)

    async def _is_derived_from(self, session: str) -> bool:
        """Return whether facts of a session are still to be derived."""
        async with self._connection.transaction() as connection:
            if await connection.fetchval(UNFOLDED, session, self._derives):
                return True
            return await refined.behind(connection, session, self._refines) > 0

    async def _expire(self, run: tuple[str, str, int], stop: asyncio.Event) -> None:
        """Remove the chunks of a run, and note them as expired in the same transactions."""
        left = True
        while left and not stop.is_set():
            begun_s = time.monotonic()
            async with self._connection.transaction() as connection:
                [gone] = await connection.fetch(EXPIRE, *run, SLICE_ROWS)
                left = gone["count"] >= SLICE_ROWS
                await connection.execute(NOTE, *run, not left, gone["chunks"])
            if left:
                await pause(stop, time.monotonic() - begun_s)
