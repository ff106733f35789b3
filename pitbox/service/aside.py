"""Sessions of drivers whose facts cannot be derived, set aside for a while."""

import time
from collections.abc import Callable
from typing import Final

from pitbox.chunks.owner import Owner

PAUSE_S: Final = 60.0


class Aside:
    """Hold the owners that are left alone, each for `pause_s`."""

    def __init__(
        self, pause_s: float = PAUSE_S, *, clock_s: Callable[[], float] = time.monotonic
    ) -> None:
        """Hold nobody."""
        self._pause_s = pause_s
        self._clock_s = clock_s
        self._until_s: dict[Owner, float] = {}

    def put(self, owner: Owner) -> None:
        """Leave an owner alone from now on."""
        self._until_s[owner] = self._clock_s() + self._pause_s

    def has(self, owner: Owner) -> bool:
        """Return whether an owner is left alone."""
        until_s = self._until_s.get(owner)
        if until_s is None:
            return False
        if until_s <= self._clock_s():
            del self._until_s[owner]
        return owner in self._until_s
