"""Carry one stream into Postgres: collect a batch while the one before is being committed."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final, Generic, Protocol, TypeVar

from consumers.persister import metrics
from pitbox import logs
from pitbox.nats.delivery import Delivery
from pitbox.nats.pull import Pull
from pitbox.postgres.errors import PostgresDown
from pitbox.service.retry import retry

BATCH_MESSAGES: Final = 4000
BATCH_BYTES: Final = 4_000_000
BATCH_WAIT_S: Final = 0.5
FEW: Final = 400
LINGER_S: Final = 0.03
SLICE: Final = 250

log = logs.get("pump")


class Collected(Protocol):
    """What is committed at once, with the deliveries to acknowledge then."""

    deliveries: list[Delivery]
    bytes: int


Batch = TypeVar("Batch", bound=Collected)


class Pump(Generic[Batch]):
    """Pull, collect, commit, acknowledge; never more than two batches are held."""

    def __init__(
        self,
        pull: Pull,
        stream: str,
        *,
        new: Callable[[], Batch],
        take: Callable[[Delivery, Batch], None],
        commit: Callable[[Batch], Awaitable[None]],
        idle: Callable[[], Awaitable[object]],
    ) -> None:
        """Prepare; `commit` and `idle`, called when nothing comes, raise PostgresDown."""
        self._pull = pull
        self._stream = stream
        self._new = new
        self._take = take
        self._commit = commit
        self._idle = idle
        self._collected: asyncio.Queue[Batch | None] = asyncio.Queue(maxsize=1)

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set, then finish what was collected."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._collect(stop))
                tasks.create_task(self._write())
        finally:
            await self._pull.close()

    async def _collect(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            deliveries = await self._pull.batch(BATCH_MESSAGES, BATCH_WAIT_S)
            if 0 < len(deliveries) < FEW:
                await asyncio.sleep(LINGER_S)
                deliveries += await self._pull.batch(BATCH_MESSAGES - len(deliveries), 0)
            batch = self._new()
            for number, delivery in enumerate(deliveries, 1):
                self._take(delivery, batch)
                if batch.bytes >= BATCH_BYTES:
                    await self._collected.put(batch)
                    batch = self._new()
                elif number % SLICE == 0:
                    await asyncio.sleep(0)
            if batch.deliveries:
                await self._collected.put(batch)
        await self._collected.put(None)

    async def _write(self) -> None:
        while True:
            try:
                batch = await asyncio.wait_for(self._collected.get(), BATCH_WAIT_S)
            except TimeoutError:
                await self._persist(self._idle)
                continue
            if batch is None:
                return
            started = time.perf_counter()
            await self._persist(partial(self._commit, batch))
            metrics.commit_s.labels(self._stream).observe(time.perf_counter() - started)
            await self._pull.ack(batch.deliveries)
            metrics.show_lag(batch.deliveries[-1])

    async def _persist(self, attempt: Callable[[], Awaitable[object]]) -> None:
        """Try until Postgres does it; after a stop too, for the batch at hand, until cancelled."""
        await retry(attempt, peer="Postgres", on=PostgresDown, log=log, stream=self._stream)
