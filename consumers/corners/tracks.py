"""The tracks in Postgres: found by name and length, and added once laps have taught one."""

import hashlib
import re
from collections.abc import Sequence
from typing import Any, Final

from msgspec.structs import replace

from consumers.corners.frames import Frames
from consumers.corners.learning import AGREE, learn
from pitbox.chunks.owner import Owner
from pitbox.postgres.passes import TRACKS
from schemas.timing import Lap
from schemas.track import Track

COLUMNS: Final = "track, version, length_m, corners, line"
FIND: Final = f"""
select {COLUMNS} from track
where track = $1 and ($2::float8 is null or abs(length_m - $2) <= {AGREE} * length_m)
order by version desc limit 1
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


async def find(connection: Any, name: str, length_m: float | None) -> Track | None:
    """Return the newest version of a track with a length, any length for None."""
    row = await connection.fetchrow(FIND, name, length_m)
    return TRACKS.event({**row, "session": "", "driver": "", "at_ns": 0}) if row else None


async def add(
    connection: Any, name: str, length_m: float | None, laps: Sequence[tuple[Lap, Frames]]
) -> Track | None:
    """Learn a track from laps and store it, in the caller's transaction; None if they do not tell.

    Where another session was first, its track is returned.
    """
    learned = learn(name, laps, length_m)
    if learned is None:
        return None
    await connection.execute(LOCK, name)
    known = await find(connection, name, learned.length_m)
    if known is not None:
        return known
    _, _, _, *values = TRACKS.parameters(learned)
    version = await connection.fetchval(ADD, values[0], *values[2:])
    return replace(learned, session="", driver="", at_ns=0, version=version)
