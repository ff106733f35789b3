"""Query facts of which a lap has one. `hidden` names the drivers whose rows are left out."""

from typing import Any, Final, Generic, TypeVar

import msgspec
from msgspec import Struct

from pitbox.postgres import page
from pitbox.postgres.coaching import DEBRIEFS, MOMENTS, SILENCES
from pitbox.postgres.columns import Columns
from pitbox.postgres.page import EACH, Integer, Long, Page, Text
from pitbox.postgres.passes import PASSES, TRACK_OF, TRACKS
from schemas.base import Event
from schemas.track import Track

E = TypeVar("E", bound=Event)

LIVE: Final = 50
"""The laps of each driver of which a page is sent the facts first: the latest."""


class After(Struct, frozen=True, array_like=True):
    """Hold the position of a fact: the first ones of each driver come before anybody's others."""

    tier: Long
    driver: Text
    car: Text
    lap_number: Integer


NOTHING: Final = (None,) * len(After.__struct_fields__)


class ByLap(Generic[E]):
    """Query one table whose key is driver, car and number of a lap."""

    def __init__(self, table: str, columns: Columns[E]) -> None:
        """Prepare the statements."""
        self._event = columns.event
        self._page = f"""
select * from (
    select {columns.listed},
        (row_number() over (partition by driver order by car, lap_number) - 1) / {EACH} as tier
    from {table}
    where session = $1 and ($2::text is null or driver = $2) and driver <> all($3::text[])
) as ranked
where $4::bigint is null
    or (tier, driver, car, lap_number) > ($4, $5::text, $6::text, $7::integer)
order by tier, driver, car, lap_number
limit $8
"""
        self._latest = f"""
select {columns.listed} from (
    select *, row_number() over (partition by driver order by at_ns desc, lap_number desc) as place
    from {table} where session = $1
) as ranked
where place <= {LIVE}
order by driver, at_ns, lap_number
"""

    async def page(
        self,
        connection: Any,
        session: str,
        *,
        hidden: frozenset[str],
        limit: int,
        after: After | None = None,
        driver: str | None = None,
    ) -> Page[E]:
        """Return a page of the facts of a session, of all drivers or of one."""
        position = NOTHING if after is None else msgspec.structs.astuple(after)
        where = session, driver, list(hidden), *position, limit + 1
        rows = await connection.fetch(self._page, *where)
        return page.page(rows, limit, self._event, _position)

    async def latest(self, connection: Any, session: str) -> list[E]:
        """Return the facts of the latest laps of each driver."""
        return [self._event(row) for row in await connection.fetch(self._latest, session)]


passes: Final = ByLap("passes", PASSES)
moments: Final = ByLap("moment", MOMENTS)
silences: Final = ByLap("silence", SILENCES)
debriefs: Final = ByLap("debrief", DEBRIEFS)


async def tracks(connection: Any, session: str) -> list[Track]:
    """Return the track of each driver of a session."""
    return [TRACKS.event(row) for row in await connection.fetch(TRACK_OF, session)]


def _position(row: Any) -> After:
    return After(row["tier"], row["driver"], row["car"], row["lap_number"])
