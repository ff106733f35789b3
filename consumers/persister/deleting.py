"""Delete what is left of deleted sessions: rows, messages of streams, and copies in spools.

Rows go in slices, with a rest as long as each took, so that chunks are stored meanwhile. What was
on its way at the deletion arrives for some seconds, so messages are purged again until then.
"""

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Final

from consumers.persister.decide import Held, RunKey, receipt
from consumers.persister.holdings import Holdings
from pitbox import logs
from pitbox.nats.bus import Bus, BusDown
from pitbox.postgres import deleted
from pitbox.postgres.connection import Connection
from pitbox.postgres.deleted import Deletion
from pitbox.postgres.errors import PostgresDown
from pitbox.postgres.kept import KEPT, LETTERS, Kept, delete_slice
from pitbox.service.pausing import pause

TICK_S: Final = 1.0
SETTLED_S: Final = 5.0
"""A message takes less from its publication to its readers."""

log = logs.get("persister")


class Deleting:
    """Finish the deletions that Postgres lists."""

    def __init__(
        self,
        connection: Connection,
        bus: Bus,
        holdings: Holdings,
        subjects: Callable[[str, str], Iterable[str]],
        *,
        settled_s: float = SETTLED_S,
    ) -> None:
        """Prepare; `subjects(driver, session)` returns the subjects of a driver in a session."""
        self._connection = connection
        self._bus = bus
        self._holdings = holdings
        self._subjects = subjects
        self._settled_s = settled_s
        self._warned = ""
        self._swept: set[tuple[str, str, int]] = set()
        """The deletions whose rows of no single run are gone; messages may still come again."""

    async def run(self, stop: asyncio.Event) -> None:
        """Look for deletions every second until `stop` is set; wait while a server is away."""
        while not stop.is_set():
            try:
                if await self._connection.is_ready():
                    await self._round(stop)
                self._warned = ""
            except (PostgresDown, BusDown) as error:
                if self._warned != str(error):
                    log.warning("deletions wait", reason=str(error))
                self._warned = str(error)
            await pause(stop, TICK_S)

    async def _round(self, stop: asyncio.Event) -> None:
        async with self._connection.transaction() as connection:
            found = await deleted.unfinished(connection)
        for deletion in found:
            if not stop.is_set():
                await self._delete(deletion, stop)

    async def _delete(self, deletion: Deletion, stop: asyncio.Event) -> None:
        """Delete rows, purge messages and publish receipts of a deletion once."""
        keys = [RunKey(deletion.session, deletion.driver, run) for run in deletion.runs]
        self._holdings.delete(keys, deletion.through)
        await self._publish(keys, deletion.through)
        swept = deletion.session, deletion.driver, deletion.through
        for kept in KEPT:
            if kept.by_run or (deletion.runs and swept not in self._swept):
                await self._delete_rows(kept, deletion, stop)
        if stop.is_set():
            return
        self._swept.add(swept)
        subjects = [*self._subjects(deletion.driver, deletion.session)]
        async with self._connection.transaction() as connection:
            await connection.execute(LETTERS, subjects)
        await self._bus.purge(driver=deletion.driver, session=deletion.session)
        if deletion.age_s < self._settled_s:
            return
        async with self._connection.transaction() as connection:
            await deleted.finish(connection, deletion)
        self._swept.discard(swept)
        log.info("a session is deleted", session=deletion.session, driver=deletion.driver)

    async def _delete_rows(self, kept: Kept, deletion: Deletion, stop: asyncio.Event) -> None:
        left = True
        while left and not stop.is_set():
            begun_s = time.monotonic()
            async with self._connection.transaction() as connection:
                left = await delete_slice(
                    connection, kept, deletion.session, deletion.driver, deletion.through
                )
            if left:
                await pause(stop, time.monotonic() - begun_s)

    async def _publish(self, keys: Iterable[RunKey], through: int) -> None:
        """Publish receipts from which spools learn of the deletion."""
        if not (boot := self._holdings.boot):
            return
        held = Held(deleted=through)
        for key in keys:
            stated = receipt(key, held, boot=boot, hub_ns=time.time_ns())
            await self._bus.publish("link.receipt", stated)
