"""The listener: its port, TLS, whom it believes, and the web server on it."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Iterator
from ipaddress import ip_network
from typing import Any, Final

import h11
import uvicorn
from msgspec import Struct
from uvicorn.protocols.http.h11_impl import H11Protocol

from consumers.gateway.access.doors import site_of
from pitbox import settings
from pitbox.settings import SettingsError
from pitbox.tls import listening

GRACE_S: Final = 2
MAX_MESSAGE_BYTES: Final = 32_768
MAX_CONNECTIONS: Final = 1024
MAX_OF_ADDRESS: Final = 256
"""So many of them may come from one address, unless a proxy sees to that."""

REQUEST_S: Final = 10.0
"""A request is at most a few kB, and has to be there so soon."""

DEAD_CLIENT_MS: Final = 20_000
OR_PROXIES: Final = ", or PITBOX_GATEWAY__PROXIES to the addresses of a proxy that speaks TLS"


class Tls(Struct, frozen=True):
    """Say how the listener is protected, whose headers it believes, and what it is called."""

    context: ssl.SSLContext | None
    proxies: tuple[str, ...]
    names: frozenset[str]


def checked(given: settings.Gateway) -> Tls:
    """Return how to listen; raises SettingsError when passwords would travel in clear."""
    proxies, names = _listed(given.proxies), _listed(given.names.lower())
    for proxy in proxies:
        try:
            ip_network(proxy)
        except ValueError:
            raise SettingsError(f"PITBOX_GATEWAY__PROXIES: {proxy} is no address") from None
    context = listening.check("GATEWAY", given, is_behind_proxy=bool(proxies), or_else=OR_PROXIES)
    return Tls(context, proxies, frozenset(names))


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


class Limits(Struct, frozen=True):
    """Bound how long a request may take to arrive, and the connections of one address."""

    request_s: float = REQUEST_S
    connections_of_address: int = MAX_OF_ADDRESS


class Patience(H11Protocol):
    """Hang up on who opens connections and says nothing, for there are only so many.

    uvicorn waits for a request for ever, and answers nobody else when it waits for too many.
    """

    _deadline: asyncio.TimerHandle | None = None

    def __init__(self, limits: Limits, **options: Any) -> None:
        """Take the limits beside what uvicorn gives each connection."""
        super().__init__(**options)
        self._limits = limits

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._watch()
        if self._is_crowding():
            transport.abort()

    def data_received(self, data: bytes) -> None:
        """Take a part of a request."""
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        super().connection_lost(exc)
        self._stop_waiting()

    def _is_crowding(self) -> bool:
        most = self._limits.connections_of_address
        if self.config.proxy_headers or len(self.connections) <= most:
            return False
        clients = [getattr(one, "client", None) for one in (self, *self.connections)]
        own, *sites = [site_of(client[0]) if client else "" for client in clients]
        return sites.count(own) > most

    def _watch(self) -> None:
        """Let the time run until a request is whole; one for a WebSocket is, when it is taken."""
        taken = self not in self.connections
        if taken or self.conn.their_state not in (h11.IDLE, h11.SEND_BODY):
            self._stop_waiting()
        elif self._deadline is None:
            self._deadline = self.loop.call_later(self._limits.request_s, self.transport.abort)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


class Server(uvicorn.Server):
    """A web server that leaves signals to the process."""

    def __init__(self, config: uvicorn.Config, limits: Limits) -> None:
        """Prepare to serve within limits."""
        super().__init__(config)
        self._limits = limits

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve, and wait for TLS no longer than for a request; uvicorn waits for a minute."""
        config, limits = self.config, self._limits

        def protocol() -> Patience:
            return Patience(limits, config=config, server_state=self.server_state, app_state={})

        loop = asyncio.get_running_loop()
        self.servers = [
            await loop.create_server(
                protocol,
                sock=one,
                backlog=config.backlog,
                ssl=config.ssl,
                ssl_handshake_timeout=limits.request_s if config.ssl else None,
            )
            for one in sockets or ()
        ]
        self.started = True


def listen(host: str, port: int) -> socket.socket:
    """Take a port; raises SettingsError when it cannot be had."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        family, kind, protocol, _, address = found[0]
        # asyncio sends small answers at once only where it sees that this is TCP.
        listening = socket.socket(family, kind, protocol)
    except OSError as error:
        raise SettingsError(f"PITBOX_GATEWAY__HOST: {host}: {error.strerror}") from None
    _allow_files()
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


def _allow_files() -> None:
    """Have more files than connections, for those that are not let in yet take one each as well."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def web_server(app: Any, tls: Tls, limits: Limits) -> Server:
    """Return a server of `app` that does not compress: chunks are dense already."""
    context = tls.context
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
        proxy_headers=bool(tls.proxies),
        forwarded_allow_ips=list(tls.proxies),
        ssl_context_factory=(lambda *_: context) if context else None,
    )
    return Server(config, limits)
