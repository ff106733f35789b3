"""The persister: every stream into Postgres, and receipts out of it."""

import asyncio
from functools import lru_cache, partial
from typing import Any

import stamina.instrumentation

from consumers.persister import measures, notices
from consumers.persister.holdings import Holdings
from consumers.persister.intake import Batch, Intake, Subjects
from consumers.persister.letters import CONSUMER
from consumers.persister.notices import Notices
from consumers.persister.pump import Pump
from consumers.persister.receipts import Receipts
from pitbox import metrics, topology
from pitbox.nats.bus import Bus
from pitbox.nats.pull import Pull
from pitbox.postgres.connection import Connection
from pitbox.service.lifetime import GRACE_S, Service, until
from pitbox.settings import Settings
from pitbox.topology import Topology


class Persister:
    """Run one pump a stream, and the receipts."""

    name = CONSUMER

    def __init__(self, settings: Settings) -> None:
        """Prepare to run; raises TopologyError when streams.yaml is wrong."""
        self._settings = settings
        self._topology = topology.load(settings.streams)
        # The pump says once that Postgres is away; stamina would say it at every attempt.
        stamina.instrumentation.set_on_retry_hooks([])

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set."""
        bus = Bus(self.name, self._topology)
        connections = [self._connection(), self._connection()]
        try:
            if await until(stop, bus.open(self._settings.nats), grace_s=0):
                await until(stop, self._work(bus, connections, stop), grace_s=GRACE_S)
        finally:
            for connection in connections:
                connection.drop()
            await bus.close()

    async def _work(self, bus: Bus, connections: list[Connection], stop: asyncio.Event) -> None:
        receipts = Receipts(bus)
        holdings = Holdings(connections[0], receipts.changed)
        asked = await bus.answer("link.ask", partial(receipts.answer, holdings))
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(receipts.run(holdings, stop))
                for stream, routes in self._topology.durables(self.name).items():
                    pull = Pull(bus, self.name, stream)
                    if "telemetry.live" in routes:
                        pump: Pump[Any] = self._telemetry(pull, stream, holdings)
                    else:
                        pump = self._notices(pull, stream, routes, connections[1])
                    tasks.create_task(pump.run(stop))
        finally:
            await asked.unsubscribe()

    def _connection(self) -> Connection:
        return Connection(self._settings.postgres.url, f"pitbox-{self.name}")

    def _telemetry(self, pull: Pull, stream: str, holdings: Holdings) -> Pump[Batch]:
        intake = Intake(_subjects(self._topology, stream))

        async def commit(batch: Batch) -> None:
            stored = await holdings.commit(batch)
            measures.rows.labels("telemetry_chunk").inc(stored)
            measures.frames.inc(batch.frames)
            measures.duplicates.inc(sum(len(a.numbers) for a in batch.runs.values()) - stored)
            measures.count_letters(batch.letters)
            metrics.not_kept.labels(CONSUMER).inc(batch.not_kept)

        return Pump(pull, stream, new=Batch, take=intake.take, commit=commit, idle=holdings.refresh)

    def _notices(
        self, pull: Pull, stream: str, routes: tuple[str, ...], connection: Connection
    ) -> Pump[Notices]:
        async def commit(told: Notices) -> None:
            dead = await notices.commit(connection, told)
            for _, fact in told.told:
                measures.rows.labels(type(fact).__name__.lower()).inc()
            measures.count_letters(dead)

        take = partial(notices.take, self._topology.decoder(*routes).decode)
        return Pump(pull, stream, new=Notices, take=take, commit=commit, idle=connection.ready)


def service(settings: Settings) -> Service:
    """Return the persister; raises TopologyError when streams.yaml is wrong."""
    return Persister(settings)


def _subjects(declared: Topology, stream: str) -> Subjects:
    """Return on which subjects of a stream a driver may speak in a session."""
    routes = tuple(declared.streams[stream].routes.values())

    @lru_cache(maxsize=1024)
    def subjects(driver: str, session: str) -> frozenset[str]:
        fields = {"driver": driver, "session": session}
        return frozenset(route.format(fields) for route in routes)

    return subjects
