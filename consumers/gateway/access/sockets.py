"""Hold the open WebSockets and close those whose login has ended.

A WebSocket outlives the access token that opened it. It belongs to a login and closes with it.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from typing import Final

from consumers.gateway.access.authentication import Authenticator, Visitor
from consumers.gateway.live.feed import Feed
from consumers.gateway.live.outbox import Outbox
from pitbox import logs
from pitbox.people.tokens import LIFETIME_S
from pitbox.postgres.errors import PostgresDown

CHECK_EVERY_S: Final = 1.0
POSTGRES_TIMEOUT_S: Final = 2.0

log = logs.get("gateway")


class OpenSocket:
    """Hold the visitor of one socket and the function that closes it."""

    def __init__(self, visitor: Visitor, close: Callable[[], object]) -> None:
        self.visitor = visitor
        self.close = close
        self.confirmed_s = time.monotonic()


class OpenSockets:
    """Hold every open socket with its visitor."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._open: dict[Outbox, OpenSocket] = {}
        self._check = asyncio.Event()

    def make_room(self, visitor: Visitor) -> bool:
        """Return whether a visitor may open one more socket.

        At the limit, one socket of the account with the most sockets is closed, so that no account
        can keep the others out. False when the visitor's own account would have the most.
        """
        if not self._feed.is_full:
            return True
        pages = Counter(socket.visitor.person.account for socket in self._open.values())
        [(greediest, most)] = pages.most_common(1)
        if pages[visitor.person.account] + 1 >= most:
            return False
        crowding = (
            socket for socket in self._open.values() if socket.visitor.person.account == greediest
        )
        next(crowding).close()
        return True

    def add(self, client: Outbox, visitor: Visitor, close: Callable[[], object]) -> None:
        """Add an open socket; `close` is called when it has to end."""
        self._open[client] = OpenSocket(visitor, close)
        self._feed.join(client, visitor.hidden)

    def remove(self, client: Outbox) -> None:
        """Remove a socket that has closed."""
        self._open.pop(client, None)
        self._feed.leave(client)

    def check_now(self) -> None:
        """Check all sockets at once, because a login, a role or a consent has just changed."""
        self._check.set()

    async def keep_checking(self, auth: Authenticator) -> None:
        """Check all sockets against Postgres every second, until cancelled.

        While Postgres is down a socket stays open for as long as an access token is valid.
        """
        while True:
            if self._open:
                try:
                    async with asyncio.timeout(POSTGRES_TIMEOUT_S):
                        sids = {socket.visitor.person.sid for socket in self._open.values()}
                        self._apply(await auth.visitors(sids), sids)
                except (PostgresDown, TimeoutError):
                    self._close_unconfirmed()
            self._check.clear()
            try:
                async with asyncio.timeout(CHECK_EVERY_S):
                    await self._check.wait()
            except TimeoutError:
                continue

    def _apply(self, known: dict[str, Visitor], checked: set[str]) -> None:
        for client, socket in list(self._open.items()):
            sid = socket.visitor.person.sid
            visitor = known.get(sid)
            if sid not in checked:
                continue
            if visitor is None or self._feed.hide(client, visitor.hidden):
                socket.close()
                continue
            socket.visitor = visitor
            socket.confirmed_s = time.monotonic()

    def _close_unconfirmed(self) -> None:
        for socket in self._open.values():
            if time.monotonic() - socket.confirmed_s > LIFETIME_S:
                socket.close()
