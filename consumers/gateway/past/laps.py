"""Query laps. `hidden` names the drivers whose rows are left out."""

from typing import Any, Final

import msgspec
from msgspec import Struct

from pitbox.postgres import page
from pitbox.postgres.laps import LAPS as ROWS
from pitbox.postgres.page import EACH, Integer, Long, Page, Text
from schemas.timing import Lap

LIVE_LAPS: Final = 1000
"""The laps of each driver that a page is shown first: the newest of the own car, then others."""

COLUMNS: Final = ROWS.listed

LAPS: Final = f"""
select * from (
    select {COLUMNS},
        (row_number() over (partition by driver order by own desc, car, lap_number) - 1) / {EACH}
        as tier
    from lap
    where session = $1
        and ($2::text is null or driver = $2)
        and ($3::boolean is null or own = $3)
        and driver <> all($4::text[])
        and (own or cardinality($4::text[]) = 0)
) as ranked
where $5::bigint is null or (tier, driver, not own, car, lap_number)
    > ($5, $6::text, $7::boolean, $8::text, $9::integer)
order by tier, driver, not own, car, lap_number
limit $10
"""

LIVE: Final = f"""
select {COLUMNS} from (
    select *, row_number() over (
        partition by driver order by own desc, lap_number desc, car
    ) as place
    from lap where session = $1
) as ranked
where place <= {LIVE_LAPS}
order by driver, own desc, car, lap_number
"""

OWN_LAP: Final = f"""
select {COLUMNS} from lap
where session = $1 and driver = $2 and lap_number = $3 and own
order by at_ns desc
limit 1
"""


class After(Struct, frozen=True, array_like=True):
    """Hold the position of a lap: the first laps of each driver come before anybody's others."""

    tier: Long
    driver: Text
    others: bool
    car: Text
    lap_number: Integer


NOTHING: Final = (None,) * len(After.__struct_fields__)


async def laps(
    connection: Any,
    session: str,
    *,
    hidden: frozenset[str],
    limit: int,
    after: After | None = None,
    driver: str | None = None,
    own: bool | None = None,
) -> Page[Lap]:
    """Return a page of the laps of a session.

    `own` selects laps of the driver's own car (True) or of other cars (False). While any driver is
    hidden, laps of other cars are left out: they may be the hidden driver's.
    """
    position = NOTHING if after is None else msgspec.structs.astuple(after)
    rows = await connection.fetch(LAPS, session, driver, own, list(hidden), *position, limit + 1)
    return page.page(rows, limit, ROWS.event, _position)


async def live(connection: Any, session: str) -> list[Lap]:
    """Return the laps of a session that a page is shown first, at most `LIVE_LAPS` a driver."""
    return [ROWS.event(row) for row in await connection.fetch(LIVE, session)]


async def own_lap(connection: Any, session: str, driver: str | None, number: int) -> Lap | None:
    """Return a lap of the driver's own car, None when there is none or `driver` is None."""
    row = await connection.fetchrow(OWN_LAP, session, driver, number)
    return None if row is None else ROWS.event(row)


def _position(row: Any) -> After:
    return After(row["tier"], row["driver"], not row["own"], row["car"], row["lap_number"])
