"""The fold: a service that runs a pure consumer over the streams it reads."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

from pitbox import logs, topology
from pitbox.nats.bus import Bus, BusDown
from pitbox.nats.delivery import Delivery
from pitbox.nats.pull import Pull
from pitbox.service.consumer import Consumer, NotNow
from pitbox.service.folding import Folding
from pitbox.service.identity import StoredOutputs
from pitbox.service.input import Input
from pitbox.service.journal import Journal
from pitbox.service.retry import retry
from pitbox.settings import Settings
from pitbox.topology import Route, Topology, seconds
from schemas.registry import EVENTS

__all__ = ["Consumer", "Fold", "NotNow"]

log = logs.get("fold")


class Fold:
    """Run a pure consumer; its state is in memory, so each start folds the streams again."""

    def __init__(self, consumer: Consumer[Any, Any, Any], settings: Settings) -> None:
        """Prepare to run; raises TopologyError when streams.yaml does not know the consumer."""
        self.name = consumer.name
        self._consumer = consumer
        self._settings = settings
        self._topology = topology.load(settings.streams)
        self._declared = self._topology.consumer(self.name)
        self._bus = Bus(self.name, self._topology)

    async def open(self) -> None:
        """Connect to nats-server, waiting for it."""
        await self._bus.open(self._settings.nats)

    async def work(self, stop: asyncio.Event) -> None:
        """Fold until `stop` is set."""
        journal = Journal(self._bus, self._consumer.version)
        inputs: list[Input] = []
        for stream in self._topology.pulled(self.name):
            attempt = partial(self._add_input, inputs, journal, stream)
            await retry(attempt, peer="nats-server", on=BusDown, log=log, stop=stop)
        folding = Folding(
            self._consumer,
            decoder(self._topology, self.name),
            inputs,
            journal,
            backoff_s=[seconds(step) for step in self._declared.backoff],
            performers=self._declared.performers,
        )
        await folding.run(stop)

    async def close(self) -> None:
        """Disconnect."""
        await self._bus.close()

    async def _add_input(self, inputs: list[Input], journal: Journal, stream: str) -> None:
        record, end = await journal.load(stream)
        unsure = end > record.sequence
        stored = await journal.stored(record.stored_ns) if unsure else StoredOutputs()
        reader = Pull(self._bus, self.name, stream)
        inputs.append(Input(reader, record, end, stored, batch=self._declared.batch))


def decoder(topology: Topology, consumer: str) -> Callable[[Delivery], Any]:
    """Return a consumer's decoder; it raises unless the subject is the one of the event's fields.

    NATS proves only who may publish on a subject, not that the content is true.
    """
    decoders = {
        stream: topology.decoder(*routes).decode
        for stream, routes in topology.pulled(consumer).items()
    }
    routes: dict[tuple[str, type], list[Route]] = {}
    for stream, names in topology.pulled(consumer).items():
        for route in map(topology.route, names):
            for tag in route.events:
                routes.setdefault((stream, EVENTS[tag]), []).append(route)

    def decode(delivery: Delivery) -> Any:
        event = decoders[delivery.stream](delivery.payload)
        own = routes[delivery.stream, type(event)]
        if all(route.of(event) != delivery.subject for route in own):
            raise ValueError("ForeignSubject: the event's fields name another subject")
        return event

    return decode
