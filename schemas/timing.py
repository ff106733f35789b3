"""Facts of sessions and laps, folded from telemetry by the `timing` consumer."""

from typing import Literal

from schemas.base import Event
from schemas.sim import LeftOut, SessionKind


class Session(Event, frozen=True, kw_only=True, omit_defaults=True, tag="timing.session"):
    """Describe a driver's session; issued again when more is known.

    `left_out` is what the driver's PC received and could not use, added up over the runs.
    """

    source: str
    source_version: str = ""
    kind: SessionKind = "unknown"
    track: str = ""
    track_length_m: float | None = None
    car: str = ""
    car_model: str = ""
    sectors: int = 0
    started_ns: int
    finished_ns: int | None = None
    left_out: tuple[LeftOut, ...] = ()


class Lap(Event, frozen=True, kw_only=True, omit_defaults=True, tag="timing.lap"):
    """State one lap of one car, identified by (session, driver, car, lap_number).

    `driver` is the driver whose producer reported the lap, `own` is True for that driver's car. A
    higher `revision` replaces a lower one. `lap_time_s` is the sim's own time when `timed_by` is
    "sim", else the time between two line crossings; None while the lap is being driven. `valid` is
    False for a lap that does not count: off track, rewound, in or out lap, not whole. `frames`
    counts the frames received; `complete` is True when none is missing between start and end.
    `sectors_s` may be shorter than the session's sectors. `fuel_used` is in the session's fuel unit
    (litres, kg for F1).
    """

    car: str
    own: bool
    lap_number: int
    revision: int
    lap_time_s: float | None = None
    timed_by: Literal["sim", "crossing", "none"] = "none"
    sectors_s: tuple[float, ...] = ()
    valid: bool = True
    in_lap: bool = False
    out_lap: bool = False
    pit: bool = False
    complete: bool = True
    frames: int = 0
    run: int = 0
    started_ns: int | None = None
    ended_ns: int | None = None
    fuel_used: float | None = None


class Deriving(Event, frozen=True, kw_only=True, omit_defaults=True, tag="timing.deriving"):
    """State how many stored chunks the laps of a driver's session lack; 0 once they are right.

    `at_ns` is the hub's clock.
    """

    chunks_behind: int


Timing = Session | Lap
