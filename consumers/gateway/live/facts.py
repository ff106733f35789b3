"""The table of facts: one row for each kind of event that a page receives.

The rest of the gateway works from this table: subscription, fan-out, first send to a page,
replacement in an outbox, and hiding of drivers.
"""

from typing import Final

from consumers.gateway.live.table import Row, Table
from consumers.gateway.past import sessions
from schemas.timing import Lap, Session


def shows_nobody_else(fact: object) -> bool:
    """Return False: facts of this kind concern their own driver only."""
    return False


def replaces_lap(new: Lap, old: Lap) -> bool:
    """Return whether `new` replaces `old`, by the same rule as the persister's upsert.

    A comparison of revisions is not enough: revisions start again when timing folds the stream
    again from its start.
    """
    newer = new.revision > old.revision or new.frames >= old.frames
    return newer and not _is_torn(new, old)


def _is_torn(new: Lap, old: Lap) -> bool:
    """Return whether `new` is the rest of a finished lap whose beginning has expired.

    A fold that starts after that expiry sees only the lap's end.
    """
    if new.complete or not old.complete or old.ended_ns is None:
        return False
    taken_back = new.frames == 0 and new.lap_time_s is None
    return not taken_back and _later(new.started_ns, old.started_ns)


def _later(new_ns: int | None, old_ns: int | None) -> bool:
    return new_ns is None or old_ns is None or new_ns > old_ns


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
        read=sessions.laps,
    ),
)
