"""The persister: every stream into Postgres, and receipts out of it."""

import asyncio
from collections.abc import Iterable
from functools import lru_cache, partial
from typing import Any

from consumers.persister import CONSUMER, facts, metrics, tables
from consumers.persister.facts import Facts
from consumers.persister.holdings import Holdings
from consumers.persister.intake import Batch, Intake, Subjects
from consumers.persister.pump import Pump
from consumers.persister.receipts import Receipts
from consumers.persister.tables import TableError
from pitbox import topology
from pitbox.nats.bus import Bus
from pitbox.nats.pull import Pull
from pitbox.postgres.connection import Connection
from pitbox.service import dead
from pitbox.service.lifetime import Service
from pitbox.settings import Settings
from pitbox.topology import Topology
from schemas.dead import DeadLetter
from schemas.registry import EVENTS
from schemas.telemetry import Chunk, Mark


class Persister:
    """Run one pump a stream, and the receipts."""

    name = CONSUMER

    def __init__(self, settings: Settings) -> None:
        """Prepare to run; raises TopologyError when streams.yaml or a table file is wrong."""
        self._settings = settings
        self._topology = topology.load(settings.streams)
        self._tables = tables.scan()
        self._tables.require([DeadLetter])
        for stream, routes in self._topology.durables(self.name).items():
            kinds = _kinds(self._topology, routes)
            if Chunk not in kinds:
                self._tables.require(kinds)
            elif kinds - {Chunk, Mark}:
                raise TableError(f"{stream} carries chunks, so it can carry no other facts")
        self._bus = Bus(self.name, self._topology)
        self._connections = [self._connection(), self._connection()]

    async def open(self) -> None:
        """Connect to nats-server, waiting for it."""
        await self._bus.open(self._settings.nats)

    async def close(self) -> None:
        """Disconnect."""
        for connection in self._connections:
            connection.drop()
        await self._bus.close()

    async def work(self, stop: asyncio.Event) -> None:
        """Write streams and answer with receipts until `stop` is set."""
        bus, connections = self._bus, self._connections
        receipts = Receipts(bus)
        holdings = Holdings(connections[0], self._tables, receipts.changed)
        asked = await bus.answer("link.ask", partial(receipts.answer, holdings))
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(receipts.run(holdings, stop))
                for stream, routes in self._topology.durables(self.name).items():
                    pull = Pull(bus, self.name, stream)
                    if Chunk in _kinds(self._topology, routes):
                        pump: Pump[Any] = self._telemetry(pull, stream, holdings)
                    else:
                        pump = self._facts(pull, stream, routes, connections[1])
                    tasks.create_task(pump.run(stop))
        finally:
            await asked.unsubscribe()

    def _connection(self) -> Connection:
        return Connection(self._settings.postgres.url, f"pitbox-{self.name}")

    def _telemetry(self, pull: Pull, stream: str, holdings: Holdings) -> Pump[Batch]:
        intake = Intake(_subjects(self._topology, stream), self._topology.from_drivers)

        async def commit(batch: Batch) -> None:
            stored = await holdings.commit(batch)
            metrics.rows.labels("telemetry_chunk").inc(stored)
            metrics.frames.inc(batch.frames)
            metrics.duplicates.inc(sum(len(a.numbers) for a in batch.runs.values()) - stored)
            dead.count_not_kept(CONSUMER, batch.not_kept)
            for letter in batch.letters:
                dead.count(letter)

        return Pump(pull, stream, new=Batch, take=intake.take, commit=commit, idle=holdings.refresh)

    def _facts(
        self, pull: Pull, stream: str, routes: tuple[str, ...], connection: Connection
    ) -> Pump[facts.Batch]:
        told = Facts(self._topology, routes, self._tables, connection)
        return Pump(
            pull,
            stream,
            new=facts.Batch,
            take=told.take,
            commit=told.commit,
            idle=connection.ready,
        )


def service(settings: Settings) -> Service:
    """Return the persister; raises TopologyError when streams.yaml or a table file is wrong."""
    return Persister(settings)


def _kinds(declared: Topology, routes: Iterable[str]) -> set[type]:
    """Return the types of the events that the routes carry."""
    return {EVENTS[tag] for route in routes for tag in declared.route(route).events}


def _subjects(declared: Topology, stream: str) -> Subjects:
    """Return on which subjects of a stream a driver may speak in a session."""
    routes = tuple(declared.streams[stream].routes.values())

    @lru_cache(maxsize=1024)
    def subjects(driver: str, session: str) -> frozenset[str]:
        fields = {"driver": driver, "session": session}
        return frozenset(route.format(fields) for route in routes)

    return subjects
