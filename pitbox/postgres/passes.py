"""Rows of tracks, and of how their corners were driven, which corners writes."""

from typing import Final

from pitbox.postgres.columns import Columns
from schemas.passes import Passes
from schemas.track import Track

PASSES: Final = Columns(
    Passes,
    key=("session", "driver", "car", "lap_number"),
    json=("passes", "usual", "losses", "straights", "incidents"),
)

TRACKS: Final = Columns(Track, key=("session", "driver"), json=("corners", "line"))

TRACK_OF: Final = f"""
select {TRACKS.listed} from session_track join track using (track, version)
where session = $1
"""
"""The tracks of the drivers of session $1."""
