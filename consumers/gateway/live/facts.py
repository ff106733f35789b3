"""The sessions and laps that clients are told of: pure.

What was heard on the bus and what Postgres holds come together here, so that a fact is told that
was published before a client came and is not in Postgres yet.
"""

from collections import OrderedDict
from collections.abc import Hashable, Iterable
from typing import Final

from schemas.timing import Lap, Session, Timing

MAX_SESSIONS: Final = 8
MAX_FACTS: Final = 20_000


def about(fact: Timing) -> Hashable:
    """Return what a fact is about."""
    match fact:
        case Session():
            return fact.session, fact.driver
        case Lap():
            return fact.session, fact.driver, fact.car, fact.lap_number


def replaces(new: Timing, old: Timing) -> bool:
    """Tell whether a fact says more than the one before it, by the rule that Postgres keeps too.

    Revisions alone would not do: they begin again when timing folds a stream anew.
    """
    if new == old:
        return False
    match new, old:
        case Lap(), Lap():
            newer = new.revision > old.revision or new.frames >= old.frames
            return newer and not _is_torn(new, old)
    return new.at_ns >= old.at_ns


def _is_torn(new: Lap, old: Lap) -> bool:
    """Tell whether a lap is what a fold sees of a finished one whose beginning left the stream."""
    if new.complete or not old.complete or old.ended_ns is None:
        return False
    taken_back = new.frames == 0 and new.lap_time_s is None
    return not taken_back and _later(new.started_ns, old.started_ns)


def _later(new_ns: int | None, old_ns: int | None) -> bool:
    return new_ns is None or old_ns is None or new_ns > old_ns


class Facts:
    """Hold the newest facts of the sessions that were told of last."""

    def __init__(self) -> None:
        self._sessions: OrderedDict[str, dict[Hashable, Timing]] = OrderedDict()

    def tell(self, facts: Iterable[Timing]) -> list[Timing]:
        """Take facts and return those that are news."""
        return [fact for fact in facts if self._take(fact)]

    def of(self, session: str) -> list[Timing]:
        """Return the facts of a session."""
        return list(self._sessions.get(session, {}).values())

    def _take(self, fact: Timing) -> bool:
        known = self._sessions.setdefault(fact.session, {})
        self._sessions.move_to_end(fact.session)
        while len(self._sessions) > MAX_SESSIONS:
            self._sessions.popitem(last=False)
        old = known.get(about(fact))
        if old is None and len(known) >= MAX_FACTS:
            return False
        if old is not None and not replaces(fact, old):
            return False
        known[about(fact)] = fact
        return True
