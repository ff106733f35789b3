"""The table of facts: one row for each kind of event that a page receives.

The rest of the gateway works from this table: subscription, fan-out, first send to a page,
replacement in an outbox, and hiding of drivers.
"""

from typing import Final

from consumers.gateway.live.table import Row, Table
from consumers.gateway.past import laps, sessions
from schemas.timing import Deriving, Lap, Session


def shows_nobody_else(fact: object) -> bool:
    """Return False: facts of this kind concern their own driver only."""
    return False


def replaces_lap(new: Lap, old: Lap) -> bool:
    """Return whether `new` is a later version than `old`, or rests on as many frames."""
    newer = new.revision - old.revision
    return newer > 0 or (newer == 0 and new.frames >= old.frames)


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
)
