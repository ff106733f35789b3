"""Facts that wait to be published, drivers in turn: pure."""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Final

from pitbox.chunks.owner import Owner

MAX_FACTS: Final = 20_000

Place = tuple[Any, ...]
Next = tuple[Owner, Place, Any]


class Outgoing:
    """Hold the latest fact of each place until it is published.

    Above the limit the driver with the most facts loses them, so nobody takes the room of others.
    """

    def __init__(self, limit: int = MAX_FACTS) -> None:
        """Hold at most `limit` facts."""
        self._limit = limit
        self._drivers: OrderedDict[str, dict[Owner, dict[Place, Any]]] = OrderedDict()
        self._count = 0

    def put(self, owner: Owner, facts: Mapping[Place, Any]) -> int:
        """Add facts, each in place of an older one; return how many were given up for room."""
        waiting = self._drivers.setdefault(owner[1], {}).setdefault(owner, {})
        self._count -= len(waiting)
        waiting.update(facts)
        self._count += len(waiting)
        given_up = 0
        while self._count > self._limit:
            most = max(self._drivers, key=self._held)
            given_up += self._held(most)
            self._count -= self._held(most)
            del self._drivers[most]
        return given_up

    def next(self) -> Next | None:
        """Return the fact to publish next, of the driver who waits longest; None without any."""
        for sessions in self._drivers.values():
            owner, facts = next(iter(sessions.items()))
            place, fact = next(iter(facts.items()))
            return owner, place, fact
        return None

    def published(self, owner: Owner, place: Place, fact: Any) -> None:
        """Remove a fact unless a newer one replaced it; it is the next driver's turn."""
        facts = self._drivers.get(owner[1], {}).get(owner, {})
        if facts.get(place) is fact:
            del facts[place]
            self._count -= 1
        if not facts:
            self.drop(owner)
        if owner[1] in self._drivers:
            self._drivers.move_to_end(owner[1])

    def waits(self, owner: Owner) -> bool:
        """Return whether facts of a driver's session wait."""
        return owner in self._drivers.get(owner[1], {})

    def drop(self, owner: Owner) -> None:
        """Remove the facts of a driver's session."""
        sessions = self._drivers.get(owner[1], {})
        self._count -= len(sessions.pop(owner, {}))
        if not sessions:
            self._drivers.pop(owner[1], None)

    def _held(self, driver: str) -> int:
        return sum(map(len, self._drivers[driver].values()))
