"""Notice deletions: live pages and the gateway's memory hold nothing of a deleted session."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec

from consumers.gateway.live.fanout import Fanout
from consumers.gateway.live.latest import Latest
from consumers.gateway.live.outbox import Outbox
from consumers.gateway.live.presence import Presences
from pitbox.postgres.deleted import Deleted, Owner
from pitbox.postgres.errors import PostgresDown
from pitbox.postgres.pool import Pool
from schemas import wall

LOOK_S: Final = 1.0
SETTLED_S: Final = 3.0
"""Timing notices a deletion within a second; facts that it published before arrive until then."""

encode: Final = msgspec.msgpack.Encoder().encode


class Deletions:
    """Look for deletions every second, and remove what was deleted."""

    def __init__(
        self,
        archive: Pool,
        *,
        latest: Latest,
        presences: Presences,
        fanout: Fanout[Outbox],
        read_facts: Callable[[str], Awaitable[None]],
    ) -> None:
        """Prepare; `read_facts` reads the facts of a session from Postgres again."""
        self._archive = archive
        self._latest, self._presences, self._fanout = latest, presences, fanout
        self._read_facts = read_facts
        self._deleted = Deleted()
        self._settles_s: dict[Owner, float] = {}
        self._anew = True

    def covers(self, event: Any) -> bool:
        """Return whether an event with a run is of a deleted one."""
        return bool(event.run <= self._deleted.through(event.session, event.driver))

    async def watch(self) -> None:
        """Look until cancelled; while Postgres is down, what is known counts."""
        while True:
            try:
                async with self._archive.connection() as connection:
                    new = await self._deleted.read(connection, anew=self._anew)
                self._anew = False
            except PostgresDown:
                new, self._anew = {}, True
            for owner, through in new.items():
                self._remove(owner, through)
                self._settles_s[owner] = time.monotonic() + SETTLED_S
            for owner in [one for one, at_s in self._settles_s.items() if at_s < time.monotonic()]:
                del self._settles_s[owner]
                await self._settle(owner)
            await asyncio.sleep(LOOK_S)

    def _remove(self, owner: Owner, through: int) -> None:
        """Forget a driver's runs of a session, and remove them from pages."""
        session, driver = owner
        self._latest.forget(session, driver)
        self._presences.forget(session, driver, through)
        message = encode(wall.Deleted(session=session, driver=driver, through=through))
        for client in self._fanout.watchers(session, driver):
            client.put_fact(("deleted", session, driver), message)

    async def _settle(self, owner: Owner) -> None:
        """Forget facts that came after the deletion, and read those of later runs."""
        self._latest.forget(*owner)
        if owner[0] in self._fanout.sessions:
            await self._read_facts(owner[0])
