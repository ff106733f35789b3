"""Deleted parts of sessions: the table `deleted`, which outlives everything else of them.

A deletion covers the runs that began before it. Whoever adds one only writes its row; the persister
removes the rest, and every service refuses what comes of those runs again. A name of a session can
be used again: its later runs have higher numbers.
"""

from collections.abc import Collection, Iterable
from typing import Any, Final

from msgspec import Struct

from schemas.telemetry import Number, Token

Owner = tuple[str, str]
"""Session and driver."""

NONE: Final = -1
"""`through` where nothing is deleted."""

DRIVEN_S: Final = 60.0
"""A run without a new chunk or mark for longer is not being driven."""

ADD: Final = "select delete_session($1, $2, $3)"

DRIVERS: Final = """
select driver, bool_or(
    not closed and updated > now() - make_interval(secs => $2)
) as driven
from run where session = $1 group by driver order by driver
"""

AMONG: Final = "select * from deleted_among($1, $2)"
UNFINISHED: Final = """
select session, driver, through, runs, extract(epoch from clock_timestamp() - at)::float8 as age_s
from deleted where finished is null order by number
"""
FINISH: Final = """
update deleted set finished = now(), runs = '{}'
where session = $1 and driver = $2 and through = $3 and finished is null
"""
RETURNED: Final = """
update deleted set finished = null
from unnest($1::text[], $2::text[]) as returned (session, driver)
where deleted.session = returned.session and deleted.driver = returned.driver
    and finished is not null
"""
SINCE: Final = """
select session, driver, through, number from deleted where number > $1 order by number
"""


class Deletion(Struct, frozen=True):
    """Hold a deletion that is not finished; `age_s` is the time since it was added.

    `runs` are those that Postgres had.
    """

    session: Token
    driver: Token
    through: Number
    runs: tuple[Number, ...]
    age_s: float


class Since(Struct, frozen=True):
    """Hold until when facts in a stream are of the deleted runs, ns since 1970, and `through`."""

    through: int
    at_ns: int


async def add(connection: Any, owner: Owner, by: str) -> None:
    """Delete a driver's runs of a session, in the caller's transaction; `by` names who did it.

    Facts are gone then. Waits at most five seconds for transactions that store some.
    """
    await connection.execute(ADD, *owner, by)


async def drivers(connection: Any, session: str) -> dict[str, bool]:
    """Return the drivers of a session, and whether each drives it now."""
    found = await connection.fetch(DRIVERS, session, DRIVEN_S)
    return {row["driver"]: row["driven"] for row in found}


def driven_now(session: str, drivers: Iterable[str]) -> str:
    """Return why a session is not deleted that these drivers drive now, and the remedy."""
    return (
        f"{session} is being driven by {', '.join(drivers)}: close `pitbox drive` first; a PC "
        f"that is off counts as driving for {DRIVEN_S:.0f} s"
    )


async def among(connection: Any, owners: Collection[Owner]) -> dict[Owner, Since]:
    """Return the deletions of these owners.

    No other is added before the caller's transaction ends, so what it stores is not deleted.
    """
    found = await connection.fetch(AMONG, *_columns(owners)) if owners else ()
    return {
        (row["session"], row["driver"]): Since(row["through"], int(row["at"].timestamp() * 1e9))
        for row in found
    }


async def unfinished(connection: Any) -> list[Deletion]:
    """Return the deletions of which rows or messages may be left, the oldest first."""
    rows = await connection.fetch(UNFINISHED)
    return [Deletion(**{**row, "runs": tuple(row["runs"])}) for row in rows]


async def finish(connection: Any, deletion: Deletion) -> None:
    """Note that nothing is left of a deletion, unless it was extended meanwhile."""
    await connection.execute(FINISH, deletion.session, deletion.driver, deletion.through)


async def returned(connection: Any, owners: Collection[Owner]) -> None:
    """Note that messages of deleted runs have come again, so that their streams are purged."""
    if owners:
        await connection.execute(RETURNED, *_columns(owners))


class Deleted:
    """Hold all deletions in memory, for readers that do not write."""

    def __init__(self) -> None:
        """Hold none."""
        self._through: dict[Owner, int] = {}
        self._number = 0

    def through(self, session: str, driver: str) -> int:
        """Return the highest deleted run, `NONE` for none."""
        return self._through.get((session, driver), NONE)

    async def read(self, connection: Any, *, anew: bool = False) -> dict[Owner, int]:
        """Read the deletions that were added since the last call; return their highest runs.

        `anew` reads all again: another connection may be to an older copy of the database.
        """
        since = 0 if anew else self._number
        rows = await connection.fetch(SINCE, since)
        read = {(row["session"], row["driver"]): row["through"] for row in rows}
        before = self._through
        self._through = read if anew else before | read
        self._number = max((row["number"] for row in rows), default=since)
        return {owner: run for owner, run in read.items() if before.get(owner) != run}


def _columns(owners: Iterable[Owner]) -> tuple[list[str], list[str]]:
    pairs = list(owners)
    return [session for session, _ in pairs], [driver for _, driver in pairs]
