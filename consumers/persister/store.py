"""The statements for chunks and runs: load, insert, save and recount."""

from collections.abc import Sequence
from typing import Any, Final

import asyncpg

from consumers.persister import rows
from consumers.persister.decide import Held, RunKey
from pitbox.postgres import deleted
from pitbox.postgres.errors import Conflict
from pitbox.postgres.multirange import multirange, ranges_of

LOAD: Final = """
select session, driver, run, made, closed, have, dead, gone, echo, null::bigint as deleted
from run join unnest($1::text[], $2::text[], $3::bigint[]) as wanted (session, driver, run)
using (session, driver, run)
union all
select session, driver, run, null, false, '{}', '{}', '{}', -1, through
from deleted join unnest($1::text[], $2::text[], $3::bigint[]) as wanted (session, driver, run)
using (session, driver)
where run <= through
order by deleted nulls first
"""

# `have` and `dead` only grow, so that they keep the ranges of another transaction.
SAVE: Final = """
insert into run (session, driver, run, made, closed, have, dead, gone, echo, bytes, read_ns)
select session, driver, run, made, closed,
    have::int4multirange, dead::int4multirange, gone::int4multirange, echo, bytes, $11
from unnest(
    $1::text[], $2::text[], $3::bigint[], $4::int[], $5::bool[],
    $6::text[], $7::text[], $8::text[], $9::bigint[], $10::bigint[]
) as saved (session, driver, run, made, closed, have, dead, gone, echo, bytes)
on conflict (session, driver, run) do update set
    made = excluded.made,
    closed = excluded.closed,
    have = run.have + excluded.have,
    dead = run.dead + excluded.dead,
    gone = excluded.gone,
    echo = greatest(run.echo, excluded.echo),
    bytes = run.bytes + excluded.bytes,
    read_ns = greatest(run.read_ns, excluded.read_ns),
    updated = now()
where not run.have && excluded.have
"""

MEND: Final = """
update run set
    updated = now(),
    have = expired + (
        select coalesce(range_agg(int4range(chunk, last_chunk + 1)), '{}')
        from telemetry_part as c
        where c.session = run.session and c.driver = run.driver and c.run = run.run
    )
from unnest($1::text[], $2::text[], $3::bigint[]) as wanted (session, driver, run)
where run.session = wanted.session and run.driver = wanted.driver and run.run = wanted.run
"""

SERVER: Final = """
select concat_ws(' ', pg_postmaster_start_time(), oid) from pg_database
where datname = current_database()
"""


async def server(connection: asyncpg.Connection) -> str:
    """Return what names this start of Postgres and its database; a restored copy has another."""
    return str(await connection.fetchval(SERVER))


async def load(connection: asyncpg.Connection, keys: Sequence[RunKey]) -> dict[RunKey, Held]:
    """Return the state of the runs that Postgres knows, as stored or deleted ones."""
    found = await connection.fetch(LOAD, *_columns(keys))
    return {
        RunKey(row["session"], row["driver"], row["run"]): Held(
            made=-1 if row["made"] is None else row["made"],
            closed=row["closed"],
            have=ranges_of(row["have"]),
            dead=ranges_of(row["dead"]),
            gone=ranges_of(row["gone"]),
            echo=row["echo"],
            deleted=deleted.NONE if row["deleted"] is None else row["deleted"],
        )
        for row in found
    }


async def copy(connection: asyncpg.Connection, encoded: Sequence[bytes]) -> None:
    """Insert chunks, encoded by `rows.row`."""
    # A view, because asyncpg takes bytes for a file name; its type hints lack buffers.
    source: Any = memoryview(rows.stream(encoded))
    await connection.copy_to_table(
        "telemetry_chunk", source=source, columns=rows.COLUMNS, format="binary"
    )


async def save(
    connection: asyncpg.Connection,
    changed: dict[RunKey, Held],
    stored_bytes: Sequence[int],
    read_ns: int,
) -> None:
    """Upsert runs; `have` and `dead` need only the new ranges.

    `stored_bytes` is the size of the new chunks of each run. `read_ns` is when the stream stored
    the newest message that was read. Raises Conflict when a run has one of the new chunks already:
    the primary key of chunks does not know those that are sealed or expired.
    """
    values = list(changed.values())
    saved = await connection.execute(
        SAVE,
        *_columns(list(changed)),
        [None if row.made < 0 else row.made for row in values],
        [row.closed for row in values],
        [multirange(row.have) for row in values],
        [multirange(row.dead) for row in values],
        [multirange(row.gone) for row in values],
        [row.echo for row in values],
        stored_bytes,
        read_ns,
    )
    if saved != f"INSERT 0 {len(changed)}":
        raise Conflict("a run has a chunk that was to be stored")


async def mend(connection: asyncpg.Connection, keys: Sequence[RunKey]) -> None:
    """Recompute `have` of runs from their rows."""
    await connection.execute(MEND, *_columns(keys))


def _columns(keys: Sequence[RunKey]) -> tuple[list[str], list[str], list[int]]:
    return [k.session for k in keys], [k.driver for k in keys], [k.run for k in keys]
