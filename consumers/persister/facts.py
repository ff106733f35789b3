"""Sessions, laps and dead letters as rows: events that come one at a time and may come again.

All are upserts, so that a stream read again leaves the tables as they were.
"""

from collections.abc import Iterable
from math import isfinite
from typing import Any, Final

import asyncpg

from schemas.dead import DeadLetter
from schemas.timing import Lap, Session

# What was known stays known when a later statement is silent about it.
SESSION: Final = """
insert into session (
    session, driver, at_ns, source, source_version, kind, track, track_length_m,
    car, car_model, sectors, started_ns, finished_ns
)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
on conflict (session, driver) do update set
    at_ns = greatest(session.at_ns, excluded.at_ns),
    source = coalesce(nullif(excluded.source, ''), session.source),
    source_version = coalesce(nullif(excluded.source_version, ''), session.source_version),
    kind = coalesce(nullif(excluded.kind, 'unknown'), session.kind),
    track = coalesce(nullif(excluded.track, ''), session.track),
    track_length_m = coalesce(excluded.track_length_m, session.track_length_m),
    car = coalesce(nullif(excluded.car, ''), session.car),
    car_model = coalesce(nullif(excluded.car_model, ''), session.car_model),
    sectors = greatest(excluded.sectors, session.sectors),
    started_ns = least(excluded.started_ns, session.started_ns),
    finished_ns = coalesce(excluded.finished_ns, session.finished_ns)
"""

# A lap is replaced by one that is newer or rests on as many frames. Revisions alone would not do:
# they begin again when timing folds a stream anew. A whole, finished lap never gives way to a torn
# one that began later, which is all that such a fold sees of a lap whose beginning has left the
# stream. A lap of no frames and no time was taken back by a flashback.
LAP: Final = """
insert into lap (
    session, driver, car, lap_number, revision, at_ns, own, lap_time_s, timed_by, sectors_s,
    valid, in_lap, out_lap, pit, complete, frames, run, started_ns, ended_ns, fuel_used
)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
on conflict (session, driver, car, lap_number) do update set
    revision = excluded.revision,
    at_ns = excluded.at_ns,
    own = excluded.own,
    lap_time_s = excluded.lap_time_s,
    timed_by = excluded.timed_by,
    sectors_s = excluded.sectors_s,
    valid = excluded.valid,
    in_lap = excluded.in_lap,
    out_lap = excluded.out_lap,
    pit = excluded.pit,
    complete = excluded.complete,
    frames = excluded.frames,
    run = excluded.run,
    started_ns = excluded.started_ns,
    ended_ns = excluded.ended_ns,
    fuel_used = excluded.fuel_used
where (
        excluded.complete or not lap.complete or lap.ended_ns is null
        or excluded.started_ns <= lap.started_ns
        or (excluded.frames = 0 and excluded.lap_time_s is null)
    )
    and (excluded.revision > lap.revision or excluded.frames >= lap.frames)
"""

DEAD_LETTER: Final = """
insert into dead_letter
    (consumer, stream, created_ns, sequence, subject, reason, payload, tries, at_ns)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
on conflict (consumer, stream, sequence, at_ns) do nothing
"""

Fact = Session | Lap | DeadLetter
STATEMENTS: Final[dict[type, str]] = {Session: SESSION, Lap: LAP, DeadLetter: DEAD_LETTER}


async def write(connection: asyncpg.Connection, facts: Iterable[Fact]) -> None:
    """Write facts in their order within each kind."""
    by_kind: dict[type, list[tuple[Any, ...]]] = {}
    for fact in facts:
        by_kind.setdefault(type(fact), []).append(parameters(fact))
    for kind, values in by_kind.items():
        await connection.executemany(STATEMENTS[kind], values)


def parameters(fact: Fact) -> tuple[Any, ...]:
    """Return the parameters of a fact's statement, as Postgres takes them."""
    values: tuple[Any, ...]
    match fact:
        case Session():
            values = (
                *(fact.session, fact.driver, fact.at_ns, fact.source, fact.source_version),
                *(fact.kind, fact.track, fact.track_length_m, fact.car, fact.car_model),
                *(fact.sectors, fact.started_ns, fact.finished_ns),
            )
        case Lap():
            values = (
                *(fact.session, fact.driver, fact.car, fact.lap_number, fact.revision),
                *(fact.at_ns, fact.own, fact.lap_time_s, fact.timed_by),
                [_clean(sector) for sector in fact.sectors_s],
                *(fact.valid, fact.in_lap, fact.out_lap, fact.pit, fact.complete, fact.frames),
                *(fact.run, fact.started_ns, fact.ended_ns, fact.fuel_used),
            )
        case DeadLetter():
            values = (
                *(fact.consumer, fact.stream, fact.created_ns, fact.sequence, fact.subject),
                *(fact.reason, fact.payload, fact.tries, fact.at_ns),
            )
    return tuple(_clean(value) for value in values)


def _clean(value: Any) -> Any:
    """Return a text without NUL, which Postgres refuses, and NULL for what is not finite."""
    if isinstance(value, str):
        return value.replace("\0", "")
    if isinstance(value, float) and not isfinite(value):
        return None
    return value
