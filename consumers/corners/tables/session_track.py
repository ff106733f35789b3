"""The tracks that sessions are driven on; the tracks themselves are in the table `track`."""

from typing import Any, Final

from pitbox.postgres.passes import TRACK_OF, TRACKS
from schemas.track import Track

EVENT: Final = Track
SELECT: Final = f"{TRACK_OF} and driver = $2"
UPSERT: Final = """
insert into session_track (session, driver, at_ns, track, version) values ($1, $2, $3, $4, $5)
on conflict (session, driver) do update set
    at_ns = excluded.at_ns, track = excluded.track, version = excluded.version
"""
DELETE: Final = "delete from session_track where session = $1 and driver = $2"

fact = TRACKS.event


def place(track: Track) -> tuple[()]:
    """Return nothing: a driver has one track in a session."""
    return ()


def parameters(track: Track) -> tuple[Any, ...]:
    """Return the values of a row."""
    return track.session, track.driver, track.at_ns, track.track, track.version
