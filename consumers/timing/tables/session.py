"""Sessions of drivers."""

from typing import Any, Final

from schemas.timing import Session

EVENT: Final = Session

SELECT: Final = """
select session, driver, at_ns, source, source_version, kind, track, track_length_m,
    car, car_model, sectors, started_ns, finished_ns
from session where session = $1 and driver = $2
"""

UPSERT: Final = """
insert into session (
    session, driver, at_ns, source, source_version, kind, track, track_length_m,
    car, car_model, sectors, started_ns, finished_ns
)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
on conflict (session, driver) do update set
    at_ns = excluded.at_ns,
    source = excluded.source,
    source_version = excluded.source_version,
    kind = excluded.kind,
    track = excluded.track,
    track_length_m = excluded.track_length_m,
    car = excluded.car,
    car_model = excluded.car_model,
    sectors = excluded.sectors,
    started_ns = excluded.started_ns,
    finished_ns = excluded.finished_ns
"""

DELETE: Final = "delete from session where session = $1 and driver = $2"


def place(session: Session) -> tuple[()]:
    """Return nothing: a driver has one row in a session."""
    return ()


def fact(row: Any) -> Session:
    """Return the session of a row."""
    return Session(**row)


def parameters(session: Session) -> tuple[Any, ...]:
    """Return the values of a session's row."""
    return (
        *(session.session, session.driver, session.at_ns, session.source, session.source_version),
        *(session.kind, session.track, session.track_length_m, session.car, session.car_model),
        *(session.sectors, session.started_ns, session.finished_ns),
    )
