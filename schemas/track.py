"""The learned line and corners of a track, from the laps driven on it."""

from typing import Literal

from msgspec import Struct

from schemas.base import Event

Measured = Literal["sim", "fraction", "projected", "speed"]
"""Where a lap's distance comes from: the sim's own, its lap fraction times the length, the nearest
place of the learned line, or speed integrated between two crossings."""


class Stretch(Struct, frozen=True):
    """Hold a stretch of the track, in m from the line; across the line `to_m` is the smaller."""

    from_m: float
    to_m: float


class Corner(Struct, frozen=True, kw_only=True):
    """Describe a corner, in m from the line.

    `apex_m` is where cars are slowest, or the middle of the hold where that is flat. A corner
    across the line has an `exit_m` below its `entry_m`.
    """

    name: str
    entry_m: float
    apex_m: float
    exit_m: float
    left: bool


class Track(Event, frozen=True, kw_only=True, omit_defaults=True, tag="timing.track"):
    """State the learned track on which a driver's session is driven.

    A track has the same corners in every session and source; another `version` has other ones.
    `line` are x and y in m of the map, evenly spaced from the line on, empty when no sim gave them.
    """

    track: str
    version: int
    length_m: float
    corners: tuple[Corner, ...]
    line: tuple[tuple[float, float], ...] = ()
