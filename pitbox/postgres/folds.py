"""Read and write folds in Postgres: facts, the chunks they rest on, and a snapshot."""

import time
from collections.abc import Iterable, Mapping
from typing import Final

import asyncpg
from msgspec import Struct

from pitbox.chunks.owner import Owner
from pitbox.chunks.ranges import Ranges
from pitbox.postgres import deleted
from pitbox.postgres.errors import Conflict
from pitbox.postgres.facts import Facts, FactTables
from pitbox.postgres.multirange import multirange, ranges_of

# Runs whose chunks in Postgres are not those that the facts were derived from. A run is missing in
# `folded` before its first fold, and in `run` once it was deleted.
DIFFERENT: Final = """
select session, driver, run, r.have, r.dead + r.gone as lost,
    coalesce(fold.generation, 0) as generation
from run as r
full join (select * from folded where consumer = $1) as f using (session, driver, run)
left join (select * from fold where consumer = $1) as fold using (session, driver)
left join deleted as d using (session, driver)
where coalesce(r.have, '{}') <> coalesce(f.chunks, '{}') and run > coalesce(d.through, -1)
"""

# Facts whose telemetry retention has removed stay as another version has derived them.
OUTDATED: Final = """
select session, driver from fold where consumer = $1 and version <> $2 and not exists (
    select from run
    where run.session = fold.session and run.driver = fold.driver and expired <> '{}'
)
"""

READ: Final = "select coalesce(max(read_ns), 0) from run"

FOLD: Final = """
select version, generation, state from fold where consumer = $1 and session = $2 and driver = $3
"""

FOLDED: Final = """
select run, chunks from folded where consumer = $1 and session = $2 and driver = $3
"""

HAVE: Final = """
select run, have, expired from run left join deleted as d using (session, driver)
where session = $1 and driver = $2 and run > coalesce(d.through, -1)
"""

BEGIN: Final = """
insert into fold (consumer, session, driver, version, generation, state)
values ($1, $2, $3, $4, $5, $6)
"""

ADVANCE: Final = """
update fold set version = $4, generation = $5, state = $6, updated = now()
where consumer = $1 and session = $2 and driver = $3 and generation = $7
"""

FORGET_FOLDED: Final = "delete from folded where consumer = $1 and session = $2 and driver = $3"

SAVE_FOLDED: Final = """
insert into folded (consumer, session, driver, run, chunks)
select $1, $2, $3, run, chunks::int4multirange from unnest($4::bigint[], $5::text[])
    as saved (run, chunks)
"""

REBUILD: Final = "delete from fold where session = $1"


class Difference(Struct, frozen=True):
    """Hold a run's chunks in Postgres, and those that can never arrive."""

    have: Ranges
    lost: Ranges


class Differing(Struct, frozen=True):
    """Hold a driver's runs whose chunks differ, and the generation of the fold in Postgres."""

    generation: int
    runs: dict[int, Difference]


class Stored(Struct, frozen=True):
    """Hold what Postgres has of a fold; `generation` is 0 before the first commit.

    `expired` are the chunks in `have` that retention has removed.
    """

    version: int = 0
    generation: int = 0
    state: bytes | None = None
    folded: Mapping[int, Ranges] = {}
    have: Mapping[int, Ranges] = {}
    expired: Mapping[int, Ranges] = {}
    facts: Facts = {}


async def differences(connection: asyncpg.Connection, consumer: str) -> dict[Owner, Differing]:
    """Return the drivers that have runs whose chunks differ from the folded ones."""
    found: dict[Owner, Differing] = {}
    for row in await connection.fetch(DIFFERENT, consumer):
        differing = found.setdefault(
            (row["session"], row["driver"]), Differing(row["generation"], {})
        )
        differing.runs[row["run"]] = Difference(ranges_of(row["have"]), ranges_of(row["lost"]))
    return found


async def outdated(connection: asyncpg.Connection, consumer: str, version: int) -> list[Owner]:
    """Return the folds that another version of the code has made."""
    rows = await connection.fetch(OUTDATED, consumer, version)
    return [(row["session"], row["driver"]) for row in rows]


async def load(
    connection: asyncpg.Connection, consumer: str, owner: Owner, tables: FactTables
) -> Stored:
    """Return a driver's fold, its facts, and the chunks that Postgres has."""
    fold = await connection.fetchrow(FOLD, consumer, *owner)
    folded = await connection.fetch(FOLDED, consumer, *owner)
    have = await connection.fetch(HAVE, *owner)
    return Stored(
        version=fold["version"] if fold else 0,
        generation=fold["generation"] if fold else 0,
        state=fold["state"] if fold else None,
        folded={row["run"]: ranges_of(row["chunks"]) for row in folded},
        have={row["run"]: ranges_of(row["have"]) for row in have},
        expired={row["run"]: ranges_of(row["expired"]) for row in have},
        facts=await tables.read(connection, *owner),
    )


async def guard(connection: asyncpg.Connection, owner: Owner, runs: Iterable[int]) -> None:
    """Raise Conflict when one of the runs was deleted; none is before the transaction ends."""
    deletion = (await deleted.among(connection, [owner])).get(owner)
    if deletion and any(run <= deletion.through for run in runs):
        raise Conflict("the session was deleted")


async def commit(
    connection: asyncpg.Connection,
    consumer: str,
    owner: Owner,
    *,
    version: int,
    generation: int,
    state: bytes,
    folded: Mapping[int, Ranges],
) -> int:
    """Store a snapshot and the chunks in it, in the caller's transaction; return its generation.

    Raises Conflict when the fold in Postgres is not of `generation`, or runs in it were deleted.
    """
    await guard(connection, owner, folded)
    after = max(time.time_ns(), generation + 1)
    if generation:
        done = await connection.execute(
            ADVANCE, consumer, *owner, version, after, state, generation
        )
        if done != "UPDATE 1":
            raise Conflict("another process, or an older copy of Postgres, has the fold")
        await connection.execute(FORGET_FOLDED, consumer, *owner)
    else:
        await connection.execute(BEGIN, consumer, *owner, version, after, state)
    await connection.execute(
        SAVE_FOLDED,
        consumer,
        *owner,
        list(folded),
        [multirange(ranges) for ranges in folded.values()],
    )
    return after


async def rebuild(connection: asyncpg.Connection, session: str) -> None:
    """Forget which chunks the facts of a session rest on, so that they are derived again."""
    await connection.execute(REBUILD, session)
