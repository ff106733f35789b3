"""The table of facts: one row for each kind of event that a page receives.

The rest of the gateway works from this table: subscription, fan-out, first send to a page,
replacement in an outbox, and hiding of drivers.
"""

from collections.abc import Hashable
from typing import Final

from consumers.gateway.live.table import Row, Table
from consumers.gateway.past import by_lap, laps, sessions
from schemas.coaching import Debrief, Moment, Silence
from schemas.passes import Passes
from schemas.timing import Deriving, Lap, Session
from schemas.track import Track

Revised = Passes | Moment | Silence | Debrief


def shows_nobody_else(fact: object) -> bool:
    """Return False: facts of this kind concern their own driver only."""
    return False


def replaces_lap(new: Lap, old: Lap) -> bool:
    """Return whether `new` is a later version than `old`, or rests on as many frames."""
    newer = new.revision - old.revision
    return newer > 0 or (newer == 0 and new.frames >= old.frames)


def lap_of(fact: Revised) -> Hashable:
    """Return car and number of the lap that a fact is about."""
    return fact.car, fact.lap_number


def is_later(new: Revised, old: Revised) -> bool:
    """Return whether `new` is as late a revision as `old`."""
    return new.revision >= old.revision


TABLE: Final = Table(
    Row(
        route="timing.session",
        event=Session,
        shows_others=shows_nobody_else,
        read=sessions.sessions,
    ),
    Row(
        route="timing.lap",
        event=Lap,
        # A lap of another car, recorded by this driver's PC, may be a hidden driver's.
        shows_others=lambda lap: not lap.own,
        key=lambda lap: (lap.car, lap.lap_number),
        replaces=replaces_lap,
        read=laps.live,
    ),
    Row(
        route="timing.deriving",
        event=Deriving,
        shows_others=shows_nobody_else,
    ),
    Row(
        route="timing.track",
        event=Track,
        shows_others=shows_nobody_else,
        read=by_lap.tracks,
    ),
    Row(
        route="timing.passes",
        event=Passes,
        shows_others=shows_nobody_else,
        key=lap_of,
        replaces=is_later,
        read=by_lap.passes.latest,
    ),
    Row(
        route="coach.moment",
        event=Moment,
        shows_others=shows_nobody_else,
        key=lap_of,
        replaces=is_later,
        read=by_lap.moments.latest,
    ),
    Row(
        route="coach.silence",
        event=Silence,
        shows_others=shows_nobody_else,
        key=lap_of,
        replaces=is_later,
        read=by_lap.silences.latest,
    ),
    Row(
        route="coach.debrief",
        event=Debrief,
        shows_others=shows_nobody_else,
        key=lap_of,
        replaces=is_later,
        read=by_lap.debriefs.latest,
    ),
)
