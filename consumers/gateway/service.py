"""Run the gateway: a web server, a NATS connection and Postgres.

The gateway starts and serves without NATS or Postgres and uses each once it can be reached.
"""

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import ExitStack
from socket import socket
from typing import Any, Final

from uvicorn import Server

from consumers.gateway.access.authentication import ROLE, Authenticator
from consumers.gateway.access.memory import Memory
from consumers.gateway.access.sockets import OpenSockets
from consumers.gateway.live.facts import TABLE
from consumers.gateway.live.feed import HANDLED, MAX_CLIENTS, Feed
from consumers.gateway.live.table import check
from consumers.gateway.past.telemetry import TelemetryReader
from consumers.gateway.web import listener, nats_address
from consumers.gateway.web.app import build
from consumers.gateway.web.connections import Limits
from consumers.gateway.web.guard import Guard
from pitbox import logs, topology
from pitbox.nats.bus import Bus
from pitbox.people import audit
from pitbox.people.passwords import Passwords
from pitbox.postgres.pool import READ_ONLY, Pool
from pitbox.service.lifetime import Service
from pitbox.service.live import Live
from pitbox.settings import Settings

NAME: Final = "gateway"
LIMITS: Final = Limits()

log = logs.get(NAME)


class Gateway:
    """Serve the pit wall."""

    name = NAME

    def __init__(
        self,
        settings: Settings,
        *,
        limits: Limits = LIMITS,
        max_clients: int = MAX_CLIENTS,
        passwords: Passwords | None = None,
        memory: Memory | None = None,
    ) -> None:
        """Check the settings; raises SettingsError or TopologyError when one is wrong.

        A listener beyond loopback without TLS is refused, because passwords would travel in clear.
        """
        declared = topology.load(settings.streams)
        check(TABLE, declared, handled=HANDLED)
        self._limits, self._memory = limits, memory or Memory()
        self._tls = listener.checked(settings.gateway)
        self._nats_url = nats_address.for_drivers(settings)
        self._settings = settings
        self._archive = self._pool(READ_ONLY)
        self._people = self._pool({"role": ROLE})
        self._keeper = self._pool({"role": audit.KEEPER})
        self._telemetry = TelemetryReader(self._archive)
        self._feed = Feed(declared, self._archive, max_clients=max_clients)
        self._auth = Authenticator(self._people, settings.gateway.keys, passwords or Passwords())
        self._opened = ExitStack()
        for pool in (self._people, self._keeper, self._archive):
            self._opened.callback(pool.close)
        self._opened.callback(self._telemetry.close)
        self._opened.callback(self._auth.passwords.close)

    async def open(self) -> None:
        """Listen; raises SettingsError when the port cannot be used."""
        gateway = self._settings.gateway
        self._listening = listener.listen(gateway.host, gateway.port)
        self._opened.callback(self._listening.close)
        host, port = self._listening.getsockname()[:2]
        scheme = "https" if self._tls.context else "http"
        address = f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"
        log.info("serving", address=address)
        if not self._nats_url:
            log.warning(nats_address.UNKNOWN)

    def parts(self, bus: Bus) -> Sequence[Coroutine[Any, Any, object]]:
        """Return the web server, the checks of open sockets, and the audit log's retention."""
        sockets = OpenSockets(self._feed)
        app = build(
            bus=bus,
            archive=self._archive,
            telemetry=self._telemetry,
            feed=self._feed,
            auth=self._auth,
            sockets=sockets,
            nats_url=self._nats_url,
        )
        guarded = Guard(app, self._tls.names)
        server = listener.web_server(guarded, self._tls, self._limits, self._memory)
        return (
            _serve(server, self._listening),
            sockets.keep_checking(self._auth),
            audit.keep(self._keeper, self._settings.gateway.audit_days),
        )

    async def subscribe(self, bus: Bus) -> None:
        """Forward messages of the bus to the pages."""
        await self._feed.run(bus)

    async def close(self) -> None:
        """Close the port, the threads that hash passwords, and the connections to Postgres."""
        self._opened.close()

    def _pool(self, server_settings: Mapping[str, str]) -> Pool:
        return Pool(self._settings.postgres.url, f"pitbox-{NAME}", server_settings)


async def _serve(server: Server, listening: socket) -> None:
    """Serve until cancelled, then let open requests end."""
    serving = asyncio.ensure_future(server.serve([listening]))
    try:
        await asyncio.shield(serving)
        raise RuntimeError("the web server ended by itself")
    finally:
        server.should_exit = True
        await asyncio.wait({serving})


def service(
    settings: Settings,
    *,
    limits: Limits = LIMITS,
    max_clients: int = MAX_CLIENTS,
    passwords: Passwords | None = None,
    memory: Memory | None = None,
) -> Service:
    """Return the gateway; raises SettingsError or TopologyError when a setting is wrong."""
    gateway = Gateway(
        settings, limits=limits, max_clients=max_clients, passwords=passwords, memory=memory
    )
    return Live(gateway, settings)
