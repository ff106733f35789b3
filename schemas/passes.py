"""How the corners of a lap were driven, against the driver's own usual way."""

from typing import Literal

from msgspec import Struct

from schemas.base import Event
from schemas.incidents import Incident
from schemas.track import Measured, Stretch

Judged = Literal[
    "yes", "no_track", "pit", "not_whole", "off", "disturbed", "no_reference", "other_distance"
]
"""Whether the losses of a lap mean something, else why not: the track is not learned yet, the lap
is an in, out or pit lap, frames are missing, the car was off the track, a flag was out or a car was
close ahead or two neighbouring corners lost alike (traffic), too few laps were driven before, or
its distance does not fit the track. A lap from a standing start counts as an out lap."""


class Pass(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """State how a corner was driven; distances in m from the line, speeds in m/s.

    The corner's share of the lap goes from `begins_m` to the next corner's, past the line for the
    last one. `time_s` is the time between two places that are the same in every lap: the middles of
    the straights before and after the corner. `brakes_m` is where the braking begins that takes
    most speed, `throttle_m` where the throttle is picked up after the minimum. `brakes_again_m` is
    a second braking after the minimum, `lifts_m` a lift of the throttle that no braking follows.
    """

    corner: str
    begins_m: float
    time_s: float
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

    Entry, minimum and exit add up to the corner. The spreads are the standard deviations of this
    driver's losses there, `spread_s` that of the corner.
    """

    corner: str
    entry_s: float
    minimum_s: float
    exit_s: float
    entry_spread_s: float
    minimum_spread_s: float
    exit_spread_s: float
    spread_s: float

    @property
    def net_s(self) -> float:
        """Return the corner's loss."""
        return self.entry_s + self.minimum_s + self.exit_s


class Passes(Event, frozen=True, kw_only=True, omit_defaults=True, tag="timing.passes"):
    """State how the corners of one own lap were driven.

    `(session, driver, car, lap_number)` is its identity; a higher `revision` replaces a lower one.
    `usual` is the median of the laps `usual_of`, in the order of `passes`. `losses` are empty
    unless `judged` is "yes", "disturbed" or "off". A corner taken without slowing has none: its
    seconds are those of the corner before. `carried_s` was lost between the line and the first
    corner, through the last corner of the lap before; the losses and it add up to the lap's
    difference from the usual one. At `judged_until_m` a lap went off: corners after the one there
    have no losses. On `straights` the lateral acceleration is low for some seconds and no braking
    is near. `incidents` are also those of a lap that is not judged. `chunks` are the first and last
    chunk of `run` with frames of the lap.
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
    track_length_m: float = 0.0
    measured: Measured = "sim"
    lap_time_s: float | None = None
    judged_until_m: float | None = None
    passes: tuple[Pass, ...] = ()
    usual: tuple[Pass, ...] = ()
    usual_of: tuple[int, ...] = ()
    losses: tuple[Loss, ...] = ()
    carried_s: float = 0.0
    straights: tuple[Stretch, ...] = ()
    incidents: tuple[Incident, ...] = ()
    laps_needed: int = 0
