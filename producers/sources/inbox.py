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
    """Hold a datagram, its time of arrival, ns since 1970, and its sender's address."""

    captured_ns: int
    payload: bytes
    sender: str = ""


class Inbox(Generic[Item]):
    """Pass arrivals to one reader in the event loop; `put` never waits, in any thread.

    `dropped` counts arrivals that found it full, `dropped_by_kernel` those that found the operating
    system's buffer full, where the system counts them.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._waiting: deque[Item] = deque(maxlen=capacity)
        self._loop = asyncio.get_running_loop()
        self._filled = asyncio.Event()
        self._awake = False
        self.dropped = 0
        self.dropped_by_kernel = 0

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

    def lose(self, count: int) -> None:
        """Count datagrams that the kernel dropped, from any thread."""
        self.dropped_by_kernel += count
        metrics.dropped.labels("source", "kernel buffer full").inc(count)

    async def take(self) -> Item:
        """Return the next arrival; wait for it."""
        while not self._waiting:
            self._filled.clear()
            self._awake = False
            if not self._waiting:
                await self._filled.wait()
        return self._waiting.popleft()
