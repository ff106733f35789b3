"""How the corners of a lap were driven, against the driver's own usual way."""

from typing import Literal

from msgspec import Struct

from schemas.base import Event
from schemas.track import Measured

Judged = Literal[
    "yes", "no_track", "pit", "not_whole", "off", "disturbed", "no_reference", "other_distance"
]
"""Whether the losses of a lap mean something, else why not: the track is not learned yet, the lap
is an in, out or pit lap, frames are missing, the car was off the track, two neighbouring corners
lost (traffic), too few laps were driven before, or its distance does not fit the track."""


class Pass(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """State how a corner was driven; distances in m from the line, speeds in m/s.

    The corner's share of the lap goes from `begins_m` to the next corner's, past the line for the
    last one. `brakes_m` is where the braking begins that takes most speed, `throttle_m` where the
    throttle is picked up after the minimum. `brakes_again_m` is a second braking after the minimum,
    `lifts_m` a lift of the throttle without braking before it.
    """

    corner: str
    begins_m: float
    entry_mps: float
    minimum_m: float
    minimum_mps: float
    exit_mps: float
    brakes_m: float | None = None
    throttle_m: float | None = None
    brakes_again_m: float | None = None
    lifts_m: float | None = None


class Loss(Struct, frozen=True, kw_only=True):
    """State the seconds lost in a corner against the usual way; less than 0 for won.

    Entry, minimum and exit add up to the corner, and all corners to the lap. The spreads are the
    standard deviations of this driver's losses there.
    """

    corner: str
    entry_s: float
    minimum_s: float
    exit_s: float
    entry_spread_s: float
    minimum_spread_s: float
    exit_spread_s: float

    @property
    def net_s(self) -> float:
        """Return the corner's loss."""
        return self.entry_s + self.minimum_s + self.exit_s


class Passes(Event, frozen=True, kw_only=True, omit_defaults=True, tag="timing.passes"):
    """State how the corners of one own lap were driven.

    `(session, driver, car, lap_number)` is its identity; a higher `revision` replaces a lower one.
    `usual` is the median of the laps `usual_of`, in the order of `passes`. `losses` are empty
    unless `judged` is "yes" or "disturbed"; until `judged_until_m` only for a lap that went off
    there. `chunks` are the first and last chunk of `run` with frames of the lap.
    """

    car: str
    lap_number: int
    revision: int
    judged: Judged
    run: int
    chunks: tuple[int, int]
    started_ns: int
    ended_ns: int
    track: str = ""
    track_version: int = 0
    measured: Measured = "sim"
    lap_time_s: float | None = None
    judged_until_m: float | None = None
    passes: tuple[Pass, ...] = ()
    usual: tuple[Pass, ...] = ()
    usual_of: tuple[int, ...] = ()
    losses: tuple[Loss, ...] = ()
    laps_needed: int = 0
