"""Run the gateway: a web server, a NATS connection and Postgres.

The gateway starts and serves without NATS or Postgres and uses each once it can be reached.
"""

import asyncio
from collections.abc import Mapping
from typing import Final

from consumers.gateway.access.authentication import ROLE, Authenticator
from consumers.gateway.access.sockets import OpenSockets
from consumers.gateway.live.feed import Live
from consumers.gateway.past.telemetry import TelemetryReader
from consumers.gateway.web import listener, nats_address
from consumers.gateway.web.app import build
from consumers.gateway.web.guard import Guard
from pitbox import logs, topology
from pitbox.nats.bus import Bus
from pitbox.people import audit
from pitbox.postgres.pool import READ_ONLY, Pool
from pitbox.service.lifetime import Service
from pitbox.settings import Settings

NAME: Final = "gateway"

log = logs.get(NAME)


class Gateway:
    """Serve the pit wall."""

    name = NAME

    def __init__(self, settings: Settings) -> None:
        """Check the settings; raises SettingsError or TopologyError when one is wrong.

        A listener beyond loopback without TLS is refused, because passwords would travel in clear.
        """
        self._tls = listener.checked(settings.gateway)
        self._nats_url = nats_address.for_drivers(settings)
        self._settings = settings
        self._topology = topology.load(settings.streams)

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop` is set; raises SettingsError when the port or keys cannot be used."""
        bus = Bus(NAME, self._topology)
        archive = self._pool(READ_ONLY)
        people = self._pool({"role": ROLE})
        keeper = self._pool({"role": audit.KEEPER})
        telemetry = TelemetryReader(archive)
        live = Live(self._topology, archive)
        auth = Authenticator(people, self._settings.gateway.keys)
        sockets = OpenSockets(live)
        app = build(
            bus=bus,
            archive=archive,
            telemetry=telemetry,
            live=live,
            auth=auth,
            sockets=sockets,
            nats_url=self._nats_url,
        )
        server = listener.web_server(Guard(app, self._tls.names), self._tls)
        listening = listener.listen(self._settings.gateway.host, self._settings.gateway.port)
        tasks = [
            asyncio.ensure_future(server.serve([listening])),
            asyncio.ensure_future(self._listen(bus, live)),
            asyncio.ensure_future(sockets.keep_checking(auth)),
            asyncio.ensure_future(audit.keep(keeper, self._settings.gateway.audit_days)),
            asyncio.ensure_future(stop.wait()),
        ]
        host, port = listening.getsockname()[:2]
        scheme = "https" if self._tls.context else "http"
        address = f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"
        log.info("serving", address=address)
        if not self._nats_url:
            log.warning(nats_address.UNKNOWN)
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            server.should_exit = True
            await asyncio.wait(tasks[:1])
            for task in tasks[1:]:
                task.cancel()
            auth.passwords.close()
            people.close()
            keeper.close()
            archive.close()
            telemetry.close()
            await bus.close()

    def _pool(self, server_settings: Mapping[str, str]) -> Pool:
        return Pool(self._settings.postgres.url, f"pitbox-{NAME}", server_settings)

    async def _listen(self, bus: Bus, live: Live) -> None:
        await bus.open(self._settings.nats)
        await live.run(bus)


def service(settings: Settings) -> Service:
    """Return the gateway; raises SettingsError or TopologyError when a setting is wrong."""
    return Gateway(settings)
