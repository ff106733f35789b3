"""Run a service that commits many messages at once, and acknowledges them after the commit."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final, Generic, Protocol, TypeVar

from msgspec import Struct

from pitbox import logs, metrics, topology
from pitbox.nats.bus import Bus
from pitbox.nats.delivery import Delivery
from pitbox.nats.pull import Pull
from pitbox.postgres.errors import PostgresDown
from pitbox.service.overdue import OVERDUE_S, Overdue
from pitbox.service.retry import retry
from pitbox.settings import Settings

BATCH_MESSAGES: Final = 4000
BATCH_BYTES: Final = 4_000_000
BATCH_WAIT_S: Final = 0.5
FEW: Final = 400
LINGER_S: Final = 0.03
SLICE: Final = 250

log = logs.get("batch")


class Collected(Protocol):
    """Collect the deliveries of one commit, to acknowledge after it, and count their bytes."""

    deliveries: list[Delivery]
    bytes: int


Collection = TypeVar("Collection", bound=Collected)


class Sink(Struct, Generic[Collection], frozen=True):
    """Commit one stream's batches.

    `new` makes an empty batch, `take` adds a message to it, `commit` writes it in one transaction,
    and `idle` is called while no message comes; both raise PostgresDown. `done` gets a batch that
    is acknowledged, and the seconds that it took to commit.
    """

    new: Callable[[], Collection]
    take: Callable[[Delivery, Collection], None]
    commit: Callable[[Collection], Awaitable[None]]
    idle: Callable[[], Awaitable[object]]
    done: Callable[[Collection, float], None]


class Writer(Protocol):
    """Write streams somewhere."""

    name: str

    def open(self, bus: Bus) -> None:
        """Prepare to write, and to publish over the bus."""
        ...

    def sink(self, stream: str) -> Sink[Any]:
        """Return the sink that commits the batches of a stream."""
        ...

    async def beside(self, stop: asyncio.Event) -> None:
        """Run beside the batches until `stop` is set."""
        ...

    def close(self) -> None:
        """Release everything."""
        ...


class Batch:
    """Run a writer over each stream that its service has a durable on."""

    def __init__(self, writer: Writer, settings: Settings) -> None:
        """Prepare to run; raises TopologyError when streams.yaml is wrong."""
        self.name = writer.name
        self._writer = writer
        self._settings = settings
        self._topology = topology.load(settings.streams)
        self._bus = Bus(self.name, self._topology)

    async def open(self) -> None:
        """Connect to nats-server, waiting for it."""
        await self._bus.open(self._settings.nats)
        self._writer.open(self._bus)

    async def work(self, stop: asyncio.Event) -> None:
        """Commit batches until `stop` is set, then the collected ones."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._writer.beside(stop))
            for stream in self._topology.durables(self.name):
                pull = Pull(self._bus, self.name, stream)
                pump = Pump(pull, self._writer.sink(stream), self.name)
                tasks.create_task(pump.run(stop))

    async def close(self) -> None:
        """Disconnect."""
        self._writer.close()
        await self._bus.close()


class Pump(Generic[Collection]):
    """Pull, collect, commit, acknowledge; never more than two batches are held."""

    def __init__(
        self, pull: Pull, sink: Sink[Collection], name: str, *, overdue_s: float = OVERDUE_S
    ) -> None:
        """Prepare to pull into a sink for the service `name`.

        A commit that lasts `overdue_s` is logged, also while it is neither done nor failed.
        """
        self._pull = pull
        self._sink = sink
        gauge = metrics.unstored_s.labels(name, pull.stream)
        self._overdue = Overdue("the commit of a batch", gauge, log, after_s=overdue_s)
        self._collected: asyncio.Queue[Collection | None] = asyncio.Queue(maxsize=1)

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set, then commit the collected batches."""
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
            batch = self._sink.new()
            for number, delivery in enumerate(deliveries, 1):
                self._sink.take(delivery, batch)
                if batch.bytes >= BATCH_BYTES:
                    await self._collected.put(batch)
                    batch = self._sink.new()
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
                await self._persist(self._sink.idle)
                continue
            if batch is None:
                return
            started = time.perf_counter()
            with self._overdue.timed(stream=self._pull.stream, messages=len(batch.deliveries)):
                await self._persist(partial(self._sink.commit, batch))
            commit_s = time.perf_counter() - started
            await self._pull.ack(batch.deliveries)
            self._sink.done(batch, commit_s)

    async def _persist(self, attempt: Callable[[], Awaitable[object]]) -> None:
        """Retry while Postgres is down, even after a stop, until cancelled."""
        await retry(attempt, peer="Postgres", on=PostgresDown, log=log, stream=self._pull.stream)
