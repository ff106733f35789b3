"""Hold arrivals until they are decoded: bounded, and a full inbox drops the oldest."""

import asyncio
import contextlib
from collections import deque
from typing import Final, Generic, TypeVar

from msgspec import Struct

from pitbox import metrics

CAPACITY: Final = 8192
"""Ten seconds of the busiest game."""

Item = TypeVar("Item")


class Arrival(Struct, frozen=True, gc=False):
    """Hold a datagram and its time of arrival, ns since 1970."""

    captured_ns: int
    payload: bytes


class Inbox(Generic[Item]):
    """Pass arrivals to one reader in the event loop; `put` never waits, in any thread."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._waiting: deque[Item] = deque(maxlen=capacity)
        self._loop = asyncio.get_running_loop()
        self._filled = asyncio.Event()
        self._awake = False
        self.dropped = 0

    def put(self, item: Item) -> None:
        """Add an arrival, from any thread; a full inbox drops and counts its oldest one."""
        if len(self._waiting) == self._waiting.maxlen:
            self.dropped += 1
            metrics.dropped.labels("source", "inbox full").inc()
        self._waiting.append(item)
        if not self._awake:
            self._awake = True
            with contextlib.suppress(RuntimeError):  # the loop has ended, and so has its reader
                self._loop.call_soon_threadsafe(self._filled.set)

    async def take(self) -> Item:
        """Return the next arrival; wait for it."""
        while not self._waiting:
            self._filled.clear()
            self._awake = False
            if not self._waiting:
                await self._filled.wait()
        return self._waiting.popleft()
