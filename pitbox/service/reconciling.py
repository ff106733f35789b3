"""Compare folds with Postgres: read the chunks that a fold lacks, commit the facts it derives."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, Final

from pitbox import logs, metrics
from pitbox.chunks.owner import Owner
from pitbox.postgres import folds, telemetry
from pitbox.postgres.connection import Connection
from pitbox.postgres.deleted import Deleted
from pitbox.postgres.errors import Conflict, PostgresDown
from pitbox.postgres.facts import FactTables
from pitbox.postgres.folds import Differing
from pitbox.service.aside import PAUSE_S, Aside
from pitbox.service.derivation import Derivation, Slice, portions, with_crc
from pitbox.service.deriving import Candidate, Deriving
from pitbox.service.overdue import Overdue
from pitbox.service.retry import retry
from pitbox.service.states import States
from pitbox.service.turns import Turns
from pitbox.service.visits import in_turn
from schemas.telemetry import Chunk

TICK_S: Final = 1.0
READ_SLICES: Final = 4
"""The slices that are read of one driver before it is the next one's turn."""

READ_S: Final = 2.0
"""Live chunks wait so long for what Postgres has of their driver; then they are folded without."""

ADD_S: Final = 0.005
"""The time for which chunks from Postgres are folded before live ones have their turn."""

PORTION: Final = 1500
"""The most frames and events that are folded without a look at the time."""

ROUND_S: Final = 1.0
"""A round that took longer ends when a driver waits to be read."""

CHECK_S: Final = 60.0
LAST_S: Final = 2.0

log = logs.get("derive")


