"""How much telemetry Postgres has, and how fast it grows."""

from typing import Any, Final

from msgspec import Struct

# A run that is longer than a day counts by its share of the last day.
GROWTH: Final = """
select
    coalesce(sum(bytes), 0)::float8 as stored_bytes,
    coalesce(sum(
        bytes * least(1, 86400 / greatest(1, extract(epoch from updated - first_seen)))
    ) filter (where updated > now() - interval '1 day'), 0)::float8 / 86400 as bytes_per_s,
    extract(epoch from clock_timestamp())::float8 as now_s,
    (select setting from pg_settings where name = 'data_directory') as folder
from run
"""


class Growth(Struct, frozen=True):
    """State the size of telemetry, its rate over the last day, and Postgres's time and folder.

    `folder` is None for a user who may not read it.
    """

    stored_bytes: float
    bytes_per_s: float
    now_s: float
    folder: str | None


async def growth(connection: Any) -> Growth:
    """Return the growth of telemetry."""
    return Growth(**await connection.fetchrow(GROWTH))
