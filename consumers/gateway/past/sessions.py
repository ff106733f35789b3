"""Query sessions, laps and holes. `hidden` names the drivers whose rows are left out."""

from collections.abc import Iterable
from itertools import groupby
from typing import Any, Final

import msgspec

from pitbox.postgres.sessions import COLUMNS, session_of
from schemas.api import DriverSummary, Hole, SessionSummary
from schemas.timing import Lap, Session
from schemas.wall import Presence

MAX_SESSIONS: Final = 500
MAX_LAPS: Final = 20_000
MAX_HOLES: Final = 1_000
MAX_PARTS: Final = 64
"""The most holes of a run in one presence, the same limit as in a receipt."""

LAP_COLUMNS: Final = tuple(field.name for field in msgspec.structs.fields(Lap))

SUMMARIES: Final = f"""
with latest as (
    select session from run
    where ($1::text is null or session = $1) and driver <> all($2::text[])
    group by session
    order by max(first_seen) desc
    limit {MAX_SESSIONS}
),
driven as (
    select distinct session, driver from run
    where session in (select session from latest) and driver <> all($2::text[])
)
select
    d.session as at,
    d.driver as who,
    {", ".join(f"s.{column}" for column in COLUMNS)},
    l.laps,
    l.best_lap_time_s,
    first.captured_ns as from_ns,
    last.ended_ns as to_ns
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
    select captured_ns from telemetry_chunk
    where session = d.session and driver = d.driver
    order by captured_ns limit 1
) as first on true
left join lateral (
    select ended_ns from telemetry_chunk
    where session = d.session and driver = d.driver
    order by captured_ns desc limit 1
) as last on true
"""

SESSIONS: Final = f"select {', '.join(COLUMNS)} from session where session = $1"

LAPS: Final = f"""
select {", ".join(LAP_COLUMNS)} from lap
where session = $1
    and ($2::text is null or driver = $2)
    and ($3::boolean is null or own = $3)
    and driver <> all($4::text[])
    and (own or cardinality($4::text[]) = 0)
order by driver, own desc, car, lap_number
limit {MAX_LAPS + 1}
"""

OWN_LAP: Final = f"""
select {", ".join(LAP_COLUMNS)} from lap
where session = $1 and driver = $2 and lap_number = $3 and own
order by at_ns desc
limit 1
"""

HOLES: Final = f"""
select h.*, before.ended_ns as from_ns, after.captured_ns as to_ns
from holes as h
left join lateral (
    select ended_ns from telemetry_chunk
    where session = h.session and driver = h.driver and run = h.run
        and chunk < h.first_chunk and frames > 0
    order by chunk desc limit 1
) as before on true
left join lateral (
    select captured_ns from telemetry_chunk
    where session = h.session and driver = h.driver and run = h.run
        and chunk > h.last_chunk and frames > 0
    order by chunk limit 1
) as after on true
where h.session = $1 and h.driver <> all($2::text[])
order by h.driver, h.run, h.first_chunk
limit {MAX_HOLES}
"""

CLOSED: Final = f"""
with latest as (
    select distinct on (driver) * from run where session = $1 order by driver, run desc
)
select r.driver, r.run, r.made, extract(epoch from r.updated) * 1000 as seen_ms, h.missing, h.gone
from latest as r
left join lateral (
    select
        array_agg(part.ends order by part.ends) filter (where not part.gone) as missing,
        array_agg(part.ends order by part.ends) filter (where part.gone) as gone
    from (
        select array[first_chunk, last_chunk] as ends, gone from holes
        where session = r.session and driver = r.driver and run = r.run
        order by first_chunk limit {MAX_PARTS}
    ) as part
) as h on true
where r.closed
"""


async def summaries(
    connection: Any, hidden: frozenset[str], session: str | None = None
) -> list[SessionSummary]:
    """Return summaries of the latest sessions, newest first, or of the named session only."""
    rows = await connection.fetch(SUMMARIES, session, list(hidden))
    found = [_driver(row) for row in rows]
    found.sort(key=lambda pair: pair[0])
    every = [
        SessionSummary(session=name, drivers=_latest_first(driver for _, driver in part))
        for name, part in groupby(found, key=lambda pair: pair[0])
    ]
    return sorted(every, key=lambda summary: _ended_ns(summary.drivers[0]), reverse=True)


async def sessions(connection: Any, session: str) -> list[Session]:
    """Return the facts of a session, one per driver."""
    return [session_of(row) for row in await connection.fetch(SESSIONS, session)]


async def closed(connection: Any, session: str) -> list[Presence]:
    """Return the presences of a session whose last run was closed, one per driver."""
    return [_ended(session, row) for row in await connection.fetch(CLOSED, session)]


async def laps(
    connection: Any,
    session: str,
    hidden: frozenset[str] = frozenset(),
    driver: str | None = None,
    own: bool | None = None,
) -> list[Lap]:
    """Return laps of a session, at most `MAX_LAPS` + 1, so that the caller notices the limit.

    `own` selects laps of the driver's own car (True) or of other cars (False). While any driver is
    hidden, laps of other cars are left out: they may be the hidden driver's.
    """
    rows = await connection.fetch(LAPS, session, driver, own, list(hidden))
    return [_lap(row) for row in rows]


async def own_lap(connection: Any, session: str, driver: str | None, number: int) -> Lap | None:
    """Return a lap of the driver's own car, None when there is none or `driver` is None."""
    row = await connection.fetchrow(OWN_LAP, session, driver, number)
    return None if row is None else _lap(row)


async def holes(connection: Any, session: str, hidden: frozenset[str]) -> list[Hole]:
    """Return the first thousand ranges of chunks of a session that Postgres lacks."""
    names = [field.name for field in msgspec.structs.fields(Hole)]
    return [
        Hole(**{name: row[name] for name in names})
        for row in await connection.fetch(HOLES, session, list(hidden))
    ]


def _lap(row: Any) -> Lap:
    return Lap(**{**row, "sectors_s": tuple(row["sectors_s"])})


def _ended(session: str, row: Any) -> Presence:
    missing, gone = (tuple(map(tuple, row[kind] or ())) for kind in ("missing", "gone"))
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
        closed=True,
    )


def _driver(row: Any) -> tuple[str, DriverSummary]:
    known = row["session"] is not None
    return row["at"], DriverSummary(
        driver=row["who"],
        session=session_of(row) if known else None,
        laps=row["laps"],
        best_lap_time_s=row["best_lap_time_s"],
        from_ns=row["from_ns"],
        to_ns=row["to_ns"],
    )


def _latest_first(drivers: Iterable[DriverSummary]) -> tuple[DriverSummary, ...]:
    return tuple(sorted(drivers, key=_ended_ns, reverse=True))


def _ended_ns(driver: DriverSummary) -> int:
    return driver.to_ns or (driver.session.started_ns if driver.session else 0)