class Reconciling:
    """Keep the derived facts of all drivers the same as a fold of the chunks in Postgres."""

    def __init__(
        self,
        derivation: Derivation[Any],
        tables: FactTables,
        connection: Connection,
        states: States[Deriving],
        *,
        make: Callable[[Owner], Deriving],
        publish: Callable[[Owner, list[Any]], None],
        publishes: Callable[[Owner], bool],
        ready: Callable[[Deriving], None],
        forget: Callable[[Owner], None],
        announce: Callable[[Any], Awaitable[None]],
    ) -> None:
        """Prepare to work.

        `make` adds a driver. `publish` queues facts; `publishes` returns whether some of a driver
        wait, and then nothing of the driver is committed. `ready` is called once a driver's fold
        was read, `forget` with those whose runs were deleted. `announce` publishes how many chunks
        are left.
        """
        self.deleted, self.aside = Deleted(), Aside()
        self._derivation = derivation
        self._tables = tables
        self._connection = connection
        self._states = states
        gauge = metrics.unstored_s.labels(derivation.name, "")
        self._overdue = Overdue("the commit of facts", gauge, log)
        self._make, self._publish, self._publishes = make, publish, publishes
        self._ready, self._forget, self._announce = ready, forget, announce
        self._shares = Turns()  # of its own: a driver whose live chunks take all theirs commits too
        self._outdated: set[Owner] = set()
        self._checked_s = 0.0
        self._boot = ""
        self._behind = 0
        self._wake = asyncio.Event()

    def waits(self, deriving: Deriving) -> bool:
        """Return whether a driver's fold is about to be read from Postgres."""
        now_s = time.monotonic()
        deriving.wanted_s = deriving.wanted_s or now_s
        self._wake.set()
        return bool(self._connection.boot) and now_s - deriving.wanted_s < READ_S

    async def run(self) -> None:
        """Reconcile until cancelled, also when Postgres is down for a time."""
        while True:
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
            self._wake.clear()

    async def last(self) -> None:
        """Commit what is not committed yet, as far as Postgres has its chunks."""
        with contextlib.suppress(PostgresDown, TimeoutError):
            async with asyncio.timeout(LAST_S):
                for deriving in self._states:
                    if deriving.is_dirty and deriving.is_read and not deriving.partial:
                        deriving.hurry()
                await self._round()

    async def _round(self) -> None:
        """Visit each driver whose facts and chunks differ."""
        boot = await self._connection.ready()
        if boot != self._boot:
            # Another connection may be to an older copy of the database.
            for deriving in self._states:
                deriving.is_sure = False
            self._checked_s = 0.0
        async with self._connection.transaction() as connection:
            different = await folds.differences(connection, self._derivation.name)
            read_ns = await connection.fetchval(folds.READ)
            newly_deleted = await self.deleted.read(connection, anew=boot != self._boot)
            if time.monotonic() - self._checked_s > CHECK_S:
                name, version = self._derivation.name, self._derivation.version
                self._outdated = set(await folds.outdated(connection, name, version))
                self._checked_s = time.monotonic()
        self._boot = boot
        for owner in newly_deleted:
            self._forget(owner)
        self._behind = 0
        self._wake.clear()
        until_s = time.monotonic() + ROUND_S
        for owner in self._order(different):
            if self._wake.is_set() and time.monotonic() > until_s:
                self._behind += 1
                break
            if self._shares.rests(owner[1], time.monotonic()):
                continue
            self._behind += await self._attempt(owner, different.get(owner), read_ns)
        metrics.chunks_behind.labels(self._derivation.name).set(self._behind)

    def _order(self, different: dict[Owner, Differing]) -> list[Owner]:
        """Return the sessions to visit."""
        held = {one.owner: one for one in self._states}
        owners = {*different, *self._outdated}
        owners |= {owner for owner, one in held.items() if one.is_dirty or not one.is_sure}
        return in_turn({owner for owner in owners if not self.aside.has(owner)}, held)

    async def _attempt(self, owner: Owner, differs: Differing | None, read_ns: int) -> int:
        """Visit one driver; facts that cannot be derived hold up no other driver's."""
        try:
            return await self._visit(owner, differs, read_ns)
        except PostgresDown:
            raise
        except Exception as error:
            self.fail(owner, error)
            return 0

    def fail(self, owner: Owner, error: Exception) -> None:
        """Set a driver's session aside: its facts cannot be derived now."""
        log.error("facts are not derived", owner=owner, retry_s=PAUSE_S, exc_info=error)
        metrics.not_derived.labels(self._derivation.name).inc()
        self.aside.put(owner)
        self._forget(owner)

    async def _visit(self, owner: Owner, differs: Differing | None, read_ns: int) -> int:
        """Read, fold and commit what one driver lacks; return the number of chunks left."""
        deriving = self._states.get(owner[1], owner) or self._make(owner)
        replaced = differs is not None and differs.generation != deriving.generation
        if replaced or not (deriving.is_read and deriving.is_sure):
            await self._read(deriving)
        runs = differs.runs if differs else {}
        self._outdated.discard(owner)
        with self._charged(owner):
            have = deriving.compare(runs)
        if deriving.behind:
            await self._catch_up(deriving)
            with self._charged(owner):
                have = deriving.compare(runs)
        if not deriving.behind:
            lost = {run: one.lost for run, one in runs.items()}
            candidate = deriving.candidate(have, lost, read_ns)
            if candidate is not None and not self._publishes(owner):
                await self._commit(deriving, candidate)
        return deriving.chunks_behind

    @contextlib.contextmanager
    def _charged(self, owner: Owner) -> Iterator[None]:
        """Charge a driver for the time of the block, which must not wait."""
        began_s = time.monotonic()
        try:
            yield
        finally:
            self._shares.charge(owner[1], time.monotonic(), time.monotonic() - began_s)

    async def _read(self, deriving: Deriving) -> None:
        async with self._connection.transaction() as connection:
            stored = await folds.load(
                connection, self._derivation.name, deriving.owner, self._tables
            )
        if not (deriving.is_read and stored.generation == deriving.generation):
            deriving.read(stored, self._derivation.version)
        deriving.is_sure, deriving.wanted_s = True, 0.0
        self._ready(deriving)

    async def _catch_up(self, deriving: Deriving) -> None:
        """Read and fold some slices of missing chunks, the newest first."""
        for which in deriving.behind[:READ_SLICES]:
            async with self._connection.transaction() as connection:
                await folds.guard(connection, deriving.owner, [which[0]])
                chunks = await telemetry.chunks(connection, deriving.owner, *which)
            await _add(deriving, which, chunks)
        deriving.behind = deriving.behind[READ_SLICES:]
        was_partial = deriving.partial
        if not deriving.behind:
            with self._charged(deriving.owner):
                self._publish(deriving.owner, deriving.settle())
        elif changed := deriving.amended():
            async with self._connection.transaction() as connection:
                await folds.guard(connection, deriving.owner, deriving.runs)
                await self._tables.write(connection, deriving.owner, changed, ())
            deriving.stored = {**deriving.stored, **changed}
        if was_partial:
            left = deriving.chunks_behind
            event = self._derivation.progress(deriving.owner, left, time.time_ns())
            await self._announce(event)

    async def _commit(self, deriving: Deriving, candidate: Candidate) -> None:
        """Write the facts of a state, its chunks and its snapshot in one transaction."""
        stored = deriving.stored
        with self._charged(deriving.owner):
            facts = self._tables.keyed(self._derivation.facts(candidate[0]))
            changed = {place: fact for place, fact in facts.items() if stored.get(place) != fact}
            removed = [place for place in stored if place not in facts]
            state = with_crc(self._derivation.snapshot(candidate[0]))
        try:
            with self._overdue.timed(owner=deriving.owner):
                async with self._connection.transaction() as connection:
                    generation = await folds.commit(
                        connection,
                        self._derivation.name,
                        deriving.owner,
                        version=self._derivation.version,
                        generation=deriving.generation,
                        state=state,
                        folded=deriving.to_store(candidate),
                    )
                    await self._tables.write(connection, deriving.owner, changed, removed)
        except Conflict:
            deriving.is_read = False
            raise
        deriving.committed(candidate, generation, facts)
        metrics.facts_written.labels(self._derivation.name).inc(len(changed))


async def _add(deriving: Deriving, which: Slice, chunks: Sequence[Chunk]) -> None:
    """Fold a slice that was read from Postgres; live chunks have their turns meanwhile."""
    until_s = time.monotonic() + ADD_S
    for portion in portions(chunks, PORTION):
        deriving.extend(portion)
        if time.monotonic() > until_s:
            await asyncio.sleep(0)
            until_s = time.monotonic() + ADD_S
    deriving.close(which)
    await asyncio.sleep(0)
