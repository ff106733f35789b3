"""Performing beside the pump: in order per key, several keys at once, bounded."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable
from typing import Final, Generic, Protocol, TypeVar

ROOM: Final = 1024
SHARE: Final = 4
"""Jobs of one key that expire may fill a quarter of the room."""


class Work(Protocol):
    """Describe a job; one that `expires` may be dropped while it waits."""

    @property
    def expires(self) -> bool:
        """Tell whether the job is worthless after some time."""
        ...


Job = TypeVar("Job", bound=Work)


class Performing(Generic[Job]):
    """Perform jobs in order per key, `limit` keys at once, with at most `room` jobs waiting.

    Where a key's jobs fill its share of the room, the oldest that expires goes to `drop`. Jobs that
    do not expire make `put` wait instead.
    """

    def __init__(
        self,
        perform: Callable[[Job], Awaitable[None]],
        drop: Callable[[Job], None],
        *,
        limit: int,
        room: int = ROOM,
    ) -> None:
        """Prepare; `run` performs what `put` adds."""
        self._perform = perform
        self._drop = drop
        self._limit = limit
        self._room = room
        self._waiting: dict[Hashable, deque[Job]] = {}
        self._ready: asyncio.Queue[Hashable] = asyncio.Queue()
        self._count = 0
        self._stopped = False
        self._changed = asyncio.Event()

    @property
    def waiting(self) -> int:
        """Return how many jobs wait or are being performed."""
        return self._count

    async def put(self, key: Hashable, job: Job) -> None:
        """Add a job behind those of its key; wait while there is no room, unless stopped."""
        self._hold_to_share(key)
        while self._count >= self._room and not self._stopped:
            await self._change()
        self._count += 1
        if key in self._waiting:
            self._waiting[key].append(job)
        else:
            self._waiting[key] = deque([job])
            self._ready.put_nowait(key)

    async def idle(self) -> None:
        """Wait until nothing is left to perform, or until stopped."""
        while self._count and not self._stopped:
            await self._change()

    async def run(self, stop: asyncio.Event) -> None:
        """Perform until `stop` is set, and finish the jobs being performed then."""
        async with asyncio.TaskGroup() as tasks:
            for _ in range(self._limit):
                tasks.create_task(self._work())
            await stop.wait()
            self._stopped = True
            self._changed.set()
            for _ in range(self._limit):
                self._ready.put_nowait(None)

    async def _work(self) -> None:
        while (key := await self._ready.get()) is not None and not self._stopped:
            await self._perform(self._waiting[key][0])
            self._waiting[key].popleft()
            if self._waiting[key]:
                self._ready.put_nowait(key)
            else:
                del self._waiting[key]
            self._removed()

    def _hold_to_share(self, key: Hashable) -> None:
        queue = self._waiting.get(key, deque())
        if len(queue) < max(2, self._room // SHARE):
            return
        # The first job is being performed, or is the next to be.
        for place in range(1, len(queue)):
            if queue[place].expires:
                job = queue[place]
                del queue[place]
                self._drop(job)
                self._removed()
                return

    def _removed(self) -> None:
        self._count -= 1
        self._changed.set()

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()
