"""The refine service: facts from the facts of another consumer, with the guarantee that those have.

Each driver's fold notes the commit of the other consumer that it rests on. Where Postgres has
another one by now, the fold goes over the facts that differ. Facts, that note and a snapshot of the
fold are committed in one transaction, so a restored Postgres agrees with itself; facts that were
committed are published after that, also by the next process.
"""

import asyncio
import contextlib
import time
from collections.abc import Sequence
from typing import Any, Final

from pitbox import logs, metrics, topology
from pitbox.chunks.owner import Owner
from pitbox.nats.bus import Bus
from pitbox.postgres import refined
from pitbox.postgres.connection import Connection
from pitbox.postgres.errors import Conflict, PostgresDown
from pitbox.postgres.facts import FactTables
from pitbox.postgres.refined import Commit, Differing, Source
from pitbox.service.aside import PAUSE_S, Aside
from pitbox.service.lifetime import together
from pitbox.service.overdue import Overdue
from pitbox.service.publishing import Publishing
from pitbox.service.refinement import Refinement
from pitbox.service.refining import Change, Refining
from pitbox.service.retry import retry
from pitbox.service.states import States
from pitbox.service.visits import ranked
from pitbox.settings import Settings

TICK_S: Final = 1.0
TURN_S: Final = 0.25
"""The time for which facts of one driver are derived before it is the next one's turn."""

ROUND_S: Final = 1.0
"""After so long, sessions that are driven now come first again."""

MAX_HELD: Final = 64
"""The most folds in memory; those of others are read for each visit."""

log = logs.get("refine")


