"""The state in Postgres of recent runs, cached for one connection."""

import uuid
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Final

import asyncpg
import msgspec

from consumers.persister import CONSUMER, decide, store
from consumers.persister.decide import Held, RunKey
from consumers.persister.intake import Batch
from pitbox import metrics
from pitbox.chunks import ranges
from pitbox.postgres import deleted
from pitbox.postgres.connection import Connection
from pitbox.postgres.errors import Conflict, PostgresDown
from pitbox.postgres.tables import Tables

MAX_RUNS: Final = 1024
ROW_BYTES: Final = 90
"""What a row of `telemetry_chunk` and its index entries take beside the bytes of a COPY."""


class Holdings:
    """Commit batches, and cache the state of their runs."""

    def __init__(
        self,
        connection: Connection,
        tables: Tables,
        subjects: Callable[[str, str], Iterable[str]],
        changed: Callable[[Iterable[RunKey]], None],
    ) -> None:
        """Prepare; `changed` is called with runs that may need another receipt.

        `subjects(driver, session)` returns the subjects of a driver in a session.
        """
        self._connection = connection
        self._tables = tables
        self._subjects = subjects
        self._changed = changed
        self._runs: OrderedDict[RunKey, Held] = OrderedDict()
        self._read_over = ""
        self._server = ""
        self._boot = ""
        self._doubted: list[RunKey] = []

    @property
    def boot(self) -> str:
        """Return the `boot` of receipts, "" while the cache may be outdated.

        It changes when the cache was read from another start of Postgres, which may have lost what
        earlier receipts state. A connection that only broke, as it does each time that Postgres
        refuses a write, loses nothing.
        """
        return self._boot if self._read_over == self._connection.boot else ""

    async def refresh(self) -> None:
        """Connect if needed, and reload the cached runs; raises PostgresDown."""
        connected = await self._connection.ready()
        if connected == self._read_over:
            return
        keys = list(self._runs)
        async with self._connection.transaction() as connection:
            if self._doubted:
                await store.mend(connection, self._doubted)
            found = await store.load(connection, keys)
            server = await store.server(connection)
        self._doubted = []
        self._runs = OrderedDict((key, found.get(key, Held())) for key in keys)
        self._read_over = connected
        if server != self._server:
            self._server, self._boot = server, uuid.uuid4().hex
        self._changed(keys)

    async def commit(self, batch: Batch) -> int:
        """Write a batch in one transaction and return the number of new chunks.

        Raises PostgresDown when the commit is not certain.
        """
        await self.refresh()
        try:
            async with self._connection.transaction() as connection:
                held, stored = await self._write(connection, batch)
        except Conflict:
            self._doubted = list(batch.runs)
            raise
        for key, after in held.items():
            self._runs[key] = after
            self._runs.move_to_end(key)
        while len(self._runs) > MAX_RUNS:
            self._runs.popitem(last=False)
        self._changed(held)
        return stored

    def delete(self, keys: Iterable[RunKey], through: int) -> None:
        """Note that runs were deleted, those up to the run `through`."""
        self._runs |= {key: Held(deleted=through) for key in keys if key in self._runs}

    def known(self, key: RunKey) -> Held | None:
        """Return the cached state of a run, None while it may be outdated."""
        return self._runs.get(key) if self.boot else None

    async def held(self, key: RunKey) -> Held | None:
        """Return the state of a run in Postgres, None while Postgres does not answer."""
        known = self.known(key)
        if known is not None or not self.boot:
            return known
        try:
            async with self._connection.transaction() as connection:
                found = await store.load(connection, [key])
        except PostgresDown:
            return None
        return found.get(key, Held())

    async def _write(
        self, connection: asyncpg.Connection, batch: Batch
    ) -> tuple[dict[RunKey, Held], int]:
        gone = await self._deleted(connection, batch)
        runs = {key: arrivals for key, arrivals in batch.runs.items() if key not in gone}
        unknown = [key for key in runs if key not in self._runs]
        before = await store.load(connection, unknown) if unknown else {}
        before |= {key: self._runs[key] for key in runs if key in self._runs}
        after, added, encoded, sizes = {}, {}, list[bytes](), list[int]()
        for key, arrivals in runs.items():
            held = before.get(key, Held())
            indices = decide.fresh(held, arrivals.numbers)
            fresh = [arrivals.rows[index] for index in indices]
            encoded += fresh
            sizes.append(sum(map(len, fresh)) + ROW_BYTES * len(fresh))
            stored = [arrivals.numbers[index] for index in indices]
            after[key] = decide.committed(
                held, stored, arrivals.dead, marks=arrivals.marks, echo=arrivals.echo
            )
            new = ranges.minus(after[key].have, held.have)
            added[key] = msgspec.structs.replace(after[key], have=new)
        if encoded:
            await store.copy(connection, encoded)
        if added:
            read_ns = max((one.stored_ns for one in batch.deliveries), default=0)
            await store.save(connection, added, sizes, read_ns)
        unread = {subject for key in gone for subject in self._subjects(key.driver, key.session)}
        letters = [letter for letter in batch.letters if letter.subject not in unread]
        if letters:
            await self._tables.write(connection, letters)
        return after | gone, len(encoded)

    async def _deleted(self, connection: asyncpg.Connection, batch: Batch) -> dict[RunKey, Held]:
        """Return the runs of a batch that were deleted; the rest of it may be stored."""
        owners = {(key.session, key.driver) for key in batch.runs}
        deletions = await deleted.among(connection, owners)
        gone = {
            key: Held(deleted=deletion.through)
            for key in batch.runs
            if (deletion := deletions.get((key.session, key.driver)))
            and key.run <= deletion.through
        }
        for key in gone:
            count = len(batch.runs[key].numbers)
            metrics.dropped.labels(CONSUMER, "deleted session").inc(count)
        await deleted.returned(connection, {(key.session, key.driver) for key in gone})
        return gone
