"""Query sessions. `hidden` names the drivers whose rows are left out."""

from typing import Any, Final

import msgspec
from msgspec import Struct

from pitbox.postgres import page
from pitbox.postgres.page import Integer, Long, Page, Text
from pitbox.postgres.sessions import COLUMNS, LISTED, session_of
from schemas.api import DriverSummary, Removal, SessionSummary
from schemas.timing import Session

SUMMARIES: Final = f"""
with driven as (
    select distinct session, driver from run
    where session = any($1::text[]) and driver <> all($2::text[])
)
select
    d.session as at,
    d.driver as who,
    {", ".join(f"s.{column}" for column in COLUMNS)},
    l.laps,
    l.best_lap_time_s,
    first.captured_ns as from_ns,
    last.ended_ns as to_ns,
    (
        select extract(epoch from max(expired_at))::float8 * 1000 from run
        where session = d.session and driver = d.driver and expired <> '{{}}'
    ) as removed_ms
from driven as d
left join session as s on s.session = d.session and s.driver = d.driver
left join lateral (
    select
        count(*) filter (where lap_time_s is not null) as laps,
        min(lap_time_s) filter (where valid) as best_lap_time_s
    from lap
    where session = d.session and driver = d.driver and own
) as l on true
left join lateral (
    select captured_ns from telemetry_part
    where session = d.session and driver = d.driver
    order by captured_ns limit 1
) as first on true
left join lateral (
    select ended_ns from telemetry_part
    where session = d.session and driver = d.driver
    order by captured_ns desc limit 1
) as last on true
"""

KEEPING: Final = """
select session, p.session is not null as pinned, part,
    extract(epoch from due.at)::float8 * 1000 as at_ms
from unnest($1::text[]) as wanted (session)
left join pinned as p using (session) left join retention_due as due using (session)
"""
SESSIONS: Final = f"select {', '.join(COLUMNS)} from session where session = $1"
EXISTS: Final = "select exists(select from run where session = $1 and driver <> all($2::text[]))"


class After(Struct, frozen=True, array_like=True):
    """Hold the position of a session in the list, see `LISTED`."""

    tier: Integer
    seen_us: Long
    session: Text


NOTHING: Final = (None,) * len(After.__struct_fields__)


async def summaries(
    connection: Any, *, hidden: frozenset[str], limit: int, after: After | None = None
) -> Page[SessionSummary]:
    """Return a page of sessions, newest first; see `LISTED` for their order."""
    position = NOTHING if after is None else msgspec.structs.astuple(after)
    rows = await connection.fetch(LISTED, list(hidden), *position, limit + 1)
    listed: Page[str] = page.page(rows, limit, _name, _position)
    found = await _summarised(connection, hidden, listed.rows)
    return Page([found[name] for name in listed.rows if name in found], listed.after)


async def summary(connection: Any, hidden: frozenset[str], session: str) -> SessionSummary | None:
    """Return the summary of a session, None when there is none."""
    return (await _summarised(connection, hidden, [session])).get(session)


async def exists(connection: Any, hidden: frozenset[str], session: str) -> bool:
    """Return whether a driver who is not hidden drove a session."""
    return bool(await connection.fetchval(EXISTS, session, list(hidden)))


async def sessions(connection: Any, session: str) -> list[Session]:
    """Return the facts of a session, one per driver."""
    return [session_of(row) for row in await connection.fetch(SESSIONS, session)]


async def _summarised(
    connection: Any, hidden: frozenset[str], names: list[str]
) -> dict[str, SessionSummary]:
    """Return summaries by session, the drivers of each with the latest first."""
    drivers: dict[str, list[DriverSummary]] = {}
    for row in await connection.fetch(SUMMARIES, names, list(hidden)):
        drivers.setdefault(row["at"], []).append(_driver(row))
    keeping = {row["session"]: row for row in await connection.fetch(KEEPING, [*drivers])}
    return {name: _summary(found, keeping[name]) for name, found in drivers.items()}


def _summary(drivers: list[DriverSummary], keeping: Any) -> SessionSummary:
    part, at_ms = keeping["part"], keeping["at_ms"]
    return SessionSummary(
        session=keeping["session"],
        drivers=tuple(sorted(drivers, key=_ended_ns, reverse=True)),
        pinned=keeping["pinned"],
        removal=Removal(part=part, at_ms=at_ms) if part and not keeping["pinned"] else None,
    )


def _name(row: Any) -> str:
    return str(row["session"])


def _position(row: Any) -> After:
    return After(row["tier"], row["seen_us"], row["session"])


def _driver(row: Any) -> DriverSummary:
    known = row["session"] is not None
    return DriverSummary(
        driver=row["who"],
        session=session_of(row) if known else None,
        laps=row["laps"],
        best_lap_time_s=row["best_lap_time_s"],
        from_ns=row["from_ns"],
        to_ns=row["to_ns"],
        removed_ms=row["removed_ms"],
    )


def _ended_ns(driver: DriverSummary) -> int:
    return driver.to_ns or (driver.session.started_ns if driver.session else 0)