class Refine:
    """Run a refinement."""

    def __init__(
        self,
        refinement: Refinement[Any],
        tables: FactTables,
        settings: Settings,
        *,
        turn_s: float = TURN_S,
    ) -> None:
        """Prepare to run; raises TopologyError when streams.yaml does not know the consumer."""
        self.name = refinement.name
        self._refinement = refinement
        self._tables = tables
        self._settings = settings
        self._turn_s = turn_s
        self._topology = topology.load(settings.streams)
        self._of = self._topology.consumer(self.name).of
        self._bus = Bus(self.name, self._topology)
        self._publishing = Publishing(self.name, self._topology, self._bus, tables)
        self._connection = Connection(settings.postgres.url, f"pitbox-{self.name}")
        gauge = metrics.unstored_s.labels(self.name, "")
        self._overdue = Overdue("the commit of facts", gauge, log)
        self._held = States[Refining](MAX_HELD)
        self._aside = Aside()
        self._visited_s: dict[str, float] = {}
        self._boot = ""
        self._behind = 0
        self._wake = asyncio.Event()

    async def open(self) -> None:
        """Connect to nats-server, waiting for it."""
        await self._bus.open(self._settings.nats)

    async def work(self, stop: asyncio.Event) -> None:
        """Derive until `stop` is set."""
        for route in self._topology.reads(self.name):
            await self._bus.listen(route, lambda _: self._wake.set())
        await together(stop, self._publishing.run(), self._derive())

    async def close(self) -> None:
        """Disconnect."""
        self._connection.drop()
        await self._bus.close()

    async def _derive(self) -> None:
        """Derive until cancelled, also when Postgres is down for a time."""
        while True:
            self._wake.clear()
            try:
                await retry(
                    self._round, peer="Postgres", on=PostgresDown, hopeless=Conflict, log=log
                )
            except Conflict as error:
                log.warning("reads the folds again", reason=str(error))
            if self._behind:
                await asyncio.sleep(0)
                continue
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), TICK_S)

    async def _round(self) -> None:
        """Visit each driver whose facts rest on older ones, for a time."""
        boot = await self._connection.ready()
        if boot != self._boot:
            # Another connection may be to an older copy of the database.
            self._held = States[Refining](MAX_HELD)
        self._boot = boot
        async with self._connection.transaction() as connection:
            different = await refined.differing(
                connection,
                self.name,
                self._of,
                self._refinement.version,
                telemetry=self._refinement.reads_telemetry,
            )
        different = [one for one in different if not self._aside.has(one.owner)]
        until_s = time.monotonic() + ROUND_S
        self._behind = sum(one.behind for one in different)
        metrics.sessions_behind.labels(self.name).set(self._behind)
        for one in self._order(different):
            if time.monotonic() > until_s:
                break
            self._visited_s[one.owner[1]] = time.monotonic()
            if await self._attempt(one):
                self._behind -= one.behind

    def _order(self, different: Sequence[Differing]) -> list[Differing]:
        """Return one session of each driver before the second of any; of a driver the latest first.

        Drivers come in the order of their last visits.
        """
        by_owner = {one.owner: one for one in different}
        drivers = {driver for _, driver in by_owner}
        self._visited_s = {
            driver: at_s for driver, at_s in self._visited_s.items() if driver in drivers
        }
        waiting = sorted(by_owner, key=lambda owner: self._visited_s.get(owner[1], 0.0))
        return [by_owner[owner] for owner in ranked(waiting)]

    async def _attempt(self, one: Differing) -> bool:
        """Visit a driver; return whether all is done. One that fails holds up no other."""
        try:
            return await self._visit(one)
        except PostgresDown:
            raise
        except Exception as error:
            log.error("facts are not derived", owner=one.owner, retry_s=PAUSE_S, exc_info=error)
            metrics.not_derived.labels(self.name).inc()
            self._aside.put(one.owner)
            self._held.drop(one.owner[1], one.owner)
            return True

    async def _visit(self, one: Differing) -> bool:
        """Derive what a driver's facts lack, for one turn; return whether all is done."""
        refining = self._held.get(one.owner[1], one.owner)
        if refining is None or refining.generation != one.generation:
            refining = await self._read(one.owner)
        if not one.behind:
            await self._clear(refining)
            return True
        refinement = self._refinement
        async with self._connection.transaction() as connection:
            # In this order: a commit of the source between both is noticed before ours.
            generation = await refined.source_generation(connection, self._of, one.owner)
            items = await refinement.items(connection, one.owner)
        source = Source(self._of, generation, refinement.reads_telemetry)
        left, until_s = list(reversed(refining.compare(items))), time.monotonic() + self._turn_s
        while left:
            item = left.pop()
            async with self._connection.transaction() as connection:
                material = await refinement.material(connection, one.owner, item)
            refining.step(item, material)
            if time.monotonic() > until_s:
                break
        return not left and await self._store(refining, source)

    async def _read(self, owner: Owner) -> Refining:
        """Return the fold of a driver as Postgres has it."""
        refining = Refining(self._refinement, self._tables, owner)
        async with self._connection.transaction() as connection:
            stored = await refined.load(connection, self.name, owner, self._tables)
        self._publishing.put(owner, refining.read(stored))
        self._held.put(owner[1], owner, refining)
        return refining

    async def _store(self, refining: Refining, source: Source) -> bool:
        """Commit a fold, or note what it rests on too; return False when that moved on."""
        try:
            if not refining.is_dirty:
                async with self._connection.transaction() as connection:
                    where = self.name, refining.owner, refining.generation or 0
                    await refined.note(connection, *where, source)
                return True
            with self._overdue.timed(owner=refining.owner):
                change = await self._commit(refining, source)
        except Conflict:
            self._held.drop(refining.owner[1], refining.owner)
            raise
        if change is None:
            return False
        self._publishing.put(refining.owner, change.changed.values())
        metrics.facts_written.labels(self.name).inc(len(change.changed))
        return True

    async def _commit(self, refining: Refining, source: Source) -> Change | None:
        """Write facts and fold in one transaction; return None when the source moved on."""
        owner = refining.owner
        async with self._connection.transaction() as connection:
            stored = await self._tables.read(connection, *owner) if refining.gone else {}
            change = refining.change(stored)
            made = Commit(
                consumer=self.name,
                owner=owner,
                version=self._refinement.version,
                generation=refining.generation or 0,
                state=refining.snapshot(),
                unpublished=refining.to_publish(change),
            )
            generation = await refined.commit(connection, made, source)
            if not generation:
                return None
            await self._tables.write(connection, owner, change.changed, change.removed)
        refining.committed(generation, change)
        return change

    async def _clear(self, refining: Refining) -> None:
        """Note that the facts of a driver are published, once they are."""
        if self._publishing.waits(refining.owner):
            return
        async with self._connection.transaction() as connection:
            where = self.name, refining.owner, refining.generation or 0
            await refined.published(connection, *where)
        refining.unpublished = ()
