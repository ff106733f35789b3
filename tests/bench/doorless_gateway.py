"""The gateway as it is, but for its doors: whoever comes is let in, and nobody asks again."""

import asyncio
from collections.abc import Iterable
from typing import Final

from consumers.gateway.access.admissions import Admissions
from consumers.gateway.access.doors import Doors, Visitor
from consumers.gateway.live.feed import Live
from consumers.gateway.past.telemetry import TelemetryReader
from consumers.gateway.web import listener
from consumers.gateway.web.app import build
from pitbox import settings, topology
from pitbox.nats.bus import Bus
from pitbox.people import consent
from pitbox.people.logins import Person
from pitbox.people.tickets import Tickets
from pitbox.postgres.pool import Pool
from pitbox.service.lifetime import loop_factory

ANYONE: Final = Visitor(
    Person(sid="", account="", name="anyone", role="owner", driver=None, has_password=False),
    consent.sight((), "owner", None),
)


class NoTickets(Tickets):
    """Need none."""

    def take(self, ticket: str, now_s: float) -> str:
        """Take anything for one."""
        return ticket


class NoDoors(Doors):
    """Let in whoever comes."""

    def __init__(self, archive: Pool, keys: str) -> None:
        super().__init__(archive, keys)
        self.tickets = NoTickets()

    async def visitors(self, sids: Iterable[str]) -> dict[str, Visitor]:
        """Return the same person for everyone, and ask nobody."""
        return dict.fromkeys(sids, ANYONE)


async def main() -> None:
    """Serve until killed."""
    given = settings.load()
    declared = topology.load()
    archive, bus = Pool(given.postgres.url, "bench", {}), Bus("gateway", declared)
    live = Live(declared, archive)
    app = build(
        bus=bus,
        archive=archive,
        telemetry=TelemetryReader(archive),
        live=live,
        doors=NoDoors(archive, given.gateway.keys),
        admissions=Admissions(live),
        nats_url="",
    )
    server = listener.web_server(app, listener.checked(given.gateway))
    listening = listener.listen(given.gateway.host, given.gateway.port)
    await bus.open(given.nats)
    await asyncio.gather(server.serve([listening]), live.run(bus))


with asyncio.Runner(loop_factory=loop_factory()) as runner:
    runner.run(main())
