"""Who watches live, and asking again whether they still may.

A WebSocket outlives the token it came with: it belongs to a login, and ends when that does.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from typing import Final

from consumers.gateway.access.doors import Doors, Visitor
from consumers.gateway.live.feed import Live
from consumers.gateway.live.outbox import Outbox
from pitbox import logs
from pitbox.people.tokens import LIFETIME_S
from pitbox.postgres.errors import PostgresDown

LOOK_EVERY_S: Final = 1.0
ANSWER_S: Final = 2.0

log = logs.get("gateway")


class Admission:
    """Hold a client that was let in; `turn_out` ends its connection."""

    def __init__(self, visitor: Visitor, turn_out: Callable[[], object]) -> None:
        self.visitor = visitor
        self.turn_out = turn_out
        self.confirmed_s = time.monotonic()


class Admissions:
    """Hold every client of the wall with its login."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._inside: dict[Outbox, Admission] = {}
        self._look = asyncio.Event()

    def make_room(self, visitor: Visitor) -> bool:
        """Tell whether a client may enter; of a full wall, who has the most pages open loses one.

        So nobody keeps the others out by opening pages.
        """
        if not self._live.full:
            return True
        pages = Counter(inside.visitor.person.account for inside in self._inside.values())
        [(greediest, most)] = pages.most_common(1)
        if pages[visitor.person.account] + 1 >= most:
            return False
        crowding = (
            inside for inside in self._inside.values() if inside.visitor.person.account == greediest
        )
        next(crowding).turn_out()
        return True

    def enter(self, client: Outbox, visitor: Visitor, turn_out: Callable[[], object]) -> None:
        """Let a client in."""
        self._inside[client] = Admission(visitor, turn_out)
        self._live.join(client, visitor.hidden)

    def leave(self, client: Outbox) -> None:
        """Forget a client."""
        self._inside.pop(client, None)
        self._live.leave(client)

    def look_again(self) -> None:
        """Ask at once who still may be here, because somebody was just turned out."""
        self._look.set()

    async def keep(self, doors: Doors) -> None:
        """Ask every second who still may be here, until cancelled.

        While Postgres does not answer they stay for as long as an access token would have lived.
        """
        while True:
            if self._inside:
                try:
                    async with asyncio.timeout(ANSWER_S):
                        sids = {inside.visitor.person.sid for inside in self._inside.values()}
                        self._settle(await doors.visitors(sids), sids)
                except (PostgresDown, TimeoutError):
                    self._end_unconfirmed()
            self._look.clear()
            try:
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._look.wait()
            except TimeoutError:
                continue

    def _settle(self, known: dict[str, Visitor], asked: set[str]) -> None:
        for client, inside in list(self._inside.items()):
            sid = inside.visitor.person.sid
            visitor = known.get(sid)
            if sid not in asked:
                continue
            if visitor is None or self._live.hide(client, visitor.hidden):
                inside.turn_out()
                continue
            inside.visitor = visitor
            inside.confirmed_s = time.monotonic()

    def _end_unconfirmed(self) -> None:
        for inside in self._inside.values():
            if time.monotonic() - inside.confirmed_s > LIFETIME_S:
                inside.turn_out()
