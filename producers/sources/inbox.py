"""Hold what arrived until it is decoded: bounded, the oldest goes first."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from pitbox import metrics
from producers.sources.iracing.ticks import Ticks

CAPACITY: Final = 8192
"""Ten seconds of the busiest game."""


class Arrival(Struct, frozen=True, gc=False):
    """Hold a datagram and when it arrived, in ns since 1970."""

    captured_ns: int
    payload: bytes


class Tick(Struct, frozen=True):
    """Hold iRacing's variables at one instant, and who understands them."""

    captured_ns: int
    values: Mapping[str, float]
    ticks: Ticks


class Inbox:
    """Pass arrivals on to one reader in the event loop; anyone may put, and never waits."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._waiting: deque[Arrival | Tick] = deque(maxlen=capacity)
        self._loop = asyncio.get_running_loop()
        self._filled = asyncio.Event()
        self._awake = False
        self.dropped = 0

    def put(self, item: Arrival | Tick) -> None:
        """Take an arrival, from any thread; when full, the oldest is dropped and counted."""
        if len(self._waiting) == self._waiting.maxlen:
            self.dropped += 1
            metrics.dropped.labels("source", "inbox full").inc()
        self._waiting.append(item)
        if not self._awake:
            self._awake = True
            with contextlib.suppress(RuntimeError):  # the loop has ended, and so has its reader
                self._loop.call_soon_threadsafe(self._filled.set)

    async def take(self) -> Arrival | Tick:
        """Wait for the next arrival."""
        while not self._waiting:
            self._filled.clear()
            self._awake = False
            if not self._waiting:
                await self._filled.wait()
        return self._waiting.popleft()
