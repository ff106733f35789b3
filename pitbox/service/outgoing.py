"""Facts that wait to be published, drivers in turn, bounded: pure."""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Final

from pitbox.chunks.owner import Owner
from pitbox.postgres.facts import Place

MAX_FACTS: Final = 20_000

Facts = OrderedDict[tuple[Owner, Place], Any]


class Outgoing:
    """Hold the latest fact of each place until it is published.

    Above the limit the driver with the most facts loses them, so nobody takes the room of others.
    """

    def __init__(self, limit: int = MAX_FACTS) -> None:
        self._limit = limit
        self._drivers: OrderedDict[str, Facts] = OrderedDict()
        self._count = 0

    def put(self, owner: Owner, facts: Mapping[Place, Any]) -> int:
        """Add facts, each in place of an older one; return how many were given up for room."""
        waiting = self._drivers.setdefault(owner[1], OrderedDict())
        before = len(waiting)
        waiting.update({(owner, place): fact for place, fact in facts.items()})
        self._count += len(waiting) - before
        given_up = 0
        while self._count > self._limit:
            most = max(self._drivers, key=lambda driver: len(self._drivers[driver]))
            given_up += len(self._drivers.pop(most))
            self._count = sum(map(len, self._drivers.values()))
        return given_up
