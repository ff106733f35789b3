"""Merge sessions and laps from NATS and from Postgres: pure.

A client that subscribes needs both: a fact published before may not be in Postgres yet, and a fact
published before the gateway started is in Postgres only.
"""

from collections import OrderedDict
from collections.abc import Hashable, Iterable
from typing import Final

from schemas.timing import Lap, Session, Timing

MAX_SESSIONS: Final = 8
MAX_FACTS: Final = 20_000


def identity(fact: Timing) -> Hashable:
    """Return the key of a fact; a newer fact replaces an older one with the same key."""
    match fact:
        case Session():
            return fact.session, fact.driver
        case Lap():
            return fact.session, fact.driver, fact.car, fact.lap_number


def replaces(new: Timing, old: Timing) -> bool:
    """Return whether `new` replaces `old`, by the same rule as the persister's upsert.

    A comparison of revisions is not enough: revisions start again when timing folds the stream
    again from its start.
    """
    if new == old:
        return False
    match new, old:
        case Lap(), Lap():
            newer = new.revision > old.revision or new.frames >= old.frames
            return newer and not _is_torn(new, old)
    return new.at_ns >= old.at_ns


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


class Facts:
    """Hold the newest facts of the sessions that were updated last."""

    def __init__(self) -> None:
        self._sessions: OrderedDict[str, dict[Hashable, Timing]] = OrderedDict()

    def update(self, facts: Iterable[Timing]) -> list[Timing]:
        """Store facts and return those that are new or replace an older one."""
        return [fact for fact in facts if self._take(fact)]

    def of(self, session: str) -> list[Timing]:
        """Return the facts of a session in the order of their first arrival."""
        return list(self._sessions.get(session, {}).values())

    def _take(self, fact: Timing) -> bool:
        known = self._sessions.setdefault(fact.session, {})
        self._sessions.move_to_end(fact.session)
        while len(self._sessions) > MAX_SESSIONS:
            self._sessions.popitem(last=False)
        old = known.get(identity(fact))
        if old is None and len(known) >= MAX_FACTS:
            return False
        if old is not None and not replaces(fact, old):
            return False
        known[identity(fact)] = fact
        return True
