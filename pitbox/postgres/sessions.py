"""Rows of the table `session`, which timing writes and the gateway reads."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from pitbox.postgres.page import EACH
from schemas.sim import LeftOut
from schemas.timing import Session

COLUMNS: Final = (
    *("session", "driver", "at_ns", "source", "source_version", "kind", "track", "track_length_m"),
    *("car", "car_model", "sectors", "started_ns", "finished_ns", "left_out"),
)

LISTED: Final = f"""
select session, tier, seen_us from (
    select session, min(tier)::integer as tier, max(seen_us) as seen_us from (
        select *,
            (row_number() over (partition by driver order by seen_us desc, session) - 1) / {EACH}
            as tier
        from (
            select session, driver,
                (extract(epoch from max(first_seen)) * 1000000)::bigint as seen_us
            from run where driver <> all($1::text[]) group by session, driver
        ) as driven
    ) as ranked
    group by session
) as listed
where $2::integer is null or tier > $2
    or (tier = $2 and (seen_us, session) < ($3::bigint, $4::text))
order by tier, seen_us desc, session desc
limit $5
"""
"""Sessions, newest first: those among the newest 50 of any driver, then those among the next 50.

So a driver who makes up sessions pushes only the own ones back. Parameters: hidden drivers, the
position (tier, first chunk in us since 1970, session; nulls for the first page), rows.
"""

_left_out: Final = msgspec.json.Decoder(tuple[LeftOut, ...]).decode


def session_of(row: Mapping[str, Any]) -> Session:
    """Return the session of a row that has all `COLUMNS`."""
    fields = {name: row[name] for name in COLUMNS}
    return Session(**fields | {"left_out": _left_out(fields["left_out"])})


def parameters(session: Session) -> tuple[Any, ...]:
    """Return the values of `COLUMNS`."""
    values = {name: getattr(session, name) for name in COLUMNS}
    return (*(values | {"left_out": msgspec.json.encode(session.left_out).decode()}).values(),)
