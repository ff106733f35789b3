"""Say what Postgres has, a few times a second for each run and only when there is news."""

import asyncio
import contextlib
import time
from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

from msgspec.structs import replace

from consumers.persister.decide import RunKey, receipt
from consumers.persister.holdings import Holdings
from pitbox.nats.bus import Bus, BusDown
from pitbox.service.limits import Limit
from schemas.link import Ask, Receipt

INTERVAL_S: Final = 0.25
TICK_S: Final = 0.05
IDLE_S: Final = 0.5
MAX_RUNS: Final = 4096
ASKED: Final = (1000, 10.0)
"""A driver may ask so often at once, and again in so many seconds: his spool may hold many runs."""


class Receipts:
    """Publish receipts of runs that changed, and answer who asks."""

    def __init__(self, bus: Bus) -> None:
        """Prepare to speak."""
        self._bus = bus
        self._due: dict[RunKey, None] = {}
        self._said: OrderedDict[RunKey, tuple[float, Receipt]] = OrderedDict()
        self._asked = Limit(*ASKED)
        self._news = asyncio.Event()

    def changed(self, keys: Iterable[RunKey]) -> None:
        """Note runs of which there may be something new to say."""
        self._due.update(dict.fromkeys(keys))
        self._news.set()

    async def answer(self, holdings: Holdings, ask: Ask) -> Receipt | None:
        """Return the receipt of a run, also of one that Postgres never saw; None while unsure.

        Neither does a driver get one who asks without end.
        """
        if self._asked.wait_s(ask.driver, time.monotonic()):
            return None
        key = RunKey(ask.session, ask.driver, ask.run)
        held, boot = await holdings.held(key), holdings.boot
        if held is None or not boot:
            return None
        return receipt(key, held, boot=boot, hub_ns=time.time_ns())

    async def run(self, holdings: Holdings, stop: asyncio.Event) -> None:
        """Publish what is due until `stop` is set."""
        while not stop.is_set():
            if self._due:
                await self._publish_due(holdings)
                await asyncio.sleep(TICK_S)
                continue
            self._news.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), IDLE_S)

    async def _publish_due(self, holdings: Holdings) -> None:
        now = time.monotonic()
        for key in list(self._due):
            said_at, said = self._said.get(key, (-INTERVAL_S, None))
            if now - said_at < INTERVAL_S:
                continue
            held = holdings.known(key)
            fresh = held and receipt(key, held, boot=holdings.boot, hub_ns=0)
            # What is not known now is heard of again when it is.
            if fresh and fresh != said:
                try:
                    await self._bus.publish("link.receipt", replace(fresh, hub_ns=time.time_ns()))
                except BusDown:
                    return
                self._remember(key, now, fresh)
            del self._due[key]

    def _remember(self, key: RunKey, now: float, said: Receipt) -> None:
        self._said[key] = (now, said)
        self._said.move_to_end(key)
        if len(self._said) > MAX_RUNS:
            self._said.popitem(last=False)
