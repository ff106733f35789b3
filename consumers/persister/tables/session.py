"""Sessions of drivers, merged from all their events."""

from typing import Any, Final

from schemas.timing import Session

EVENT: Final = Session

# A field that a later event leaves out keeps its value.
UPSERT: Final = """
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


def parameters(session: Session) -> tuple[Any, ...]:
    """Return the values of a session's row."""
    return (
        *(session.session, session.driver, session.at_ns, session.source, session.source_version),
        *(session.kind, session.track, session.track_length_m, session.car, session.car_model),
        *(session.sectors, session.started_ns, session.finished_ns),
    )
