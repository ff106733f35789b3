"""See what drivers send, shut out for a while who sends too much, and let them in again.

What is taken out of the stream with him is in his spool still, and comes when he is in again.
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

SWEEPS: Final = 2
"""Right after an account is gone, nats-server may still hold some of what came from it."""


class Watch:
    """Compare what nats-server counted of each driver with what is allowed."""

    def __init__(
        self, enrolment: Enrolment, resolver: Resolver, bus: Bus, allowed: Allowance
    ) -> None:
        self._enrolment = enrolment
        self._resolver = resolver
        self._bus = bus
        self._allowed = allowed
        self._balances: dict[str, Balance] = {}
        self._to_sweep: dict[str, int] = {}

    async def look(self) -> None:
        """Look once; raises BusDown, and PostgresDown when all but letting in again is done."""
        for driver in await self._flooding():
            await self._enrolment.shut_out(driver)
            self._to_sweep[driver] = SWEEPS
        await self._sweep()
        await self._enrolment.readmit()

    async def _flooding(self) -> list[str]:
        """Return the drivers who sent more than is lent to them."""
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

    async def _sweep(self) -> None:
        """Take out of the streams what whoever was just shut out has sent: others need the room.

        Where that fails it stays, and costs its readers time, no more.
        """
        for driver in list(self._to_sweep):
            left = self._to_sweep.pop(driver) - 1
            purged = await self._bus.purge(driver=driver)
            if purged:
                log.warning("what he sent is taken out", driver=driver, messages=purged)
            if left:
                self._to_sweep[driver] = left
