"""Read and write folds of facts in Postgres: what they rest on is a commit of another fold."""

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct

from pitbox.chunks.owner import Owner
from pitbox.postgres import folds
from pitbox.postgres.errors import Conflict
from pitbox.postgres.facts import Facts, FactTables, Place

# $4 is whether the consumer reads telemetry too: where retention has removed some, facts stay.
DIFFERENT: Final = """
select session, driver, coalesce(own.generation, 0) as generation, behind
from fold as source
left join (select * from fold where consumer = $1) as own using (session, driver),
lateral (
    select (own.source_generation, own.version) is distinct from (source.generation, $3::integer)
        and not ($4 and exists (
            select from run
            where run.session = source.session and run.driver = source.driver and expired <> '{}'
        )) as behind
) as compared
where source.consumer = $2 and (behind or own.unpublished is not null)
order by source.updated desc
"""
"""The drivers whose facts rest on older ones or are not published, the latest driven first."""

SOURCE: Final = """
select generation from fold where consumer = $1 and session = $2 and driver = $3
"""

FOLD: Final = """
select version, generation, state, unpublished
from fold where consumer = $1 and session = $2 and driver = $3
"""

UNMOVED: Final = """
select exists (
    select from fold where consumer = $1 and session = $2 and driver = $3 and generation = $4
) and not ($5 and exists (select from run where session = $2 and driver = $3 and expired <> '{}'))
"""

BEGIN: Final = """
insert into fold
    (consumer, session, driver, version, generation, state, source_generation, unpublished)
values ($1, $2, $3, $4, $5, $6, $7, $8)
"""

ADVANCE: Final = """
update fold set version = $4, generation = $5, state = $6, source_generation = $7,
    unpublished = $8, updated = now()
where consumer = $1 and session = $2 and driver = $3 and generation = $9
"""

NOTE: Final = """
update fold set source_generation = $5
where consumer = $1 and session = $2 and driver = $3 and generation = $4
"""

PUBLISHED: Final = """
update fold set unpublished = null
where consumer = $1 and session = $2 and driver = $3 and generation = $4
"""

BEHIND: Final = """
select count(*) from fold as source
join unnest($2::text[], $3::text[]) as wanted (name, source) on source.consumer = wanted.source
left join fold as own on (own.consumer, own.session, own.driver)
    = (wanted.name, source.session, source.driver)
where source.session = $1 and own.source_generation is distinct from source.generation
"""

_encode: Final = msgspec.msgpack.Encoder().encode
_places: Final = msgspec.msgpack.Decoder(tuple[Place, ...]).decode


class Differing(Struct, frozen=True):
    """Hold a driver whose fold has work, and the generation of the fold in Postgres.

    `behind` is False when facts only have to be published.
    """

    owner: Owner
    generation: int
    behind: bool


class Stored(Struct, frozen=True):
    """Hold what Postgres has of a fold; `generation` is 0 before the first commit."""

    version: int = 0
    generation: int = 0
    state: bytes | None = None
    unpublished: tuple[Place, ...] = ()
    facts: Facts = {}


class Source(Struct, frozen=True):
    """Hold which commit a fold rests on: the other consumer's name, and its generation.

    `telemetry` is whether chunks were read too.
    """

    consumer: str
    generation: int
    telemetry: bool


class Commit(Struct, frozen=True):
    """Hold a fold to be stored; `generation` is the one that it replaces."""

    consumer: str
    owner: Owner
    version: int
    generation: int
    state: bytes
    unpublished: Sequence[Place]


async def differing(
    connection: Any, consumer: str, source: str, version: int, *, telemetry: bool
) -> list[Differing]:
    """Return the drivers that a consumer has work for, the latest driven first."""
    rows = await connection.fetch(DIFFERENT, consumer, source, version, telemetry)
    return [
        Differing((row["session"], row["driver"]), row["generation"], row["behind"]) for row in rows
    ]


async def behind(connection: Any, session: str, refines: Mapping[str, str]) -> int:
    """Return how many folds of a session rest on older facts; `refines` are consumers and sources.

    A fold whose source has none yet is not counted.
    """
    names, sources = list(refines), list(refines.values())
    return int(await connection.fetchval(BEHIND, session, names, sources))


async def source_generation(connection: Any, source: str, owner: Owner) -> int:
    """Return the generation of the source's fold, 0 without one."""
    return int(await connection.fetchval(SOURCE, source, *owner) or 0)


async def load(connection: Any, consumer: str, owner: Owner, tables: FactTables) -> Stored:
    """Return a driver's fold and its facts."""
    row = await connection.fetchrow(FOLD, consumer, *owner)
    facts = await tables.read(connection, *owner)
    if row is None:
        return Stored(facts=facts)
    unpublished = _places(row["unpublished"]) if row["unpublished"] else ()
    return Stored(row["version"], row["generation"], row["state"], unpublished, facts)


async def commit(connection: Any, made: Commit, source: Source) -> int:
    """Store a fold in the caller's transaction; return its generation.

    Returns 0 and stores nothing when the source has another generation by now, or when retention
    has removed telemetry. Raises Conflict when the fold is not of the generation to be replaced.
    """
    await folds.guard(connection, made.owner, ())
    where = source.consumer, *made.owner, source.generation, source.telemetry
    if not await connection.fetchval(UNMOVED, *where):
        return 0
    after = max(time.time_ns(), made.generation + 1)
    unpublished = _encode(made.unpublished) if made.unpublished else None
    values = made.version, after, made.state, source.generation, unpublished
    if not made.generation:
        await connection.execute(BEGIN, made.consumer, *made.owner, *values)
        return after
    _expect_one(
        await connection.execute(ADVANCE, made.consumer, *made.owner, *values, made.generation)
    )
    return after


async def note(
    connection: Any, consumer: str, owner: Owner, generation: int, source: Source
) -> None:
    """Note that a fold rests on another commit of the source too; raises as `commit`."""
    _expect_one(await connection.execute(NOTE, consumer, *owner, generation, source.generation))


async def published(connection: Any, consumer: str, owner: Owner, generation: int) -> None:
    """Note that all facts of a fold are published, unless it was committed again meanwhile."""
    await connection.execute(PUBLISHED, consumer, *owner, generation)


def _expect_one(done: str) -> None:
    if done != "UPDATE 1":
        raise Conflict("another process, or an older copy of Postgres, has the fold")
