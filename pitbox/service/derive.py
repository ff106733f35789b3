"""The derive service: facts from chunks, right again whatever happened to stream and Postgres.

Live chunks are folded as they are published, and facts that change are published at once. Postgres
decides what is right: chunks that it has and the fold lacks are read from it, so a lost message, a
restart and a wiped stream need no care of their own. Facts, the chunks they rest on and a snapshot
of the fold are committed in one transaction, so a restored Postgres agrees with itself.
"""

import asyncio
import contextlib
import time
from functools import partial
from typing import Any, Final

from pitbox import logs, metrics, topology
from pitbox.chunks.owner import Owner
from pitbox.nats.bus import Bus, BusDown, TooLarge
from pitbox.postgres.connection import Connection
from pitbox.postgres.facts import FactTables
from pitbox.service.derivation import Derivation
from pitbox.service.deriving import Deriving
from pitbox.service.lifetime import together
from pitbox.service.outgoing import Outgoing
from pitbox.service.reconciling import Reconciling
from pitbox.service.retry import retry
from pitbox.service.states import States
from pitbox.service.turns import Turns
from pitbox.settings import Settings
from schemas.registry import EVENTS
from schemas.telemetry import Chunk, Mark

PATIENCE_S: Final = 3.0
"""Facts are committed unpublished once their stream has refused one for so long."""

TURN_S: Final = 0.005
"""The time for which chunks of one driver are folded before it is the next one's turn."""

log = logs.get("derive")


class Derive:
    """Run a derivation."""

    def __init__(self, derivation: Derivation[Any], tables: FactTables, settings: Settings) -> None:
        """Prepare to run; raises TopologyError when streams.yaml does not know the consumer."""
        self.name = derivation.name
        self._derivation = derivation
        self._tables = tables
        self._settings = settings
        self._topology = topology.load(settings.streams)
        declared = self._topology.consumer(self.name)
        self._routes = {
            EVENTS[tag]: route
            for route in declared.writes
            for tag in self._topology.route(route).events
        }
        self._bus = Bus(self.name, self._topology)
        self._postgres = Connection(settings.postgres.url, f"pitbox-{self.name}")
        self._states = States[Deriving]()
        self._turns, self._outgoing = Turns(), Outgoing()
        self._storing_s: float | None = None
        self._came, self._leaves = asyncio.Event(), asyncio.Event()
        self._reconciling = Reconciling(
            derivation,
            tables,
            self._postgres,
            self._states,
            make=self._make,
            publish=self._publish,
            publishes=self._publishes,
            ready=self._take_turn,
            forget=self._forget,
            announce=self._announce,
        )

    async def open(self) -> None:
        """Connect to nats-server, waiting for it."""
        await self._bus.open(self._settings.nats)

    async def work(self, stop: asyncio.Event) -> None:
        """Derive until `stop` is set, then commit what Postgres has the chunks of."""
        for route in self._topology.reads(self.name):
            await self._bus.listen(route, self._receive)
        await together(stop, self._fold(), self._send(), self._reconciling.run())
        await self._reconciling.last()

    async def close(self) -> None:
        """Disconnect."""
        self._postgres.drop()
        await self._bus.close()

    def _receive(self, event: Chunk | Mark) -> None:
        """Queue a chunk for its driver's turn."""
        owner = event.session, event.driver
        if isinstance(event, Mark) or event.run <= self._reconciling.deleted.through(*owner):
            return
        if self._reconciling.aside.has(owner):
            return
        deriving = self._states.get(event.driver, owner)
        if deriving is None:
            deriving = self._make(owner)
        deriving.put(event)
        self._take_turn(deriving)

    def _make(self, owner: Owner) -> Deriving:
        deriving = Deriving(self._derivation, self._tables, owner)
        self._states.put(owner[1], owner, deriving)
        return deriving

    def _forget(self, owner: Owner) -> None:
        """Drop the state of a driver whose runs were deleted, and the facts not published yet."""
        self._states.drop(owner[1], owner)
        self._outgoing.drop(owner)

    def _take_turn(self, deriving: Deriving) -> None:
        if deriving.is_waiting:
            self._turns.wait(deriving.owner)
            self._came.set()

    async def _fold(self) -> None:
        """Fold queued chunks, drivers in turn."""
        while True:
            wait_s = self._turns.wait_s(time.monotonic())
            if wait_s == 0:
                self._turn()
                await asyncio.sleep(0)
                continue
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._came.wait()
            self._came.clear()

    def _turn(self) -> None:
        """Fold queued chunks of the next driver, once its fold was read from Postgres."""
        owner = self._turns.next(time.monotonic())
        if owner is None:
            return
        began_s = time.monotonic()  # not CPU time: others wait also while this process does
        deriving = self._states.get(owner[1], owner)
        ready = deriving is not None and (deriving.is_read or not self._reconciling.waits(deriving))
        if deriving is not None and ready:
            self._take(deriving)
        self._turns.spent(owner, time.monotonic(), time.monotonic() - began_s)
        if deriving is not None and ready:
            self._take_turn(deriving)

    def _take(self, deriving: Deriving) -> None:
        """Fold queued chunks; a driver whose facts cannot be derived holds up no other."""
        try:
            self._publish(deriving.owner, deriving.take(TURN_S))
        except Exception as error:
            deriving.drop()
            self._reconciling.fail(deriving.owner, error)

    def _publish(self, owner: Owner, facts: list[Any]) -> None:
        """Queue facts; a newer one takes the place of one that was not published yet."""
        if facts:
            given_up = self._outgoing.put(owner, self._tables.keyed(facts))
            metrics.unpublished.labels(self.name).inc(given_up)
            self._leaves.set()

    def _publishes(self, owner: Owner) -> bool:
        """Return whether a driver's facts are about to be published."""
        since_s = self._storing_s
        refused = since_s is not None and time.monotonic() - since_s > PATIENCE_S
        return self._outgoing.waits(owner) and self._bus.up.is_set() and not refused

    async def _send(self) -> None:
        """Publish queued facts, drivers in turn."""
        while True:
            await self._leaves.wait()
            self._leaves.clear()
            while waiting := self._outgoing.next():
                await self._store(waiting[2])
                self._outgoing.published(*waiting)

    async def _store(self, fact: Any) -> None:
        """Publish a fact until it is stored; one that its stream can never take is given up."""
        self._storing_s = time.monotonic()
        attempt = partial(self._bus.store, self._routes[type(fact)], fact)
        try:
            await retry(attempt, peer="nats-server", on=BusDown, hopeless=TooLarge, log=log)
        except TooLarge as error:
            log.error("a fact is not published", reason=str(error), driver=fact.driver)
            metrics.unpublished.labels(self.name).inc()
        finally:
            self._storing_s = None

    async def _announce(self, event: Any) -> None:
        """Publish an event that is of no use later."""
        with contextlib.suppress(BusDown):
            await self._bus.publish(self._routes[type(event)], event)
