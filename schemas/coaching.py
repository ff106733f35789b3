"""Moments: what is worth saying to a driver, with its evidence. Words and voice come after."""

from typing import Literal

from msgspec import Struct

from schemas.base import Event
from schemas.track import Stretch

Cause = Literal[
    "brakes_early",
    "too_fast_in",
    "slow_minimum",
    "late_throttle",
    "second_brake",
    "lift",
    "off",
    "time_lost",
]
"""Why time was lost in a corner; `time_lost` where the traces do not tell causes apart."""


class Evidence(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """State one number that a moment rests on, and the usual one; `unit` is an SI unit."""

    name: str
    value: float
    unit: str
    usual: float | None = None


class Moment(Event, frozen=True, kw_only=True, omit_defaults=True, tag="coach.moment"):
    """State one thing that is worth saying about a lap.

    `(session, driver, car, lap_number)` is its identity: at most one technique moment a lap. A
    higher `revision` replaces a lower one; `withdrawn` is True once the lap, derived again, no
    longer shows it. `worth_s` is never more than the corner's net loss. `pattern` is True for a
    small loss that was there twice in three laps. It may be said on the stretches `say`, the next
    best first, until `expires_ns` of the driver's clock. The chunks `chunks` of `run` hold the lap.
    """

    car: str
    lap_number: int
    revision: int
    cause: Cause
    corner: str
    worth_s: float
    evidence: tuple[Evidence, ...]
    where: Stretch
    run: int
    chunks: tuple[int, int]
    priority: int
    say: tuple[Stretch, ...]
    expires_ns: int
    usual_of: tuple[int, ...] = ()
    pattern: bool = False
    withdrawn: bool = False


Reason = Literal[
    "nothing_lost",
    "learning_track",
    "learning_driver",
    "pit",
    "not_whole",
    "disturbed",
    "other_distance",
]


class Silence(Event, frozen=True, kw_only=True, omit_defaults=True, tag="coach.silence"):
    """State why nothing is said about a lap."""

    car: str
    lap_number: int
    revision: int
    reason: Reason
    laps_needed: int = 0
