"""Measure the drivers' traffic, suspend those above the allowance, and end suspensions.

The messages of a suspended or revoked driver are purged from the streams, so that they take no room
and no time of anybody. They are still in the spool of that driver's PC, which publishes them again
once it may connect.
"""

import time
from typing import Final

from consumers.keys import allowance
from consumers.keys.allowance import Balance
from consumers.keys.enrolment import Enrolment
from pitbox import logs
from pitbox.nats.bus import Bus
from pitbox.nats.resolver import Resolver
from pitbox.settings import Allowance

log = logs.get("keys")

PURGES: Final = 2
"""Purged twice: just after an account's deletion its last messages may still be in flight."""


class Watch:
    """Compare nats-server's traffic counters of each driver with the allowance."""

    def __init__(
        self, enrolment: Enrolment, resolver: Resolver, bus: Bus, allowed: Allowance
    ) -> None:
        self._enrolment = enrolment
        self._resolver = resolver
        self._bus = bus
        self._allowed = allowed
        self._balances: dict[str, Balance] = {}
        self._purges_left: dict[str, int] = {}

    async def check(self) -> None:
        """Suspend, purge and readmit once.

        Raises BusDown; raises PostgresDown after the rest when nobody could be readmitted.
        """
        for driver in await self._over_allowance():
            await self._enrolment.shut_out(driver)
            self._purges_left[driver] = PURGES
        self._purges_left |= dict.fromkeys(self._enrolment.newly_revoked(), PURGES)
        await self._purge()
        await self._enrolment.readmit()

    async def _over_allowance(self) -> list[str]:
        """Return the drivers who exceed the allowance."""
        drivers = self._enrolment.drivers
        counted, now_s = await self._resolver.sent(), time.monotonic()
        self._balances = {
            account: allowance.after(self._balances.get(account), sent, now_s, self._allowed)
            for account, sent in counted.items()
            if account in drivers
        }
        return [
            drivers[account]
            for account, balance in self._balances.items()
            if allowance.is_over(balance, self._allowed)
        ]

    async def _purge(self) -> None:
        """Purge the messages of drivers just suspended or revoked.

        A purge that fails is not repeated: the messages then only cost their consumers time.
        """
        for driver in list(self._purges_left):
            left = self._purges_left.pop(driver) - 1
            purged = await self._bus.purge(driver=driver)
            if purged:
                log.info("purged a driver's messages", driver=driver, messages=purged)
            if left:
                self._purges_left[driver] = left
