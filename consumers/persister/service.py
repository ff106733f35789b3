"""Write every stream to Postgres, and publish receipts of the stored chunks."""

import asyncio
from collections.abc import Iterable
from functools import lru_cache, partial
from typing import Any

from consumers.persister import CONSUMER, facts, intake, metrics, tables
from consumers.persister.deleting import Deleting
from consumers.persister.facts import Facts
from consumers.persister.holdings import Holdings
from consumers.persister.intake import Intake, Subjects
from consumers.persister.receipts import Receipts
from consumers.persister.retaining import Retaining
from consumers.persister.sealing import Sealing
from pitbox import topology
from pitbox.nats.bus import Bus
from pitbox.postgres.connection import Connection
from pitbox.postgres.tables import TableError, scan
from pitbox.service import dead
from pitbox.service.batch import Batch, Sink
from pitbox.service.lifetime import Service
from pitbox.settings import Settings
from pitbox.topology import Topology
from schemas.dead import DeadLetter
from schemas.registry import EVENTS
from schemas.telemetry import Chunk, Mark


class Persister:
    """Write chunks and facts, and publish receipts of the stored chunks."""

    name = CONSUMER

    def __init__(self, settings: Settings) -> None:
        """Prepare to run; raises TopologyError when streams.yaml or a table file is wrong."""
        self._settings = settings
        self._topology = topology.load(settings.streams)
        self._tables = scan(tables)
        self._tables.require([DeadLetter])
        for stream, routes in self._topology.durables(self.name).items():
            kinds = _kinds(self._topology, routes)
            if Chunk not in kinds:
                self._tables.require(kinds)
            elif kinds - {Chunk, Mark}:
                raise TableError(f"{stream} carries chunks, so it can carry no other facts")
        self._connections = [self._connection() for _ in range(5)]

    def open(self, bus: Bus) -> None:
        """Prepare to write, and to publish receipts."""
        self._bus = bus
        self._receipts = Receipts(bus)
        subjects = _subjects(self._topology, self._topology.of_sessions)
        self._holdings = Holdings(
            self._connections[0], self._tables, subjects, self._receipts.changed
        )
        self._retaining = Retaining(
            self._connections[3],
            self._settings.retention,
            self._topology.derives,
            self._topology.refines,
        )
        self._sealing = Sealing(self._connections[4], self._settings.sealing)
        self._deleting = Deleting(self._connections[2], bus, self._holdings, subjects)

    def sink(self, stream: str) -> Sink[Any]:
        """Return how chunks, or facts, are written."""
        routes = self._topology.durables(self.name)[stream]
        if Chunk in _kinds(self._topology, routes):
            return self._telemetry(stream)
        kept = Facts(self._topology, routes, self._tables, self._connections[1])
        return Sink(
            new=facts.Batch,
            take=kept.take,
            commit=kept.commit,
            idle=self._connections[1].ready,
            done=metrics.show_batch,
        )

    async def beside(self, stop: asyncio.Event) -> None:
        """Publish receipts, answer producers that ask for one, seal and delete what is to go."""
        subscription = await self._bus.answer(
            "link.ask", partial(self._receipts.answer, self._holdings)
        )
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._receipts.run(self._holdings, stop))
                tasks.create_task(self._deleting.run(stop))
                tasks.create_task(self._retaining.run(stop))
                tasks.create_task(self._sealing.run(stop))
        finally:
            await subscription.unsubscribe()

    def close(self) -> None:
        """Disconnect from Postgres."""
        for connection in self._connections:
            connection.drop()

    def _connection(self) -> Connection:
        return Connection(self._settings.postgres.url, f"pitbox-{self.name}")

    def _telemetry(self, stream: str) -> Sink[intake.Batch]:
        routes = self._topology.streams[stream].routes
        proof = Intake(_subjects(self._topology, routes), self._topology.from_drivers)

        async def commit(batch: intake.Batch) -> None:
            stored = await self._holdings.commit(batch)
            metrics.rows.labels("telemetry_chunk").inc(stored)
            metrics.frames.inc(batch.frames)
            metrics.duplicates.inc(sum(len(a.numbers) for a in batch.runs.values()) - stored)
            dead.count_not_kept(CONSUMER, batch.not_kept)
            for letter in batch.letters:
                dead.count(letter)

        return Sink(
            new=intake.Batch,
            take=proof.take,
            commit=commit,
            idle=self._holdings.refresh,
            done=metrics.show_batch,
        )


def service(settings: Settings) -> Service:
    """Return the persister; raises TopologyError when streams.yaml or a table file is wrong."""
    return Batch(Persister(settings), settings)


def _kinds(declared: Topology, routes: Iterable[str]) -> set[type]:
    """Return the types of the events that the routes carry."""
    return {EVENTS[tag] for route in routes for tag in declared.route(route).events}


def _subjects(declared: Topology, names: Iterable[str]) -> Subjects:
    """Return a lookup of the subjects of some routes for a driver in a session."""
    routes = [declared.route(name) for name in names]

    @lru_cache(maxsize=1024)
    def subjects(driver: str, session: str) -> frozenset[str]:
        fields = {"driver": driver, "session": session}
        return frozenset(route.format(fields) for route in routes)

    return subjects
