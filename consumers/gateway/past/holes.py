"""Query holes in the telemetry, and the runs that have ended."""

from typing import Any, Final

import msgspec
from msgspec import Struct

from pitbox.postgres import page
from pitbox.postgres.page import EACH, Integer, Long, Page, Text
from schemas.api import Hole
from schemas.wall import Presence

MAX_PARTS: Final = 64
"""The most holes of a run in one presence, the same limit as in a receipt."""

HOLES: Final = f"""
with ranked as (
    select *,
        (row_number() over (partition by driver order by run desc, first_chunk) - 1) / {EACH}
        as tier
    from holes where session = $1 and driver <> all($2::text[])
),
listed as (
    select * from ranked
    where $3::bigint is null
        or (tier, driver, -run, first_chunk) > ($3, $4::text, -($5::bigint), $6::integer)
    order by tier, driver, run desc, first_chunk
    limit $7
)
select h.*, before.ended_ns as from_ns, after.captured_ns as to_ns
from listed as h
left join lateral (
    select ended_ns from telemetry_part
    where session = h.session and driver = h.driver and run = h.run
        and chunk < h.first_chunk and frames > 0
    order by chunk desc limit 1
) as before on true
left join lateral (
    select captured_ns from telemetry_part
    where session = h.session and driver = h.driver and run = h.run
        and chunk > h.last_chunk and frames > 0
    order by chunk limit 1
) as after on true
order by h.tier, h.driver, h.run desc, h.first_chunk
"""

CLOSED: Final = f"""
with latest as (
    select distinct on (driver) * from run where session = $1 order by driver, run desc
)
select
    r.driver, r.run, r.made, extract(epoch from r.updated) * 1000 as seen_ms,
    h.missing, h.gone, h.refused
from latest as r
left join lateral (
    select
        array_agg(part.ends order by part.ends) filter (where not part.gone) as missing,
        array_agg(part.ends order by part.ends)
            filter (where part.gone and not part.refused) as gone,
        array_agg(part.ends order by part.ends) filter (where part.refused) as refused
    from (
        select array[first_chunk, last_chunk] as ends, gone, refused from holes
        where session = r.session and driver = r.driver and run = r.run
        order by first_chunk limit {MAX_PARTS}
    ) as part
) as h on true
where r.closed
"""


class After(Struct, frozen=True, array_like=True):
    """Hold the position of a hole: the newest holes of each driver come before anybody's others."""

    tier: Long
    driver: Text
    run: Long
    first_chunk: Integer


NOTHING: Final = (None,) * len(After.__struct_fields__)


async def holes(
    connection: Any,
    session: str,
    *,
    hidden: frozenset[str],
    limit: int,
    after: After | None = None,
) -> Page[Hole]:
    """Return a page of the ranges of chunks of a session that Postgres lacks."""
    position = NOTHING if after is None else msgspec.structs.astuple(after)
    rows = await connection.fetch(HOLES, session, list(hidden), *position, limit + 1)
    return page.page(rows, limit, _hole, _position)


async def closed(connection: Any, session: str) -> list[Presence]:
    """Return the presences of a session whose last run was closed, one per driver."""
    return [_ended(session, row) for row in await connection.fetch(CLOSED, session)]


def _hole(row: Any) -> Hole:
    return Hole(**{name: row[name] for name in Hole.__struct_fields__})


def _position(row: Any) -> After:
    return After(row["tier"], row["driver"], row["run"], row["first_chunk"])


def _ended(session: str, row: Any) -> Presence:
    kinds = ("missing", "gone", "refused")
    missing, gone, refused = (tuple(map(tuple, row[kind] or ())) for kind in kinds)
    made = row["made"] or 0
    return Presence(
        session=session,
        driver=row["driver"],
        run=row["run"],
        seen_ms=float(row["seen_ms"]),
        made=made,
        through=(missing[0][0] if missing else made) - 1,
        missing=missing,
        gone=gone,
        refused=refused,
        closed=True,
    )
