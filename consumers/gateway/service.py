"""The gateway as a service: a web server, the bus, and Postgres, none of which needs another."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import Any, Final

import uvicorn

from consumers.gateway.app import build
from consumers.gateway.archive import Archive
from consumers.gateway.guard import is_loopback
from consumers.gateway.live import Live
from pitbox import logs, topology
from pitbox.bus import Bus
from pitbox.service import Service
from pitbox.settings import Settings, SettingsError

NAME: Final = "gateway"
GRACE_S: Final = 2
MAX_MESSAGE_BYTES: Final = 32_768
MAX_CONNECTIONS: Final = 1024
DEAD_CLIENT_MS: Final = 20_000

log = logs.get(NAME)


class Server(uvicorn.Server):
    """A web server that leaves signals to the process."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


class Gateway:
    """Serve the pit wall."""

    name = NAME

    def __init__(self, settings: Settings) -> None:
        """Prepare to serve; raises SettingsError unless the host is loopback."""
        host = settings.gateway.host
        if not is_loopback(host):
            raise SettingsError(
                f"PITBOX_GATEWAY__HOST: {host} is not of this machine alone; there are no accounts "
                "yet, so take 127.0.0.1, and a tunnel (ssh -L) to see it from elsewhere"
            )
        self._settings = settings
        self._topology = topology.load(settings.streams)

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop` is set; raises SettingsError when the port is taken."""
        bus = Bus(NAME, self._topology)
        archive = Archive(self._settings.postgres.url)
        live = Live(self._topology, archive)
        server = web_server(build(bus, archive, live))
        listening = listen(self._settings.gateway.host, self._settings.gateway.port)
        tasks = [
            asyncio.ensure_future(server.serve([listening])),
            asyncio.ensure_future(self._listen(bus, live)),
            asyncio.ensure_future(stop.wait()),
        ]
        host, port = listening.getsockname()[:2]
        log.info("serving", address=f"http://{f'[{host}]' if ':' in host else host}:{port}")
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            server.should_exit = True
            await asyncio.wait(tasks[:1])
            for task in tasks[1:]:
                task.cancel()
            archive.close()
            await bus.close()

    async def _listen(self, bus: Bus, live: Live) -> None:
        await bus.open(self._settings.nats)
        await live.run(bus)


def service(settings: Settings) -> Service:
    """Return the gateway; raises SettingsError or TopologyError when a setting is wrong."""
    return Gateway(settings)


def listen(host: str, port: int) -> socket.socket:
    """Take a port; raises SettingsError when it cannot be had."""
    try:
        family, kind, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind)
    except OSError as error:
        raise SettingsError(f"PITBOX_GATEWAY__HOST: {host}: {error.strerror}") from None
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        # A page that is gone or frozen takes no bytes; connections inherit this and end.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, DEAD_CLIENT_MS)
    try:
        listening.bind(address)
    except OSError as error:
        listening.close()
        reason = f"cannot take port {port}: {error.strerror}; choose another"
        raise SettingsError(f"PITBOX_GATEWAY__PORT: {reason}") from None
    return listening


def web_server(app: Any) -> Server:
    """Return a server of `app` that does not compress: chunks are dense already."""
    config = uvicorn.Config(
        app,
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        ws_max_size=MAX_MESSAGE_BYTES,
        limit_concurrency=MAX_CONNECTIONS,
        timeout_graceful_shutdown=GRACE_S,
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
    )
    return Server(config)
