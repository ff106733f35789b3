"""The tracks in Postgres: found by name and length, and added once laps have taught one."""

import hashlib
import re
from collections.abc import Sequence
from typing import Any, Final

from consumers.corners.frames import Frames
from consumers.corners.learning import AGREE, learn
from pitbox.chunks.owner import Owner
from pitbox.postgres.passes import TRACKS
from schemas.timing import Lap
from schemas.track import Track

COLUMNS: Final = "track, version, length_m, corners, line"
FIND: Final = f"""
select version from track
where track = $1 and ($2::float8 is null or abs(length_m - $2) <= {AGREE} * length_m)
order by version desc limit 1
"""
LOAD: Final = f"""
select {COLUMNS}, $3::text as session, $4::text as driver, $5::bigint as at_ns
from track where track = $1 and version = $2
"""
LOCK: Final = "select pg_advisory_xact_lock(hashtextextended('track ' || $1, 0))"
ADD: Final = f"""
insert into track ({COLUMNS})
select $1, coalesce(max(version), 0) + 1, $2, $3, $4 from track where track = $1
returning version
"""


def name_of(owner: Owner, named: str) -> str:
    """Return a track's name for the sim's own; one of this session where the sim gives none."""
    name = re.sub(r"[^a-z0-9]+", "-", named.lower()).strip("-")
    if name:
        return name
    return "unnamed-" + hashlib.blake2b("\0".join(owner).encode(), digest_size=8).hexdigest()


async def find(connection: Any, name: str, length_m: float | None) -> int | None:
    """Return the newest version of a track with a length, any length for None."""
    version: int | None = await connection.fetchval(FIND, name, length_m)
    return version


async def load(connection: Any, name: str, version: int, owner: Owner, at_ns: int) -> Track | None:
    """Return a track as a fact of a driver's session."""
    row = await connection.fetchrow(LOAD, name, version, *owner, at_ns)
    return None if row is None else TRACKS.event(row)


async def add(
    connection: Any, name: str, length_m: float | None, laps: Sequence[tuple[Lap, Frames]]
) -> int | None:
    """Learn a track from laps and store it, in the caller's transaction; return its version.

    Returns None when the laps do not tell. Where another session was first, its track is the one.
    """
    learned = learn(name, laps, length_m)
    if learned is None:
        return None
    await connection.execute(LOCK, name)
    known = await find(connection, name, learned.length_m)
    if known is not None:
        return known
    values = dict(zip(TRACKS.names, TRACKS.parameters(learned), strict=True))
    stored = (values[column] for column in ("track", "length_m", "corners", "line"))
    return int(await connection.fetchval(ADD, *stored))
