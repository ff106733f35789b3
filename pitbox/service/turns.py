"""Share the time of a service between drivers: pure.

Each driver has a clock that advances by a multiple of the time that the driver's turns took. The
driver whose clock is furthest behind is next, and nobody whose clock is ahead of the time. So a
driver whose chunks are dear delays no other by more than one turn, and takes no more than a share of
the time, of which the rest is left for receiving.
"""

from collections import OrderedDict
from heapq import heappop, heappush
from typing import Final

from pitbox.chunks.owner import Owner

SHARE: Final = 1 / 8
CREDIT_S: Final = 1.0
"""How far a driver's clock may be behind: the time in which a share of turns is not yet too much."""


class Turns:
    """Hold the drivers who wait for a turn, and the time that each has used."""

    def __init__(self, share: float = SHARE, credit_s: float = CREDIT_S) -> None:
        """Allow each driver a share of the time, `share * credit_s` seconds of it at once."""
        self._share, self._credit_s = share, credit_s
        self._clocks: dict[str, float] = {}
        self._sessions: dict[str, OrderedDict[Owner, None]] = {}
        self._queue: list[tuple[float, str]] = []

    def wait(self, owner: Owner) -> None:
        """Add a driver's session to those that wait; each waits once."""
        driver = owner[1]
        if driver not in self._sessions:
            self._sessions[driver] = OrderedDict()
            heappush(self._queue, (self._clocks.get(driver, 0.0), driver))
        self._sessions[driver][owner] = None

    def wait_s(self, now_s: float) -> float | None:
        """Return how long it is until the next turn; None while nobody waits."""
        return max(0.0, self._queue[0][0] - now_s) if self._queue else None

    def next(self, now_s: float) -> Owner | None:
        """Return the session whose turn it is, None if there is none yet; it waits no longer.

        `spent` has to follow.
        """
        if not self._queue or self._queue[0][0] > now_s:
            return None
        return next(iter(self._sessions[self._queue[0][1]]))

    def spent(self, owner: Owner, now_s: float, took_s: float) -> None:
        """Note how long the turn of `next` took; the driver's other sessions wait on."""
        _, driver = heappop(self._queue)
        used_s = took_s / self._share
        self._clocks[driver] = max(self._clocks.get(driver, 0.0), now_s - self._credit_s) + used_s
        del self._sessions[driver][owner]
        if self._sessions[driver]:
            heappush(self._queue, (self._clocks[driver], driver))
        else:
            del self._sessions[driver]
            self._forget(now_s)

    def _forget(self, now_s: float) -> None:
        """Drop clocks that are as far behind as allowed, once they are many."""
        if len(self._clocks) > 2 * len(self._sessions) + 1000:
            since_s = now_s - self._credit_s
            self._clocks = {one: at_s for one, at_s in self._clocks.items() if at_s > since_s}
