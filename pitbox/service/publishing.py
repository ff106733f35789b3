"""Publish the facts of a service until their streams have them, drivers in turn."""

import asyncio
import contextlib
import time
from collections.abc import Iterable
from functools import partial
from typing import Any, Final

from pitbox import logs, metrics
from pitbox.chunks.owner import Owner
from pitbox.nats.bus import Bus, BusDown, TooLarge
from pitbox.postgres.facts import FactTables
from pitbox.service.outgoing import Outgoing
from pitbox.service.retry import retry
from pitbox.topology import Topology
from schemas.registry import EVENTS

PATIENCE_S: Final = 3.0
"""A stream that has refused a fact for so long is not waited for."""

log = logs.get("publishing")


class Publishing:
    """Queue facts, and publish each on the route of its type."""

    def __init__(self, name: str, topology: Topology, bus: Bus, tables: FactTables) -> None:
        """Prepare; raises TopologyError when streams.yaml does not know the consumer `name`."""
        self._name = name
        self._bus = bus
        self._tables = tables
        self._routes = {
            EVENTS[tag]: route
            for route in topology.consumer(name).writes
            for tag in topology.route(route).events
        }
        self._outgoing = Outgoing()
        self._storing_s: float | None = None
        self._leaves = asyncio.Event()

    def put(self, owner: Owner, facts: Iterable[Any]) -> None:
        """Queue facts; a newer one takes the place of one that was not published yet."""
        if keyed := self._tables.keyed(facts):
            given_up = self._outgoing.put(owner, keyed)
            metrics.unpublished.labels(self._name).inc(given_up)
            self._leaves.set()

    def drop(self, owner: Owner) -> None:
        """Drop the queued facts of a driver's session."""
        self._outgoing.drop(owner)

    def waits(self, owner: Owner) -> bool:
        """Return whether facts of a driver's session are queued."""
        return self._outgoing.waits(owner)

    def is_about_to(self, owner: Owner) -> bool:
        """Return whether queued facts of a driver's session will be published in a moment."""
        since_s = self._storing_s
        refused = since_s is not None and time.monotonic() - since_s > PATIENCE_S
        return self.waits(owner) and self._bus.up.is_set() and not refused

    async def run(self) -> None:
        """Publish queued facts until cancelled."""
        while True:
            await self._leaves.wait()
            self._leaves.clear()
            while waiting := self._outgoing.next():
                await self._store(waiting[2])
                self._outgoing.published(*waiting)

    async def announce(self, event: Any) -> None:
        """Publish an event that is of no use later."""
        with contextlib.suppress(BusDown):
            await self._bus.publish(self._routes[type(event)], event)

    async def _store(self, fact: Any) -> None:
        """Publish a fact until it is stored; one that its stream can never take is given up."""
        self._storing_s = time.monotonic()
        attempt = partial(self._bus.store, self._routes[type(fact)], fact)
        try:
            await retry(attempt, peer="nats-server", on=BusDown, hopeless=TooLarge, log=log)
        except TooLarge as error:
            log.error("a fact is not published", reason=str(error), driver=fact.driver)
            metrics.unpublished.labels(self._name).inc()
        finally:
            self._storing_s = None
