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


class Finding(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """State where a stint lost time against the driver's own best in it.

    `worth_s` is what the usual lap loses in the corner against lap `best_lap`; `usual_lap` is one
    that took it as usual. With `uneven` its times vary by more than that. `cause` is the one said
    most often about it, `times` how often. Evidence has the best lap's values beside usual ones.
    """

    corner: str
    worth_s: float
    best_lap: int
    usual_lap: int
    uneven: bool
    cause: Cause = "time_lost"
    times: int = 0
    evidence: tuple[Evidence, ...] = ()


class Debrief(Event, frozen=True, kw_only=True, omit_defaults=True, tag="coach.debrief"):
    """State what a stint shows as a whole: at most three findings, the dearest first.

    `(session, driver, car, lap_number)` is its identity, with the first lap that counts; a higher
    `revision` replaces a lower one. It is there from the third such lap, `ended` once the car came
    in. The theoretical
    best is the sum of the best times of each corner and its straights.
    """

    car: str
    lap_number: int
    last_lap: int
    revision: int
    laps: int
    best_lap: int
    best_lap_s: float
    median_lap_s: float
    theoretical_best_s: float
    ended: bool = False
    findings: tuple[Finding, ...] = ()
