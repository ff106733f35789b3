"""Serve the gateway without authentication: every socket is accepted and never checked again."""

import asyncio
from collections.abc import Iterable
from typing import Final

from consumers.gateway.access.authentication import Authenticator, Visitor
from consumers.gateway.access.sockets import OpenSockets
from consumers.gateway.live.feed import Feed
from consumers.gateway.past.telemetry import TelemetryReader
from consumers.gateway.web import listener
from consumers.gateway.web.app import build
from consumers.gateway.web.connections import Limits
from pitbox import settings, topology
from pitbox.nats.bus import Bus
from pitbox.people import consent
from pitbox.people.logins import Person
from pitbox.people.passwords import Passwords
from pitbox.people.tickets import Tickets
from pitbox.postgres.pool import Pool
from pitbox.service.lifetime import loop_factory

ANYONE: Final = Visitor(
    Person(sid="", account="", name="anyone", role="owner", driver=None, has_password=False),
    consent.sight((), "owner", None),
)


class NoTickets(Tickets):
    """Accept any ticket."""

    def take(self, ticket: str, now_s: float) -> str:
        """Return the ticket as its login."""
        return ticket


class NoAuthentication(Authenticator):
    """Authenticate every login as the same person."""

    def __init__(self, archive: Pool, keys: str) -> None:
        super().__init__(archive, keys, Passwords())
        self.tickets = NoTickets()

    async def visitors(self, sids: Iterable[str]) -> dict[str, Visitor]:
        """Return the same visitor for every login, without a query."""
        return dict.fromkeys(sids, ANYONE)


async def main() -> None:
    """Serve until killed."""
    given = settings.load()
    declared = topology.load()
    archive, bus = Pool(given.postgres.url, "bench", {}), Bus("gateway", declared)
    feed = Feed(declared, archive)
    app = build(
        bus=bus,
        archive=archive,
        telemetry=TelemetryReader(archive),
        feed=feed,
        auth=NoAuthentication(archive, given.gateway.keys),
        sockets=OpenSockets(feed),
        nats_url="",
    )
    server = listener.web_server(app, listener.checked(given.gateway), Limits())
    listening = listener.listen(given.gateway.host, given.gateway.port)
    await bus.open(given.nats)
    await asyncio.gather(server.serve([listening]), feed.run(bus))


with asyncio.Runner(loop_factory=loop_factory()) as runner:
    runner.run(main())
