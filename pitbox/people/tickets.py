"""Make tickets for opening the WebSocket: valid once, for 30 s, for one login.

A browser cannot send an Authorization header with a WebSocket, so the page sends a ticket instead.
"""

import secrets
from collections import OrderedDict
from typing import Final

LIFETIME_S: Final = 30.0
MAX_TICKETS: Final = 4096


class Tickets:
    """Hold unused tickets; above the limit the oldest are dropped."""

    def __init__(self) -> None:
        self._open: OrderedDict[str, tuple[str, float]] = OrderedDict()

    def make(self, sid: str, now_s: float) -> str:
        """Return a new ticket of a login (`sid`)."""
        ticket = secrets.token_urlsafe(32)
        self._open[ticket] = sid, now_s + LIFETIME_S
        while len(self._open) > MAX_TICKETS:
            self._open.popitem(last=False)
        return ticket

    def take(self, ticket: str, now_s: float) -> str | None:
        """Use a ticket and return its login; None when it is used, expired or unknown."""
        sid, until_s = self._open.pop(ticket, ("", 0.0))
        return sid if now_s < until_s else None
