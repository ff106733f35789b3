"""Tickets for the WebSocket: used once, within 30 s, for the login that asked."""

import secrets
from collections import OrderedDict
from typing import Final

LIFETIME_S: Final = 30.0
MAX_TICKETS: Final = 4096


class Tickets:
    """Hold tickets that were not used yet; the oldest go when there are too many."""

    def __init__(self) -> None:
        self._open: OrderedDict[str, tuple[str, float]] = OrderedDict()

    def make(self, sid: str, now_s: float) -> str:
        """Return a ticket of a login."""
        ticket = secrets.token_urlsafe(32)
        self._open[ticket] = sid, now_s + LIFETIME_S
        while len(self._open) > MAX_TICKETS:
            self._open.popitem(last=False)
        return ticket

    def take(self, ticket: str, now_s: float) -> str | None:
        """Return whose ticket this is, once; None when it is used, too old or none of ours."""
        sid, until_s = self._open.pop(ticket, ("", 0.0))
        return sid if now_s < until_s else None
