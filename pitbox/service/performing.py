"""A bounded queue of jobs, performed in order per key and several keys at once."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable
from typing import Final, Generic, Protocol, TypeVar

MAX_WAITING: Final = 1024
SHARE: Final = 4
"""One key's jobs may fill a quarter of the queue before the oldest that expires is dropped."""


class Work(Protocol):
    """Describe a job to the queue."""

    @property
    def expires(self) -> bool:
        """Return whether the job may be dropped while it waits."""
        ...


Job = TypeVar("Job", bound=Work)


class Performing(Generic[Job]):
    """Perform jobs in order per key, `limit` keys at once.

    At most `max_waiting` jobs are held. When a key's jobs fill its share of these, its oldest
    waiting job that expires is passed to `drop`. Jobs that do not expire make `put` wait.
    """

    def __init__(
        self,
        perform: Callable[[Job], Awaitable[None]],
        drop: Callable[[Job], None],
        *,
        limit: int,
        max_waiting: int = MAX_WAITING,
    ) -> None:
        """Prepare; `run` performs the jobs that `put` adds."""
        self._perform = perform
        self._drop = drop
        self._limit = limit
        self._max_waiting = max_waiting
        self._waiting: dict[Hashable, deque[Job]] = {}
        self._ready: asyncio.Queue[Hashable] = asyncio.Queue()
        self._count = 0
        self._stopped = False
        self._changed = asyncio.Event()

    @property
    def waiting(self) -> int:
        """Return the number of jobs that wait or are being performed."""
        return self._count

    async def put(self, key: Hashable, job: Job) -> None:
        """Add a job behind those of its key; wait while the queue is full, unless stopped."""
        self._drop_above_share(key)
        while self._count >= self._max_waiting and not self._stopped:
            await self._change()
        self._count += 1
        if key in self._waiting:
            self._waiting[key].append(job)
        else:
            self._waiting[key] = deque([job])
            self._ready.put_nowait(key)

    async def idle(self) -> None:
        """Wait until no job is left, or until stopped."""
        while self._count and not self._stopped:
            await self._change()

    async def run(self, stop: asyncio.Event) -> None:
        """Perform until `stop` is set, then finish the jobs being performed and no others."""
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

    def _drop_above_share(self, key: Hashable) -> None:
        queue = self._waiting.get(key, deque())
        if len(queue) < max(2, self._max_waiting // SHARE):
            return
        # The first job is being performed or next in turn.
        for index in range(1, len(queue)):
            if queue[index].expires:
                job = queue[index]
                del queue[index]
                self._drop(job)
                self._removed()
                return

    def _removed(self) -> None:
        self._count -= 1
        self._changed.set()

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()
