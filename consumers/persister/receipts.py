"""Publish receipts of runs that changed, at most four times a second for each run."""

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
"""The requests a driver may send at once, and the seconds in which as many are refilled."""


class Receipts:
    """Publish receipts of runs that changed, and reply to requests for one."""

    def __init__(self, bus: Bus) -> None:
        """Prepare to publish on the bus."""
        self._bus = bus
        self._due: dict[RunKey, None] = {}
        self._published: OrderedDict[RunKey, tuple[float, Receipt]] = OrderedDict()
        self._asked = Limit(*ASKED)
        self._queued = asyncio.Event()

    def changed(self, keys: Iterable[RunKey]) -> None:
        """Queue runs that may need another receipt."""
        self._due.update(dict.fromkeys(keys))
        self._queued.set()

    async def answer(self, holdings: Holdings, ask: Ask) -> Receipt | None:
        """Return the receipt of a run, an empty one for an unknown run.

        None, so no reply, while Postgres does not answer and for requests above a driver's limit.
        """
        if self._asked.wait_s(ask.driver, time.monotonic()):
            return None
        key = RunKey(ask.session, ask.driver, ask.run)
        held, boot = await holdings.held(key), holdings.boot
        if held is None or not boot:
            return None
        return receipt(key, held, boot=boot, hub_ns=time.time_ns())

    async def run(self, holdings: Holdings, stop: asyncio.Event) -> None:
        """Publish queued receipts until `stop` is set."""
        while not stop.is_set():
            if self._due:
                await self._publish_due(holdings)
                await asyncio.sleep(TICK_S)
                continue
            self._queued.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._queued.wait(), IDLE_S)

    async def _publish_due(self, holdings: Holdings) -> None:
        now = time.monotonic()
        for key in list(self._due):
            published_at, published = self._published.get(key, (-INTERVAL_S, None))
            if now - published_at < INTERVAL_S:
                continue
            held = holdings.known(key)
            fresh = held and receipt(key, held, boot=holdings.boot, hub_ns=0)
            # A run that is not cached now is queued again once it is reloaded.
            if fresh and fresh != published:
                try:
                    await self._bus.publish("link.receipt", replace(fresh, hub_ns=time.time_ns()))
                except BusDown:
                    return
                self._remember(key, now, fresh)
            del self._due[key]

    def _remember(self, key: RunKey, now: float, published: Receipt) -> None:
        self._published[key] = (now, published)
        self._published.move_to_end(key)
        if len(self._published) > MAX_RUNS:
            self._published.popitem(last=False)
