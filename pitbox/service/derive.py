"""The derive service: facts from chunks, right again whatever happened to stream and Postgres.

Live chunks are folded as they are published, and facts that change are published at once. Postgres
decides what is right: chunks that it has and the fold lacks are read from it, so a lost message, a
restart and a wiped stream need no care of their own. Facts, the chunks they rest on and a snapshot
of the fold are committed in one transaction, so a restored Postgres agrees with itself.
"""

import asyncio
import contextlib
import time
from typing import Any, Final

from pitbox import topology
from pitbox.chunks.owner import Owner
from pitbox.nats.bus import Bus
from pitbox.postgres.connection import Connection
from pitbox.postgres.facts import FactTables
from pitbox.service.derivation import Derivation
from pitbox.service.deriving import Deriving
from pitbox.service.lifetime import together
from pitbox.service.publishing import Publishing
from pitbox.service.reconciling import Reconciling
from pitbox.service.states import States
from pitbox.service.turns import Turns
from pitbox.settings import Settings
from schemas.telemetry import Chunk, Mark

TURN_S: Final = 0.005
"""The time for which chunks of one driver are folded before it is the next one's turn."""


class Derive:
    """Run a derivation."""

    def __init__(self, derivation: Derivation[Any], tables: FactTables, settings: Settings) -> None:
        """Prepare to run; raises TopologyError when streams.yaml does not know the consumer."""
        self.name = derivation.name
        self._derivation = derivation
        self._tables = tables
        self._settings = settings
        self._topology = topology.load(settings.streams)
        self._bus = Bus(self.name, self._topology)
        self._publishing = Publishing(self.name, self._topology, self._bus, tables)
        self._postgres = Connection(settings.postgres.url, f"pitbox-{self.name}")
        self._states = States[Deriving]()
        self._turns = Turns()
        self._came = asyncio.Event()
        self._reconciling = Reconciling(
            derivation,
            tables,
            self._postgres,
            self._states,
            make=self._make,
            publish=self._publishing.put,
            publishes=self._publishing.is_about_to,
            ready=self._take_turn,
            forget=self._forget,
            announce=self._publishing.announce,
        )

    async def open(self) -> None:
        """Connect to nats-server, waiting for it."""
        await self._bus.open(self._settings.nats)

    async def work(self, stop: asyncio.Event) -> None:
        """Derive until `stop` is set, then commit what Postgres has the chunks of."""
        for route in self._topology.reads(self.name):
            await self._bus.listen(route, self._receive)
        await together(stop, self._fold(), self._publishing.run(), self._reconciling.run())
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
        self._publishing.drop(owner)

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
            self._publishing.put(deriving.owner, deriving.take(TURN_S))
        except Exception as error:
            deriving.drop()
            self._reconciling.fail(deriving.owner, error)
