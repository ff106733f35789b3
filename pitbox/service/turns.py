"""Share the time of a service between drivers: pure.

The next turn is of the driver whose turns took the least time, so a driver whose chunks are dear
delays no other by more than one turn. After a turn a driver rests for a multiple of the time that
it took: there is time left to receive, whatever a driver sends.
"""

from collections import OrderedDict
from typing import Final

from pitbox.chunks.owner import Owner

SHARE: Final = 1 / 8
CREDIT_S: Final = 1.0
"""A driver who took no turns for so long can use the share of that time without a rest."""

MAX_KNOWN: Final = 1000


class Turns:
    """Hold the drivers who wait for a turn, and the time that each has used."""

    def __init__(self, share: float = SHARE, credit_s: float = CREDIT_S) -> None:
        """Allow each driver a share of the time, `share * credit_s` seconds of it at once."""
        self._share, self._credit_s = share, credit_s
        self._ahead_s = share * credit_s
        self._sessions: dict[str, OrderedDict[Owner, None]] = {}
        self._used_s: dict[str, float] = {}
        self._rests_until_s: dict[str, float] = {}
        self._least_s = 0.0

    def wait(self, owner: Owner) -> None:
        """Add a driver's session to those that wait; each waits once."""
        driver = owner[1]
        if driver not in self._sessions:
            self._sessions[driver] = OrderedDict()
            # Who waited for nothing is ahead of those who always wait, but not without bound.
            least_s = self._least_s - self._ahead_s
            self._used_s[driver] = max(self._used_s.get(driver, least_s), least_s)
        self._sessions[driver][owner] = None

    def wait_s(self, now_s: float) -> float | None:
        """Return how long it is until the next turn; None while nobody waits."""
        ends_s = min(map(self._rest, self._sessions), default=None)
        return None if ends_s is None else max(0.0, ends_s - now_s)

    def next(self, now_s: float) -> Owner | None:
        """Return the session whose turn it is, None if there is none yet; `spent` has to follow."""
        rested = [driver for driver in self._sessions if self._rest(driver) <= now_s]
        if not rested:
            return None
        return next(iter(self._sessions[min(rested, key=self._used_s.__getitem__)]))

    def spent(self, owner: Owner, now_s: float, took_s: float) -> None:
        """Note how long a turn took; the session waits no longer, the driver's others wait on."""
        driver = owner[1]
        self._least_s = max(self._least_s, self._used_s[driver])
        self.charge(driver, now_s, took_s)
        del self._sessions[driver][owner]
        if not self._sessions[driver]:
            del self._sessions[driver]

    def charge(self, driver: str, now_s: float, took_s: float) -> None:
        """Note how long work took that was no turn."""
        self._used_s[driver] = self._used_s.get(driver, self._least_s) + took_s
        rested_s = max(self._rest(driver), now_s - self._credit_s)
        self._rests_until_s[driver] = rested_s + took_s / self._share
        if len(self._used_s) > MAX_KNOWN + 2 * len(self._sessions):
            self._forget(now_s)

    def rests(self, driver: str, now_s: float) -> bool:
        """Return whether a driver has used its share."""
        return self._rest(driver) > now_s

    def _rest(self, driver: str) -> float:
        return self._rests_until_s.get(driver, 0.0)

    def _forget(self, now_s: float) -> None:
        """Drop the times of drivers who had no turn for long."""
        for driver in list(self._used_s.keys() - self._sessions.keys()):
            if self._rest(driver) <= now_s - self._credit_s:
                del self._used_s[driver], self._rests_until_s[driver]
