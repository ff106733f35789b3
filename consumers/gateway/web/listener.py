"""Open the listening socket and build the web server on it: TLS, trusted proxies, limits."""

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

from consumers.gateway.access.authentication import site_of
from pitbox import settings
from pitbox.settings import SettingsError
from pitbox.tls import listening

GRACE_S: Final = 2
MAX_MESSAGE_BYTES: Final = 32_768
MAX_CONNECTIONS: Final = 1024
MAX_OF_ADDRESS: Final = 256
"""The limit of connections per address. Behind a proxy, the proxy has to set one."""

REQUEST_S: Final = 10.0
"""The time limit for a TLS handshake and for a whole request, which is at most a few kB."""

DEAD_CLIENT_MS: Final = 20_000
OR_PROXIES: Final = ", or PITBOX_GATEWAY__PROXIES to the address of a TLS proxy"


class Tls(Struct, frozen=True):
    """Hold the TLS context (None: in clear), the trusted proxies and the served Host names."""

    context: ssl.SSLContext | None
    proxies: tuple[str, ...]
    names: frozenset[str]


def checked(given: settings.Gateway) -> Tls:
    """Check the gateway's settings and load its certificate.

    Raises SettingsError when passwords would travel in clear or a setting cannot be used.
    """
    proxies, names = _listed(given.proxies), _listed(given.names.lower())
    for proxy in proxies:
        try:
            ip_network(proxy)
        except ValueError:
            raise SettingsError(
                f"PITBOX_GATEWAY__PROXIES: {proxy} is not an IP address or network"
            ) from None
    context = listening.check("GATEWAY", given, is_behind_proxy=bool(proxies), or_else=OR_PROXIES)
    return Tls(context, proxies, frozenset(names))


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


class Limits(Struct, frozen=True):
    """Bound how long a request may take to arrive, and the connections of one address."""

    request_s: float = REQUEST_S
    connections_of_address: int = MAX_OF_ADDRESS


class TimedProtocol(H11Protocol):
    """Close connections that send no whole request in time, and those above the address limit.

    uvicorn waits for a request without a limit. Idle connections would use up its connection limit.
    """

    _deadline: asyncio.TimerHandle | None = None

    def __init__(self, limits: Limits, **options: Any) -> None:
        """Take the limits beside what uvicorn gives each connection."""
        super().__init__(**options)
        self._limits = limits

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the request's time limit; abort when the address has too many connections."""
        super().connection_made(transport)
        self._update_deadline()
        if self._is_over_address_limit():
            transport.abort()

    def data_received(self, data: bytes) -> None:
        """Process a part of a request, and end its time limit when the request is whole."""
        super().data_received(data)
        self._update_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the time limit."""
        super().connection_lost(exc)
        self._cancel_deadline()

    def _is_over_address_limit(self) -> bool:
        most = self._limits.connections_of_address
        if self.config.proxy_headers or len(self.connections) <= most:
            return False
        clients = [getattr(one, "client", None) for one in (self, *self.connections)]
        own, *sites = [site_of(client[0]) if client else "" for client in clients]
        return sites.count(own) > most

    def _update_deadline(self) -> None:
        """Run the time limit while a request is incomplete.

        uvicorn removes an upgraded WebSocket from its connections; such a request is complete.
        """
        upgraded = self not in self.connections
        if upgraded or self.conn.their_state not in (h11.IDLE, h11.SEND_BODY):
            self._cancel_deadline()
        elif self._deadline is None:
            self._deadline = self.loop.call_later(self._limits.request_s, self.transport.abort)

    def _cancel_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


class Server(uvicorn.Server):
    """Serve without handling signals, which `pitbox.service` does."""

    def __init__(self, config: uvicorn.Config, limits: Limits) -> None:
        """Prepare to serve within limits."""
        super().__init__(config)
        self._limits = limits

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signal handlers as they are."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start serving; TLS handshakes have the time limit of requests, uvicorn's is a minute."""
        config, limits = self.config, self._limits

        def protocol() -> TimedProtocol:
            return TimedProtocol(
                limits, config=config, server_state=self.server_state, app_state={}
            )

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
    """Return a bound socket; raises SettingsError when the host or the port cannot be used."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        family, kind, protocol, _, address = found[0]
        # asyncio sets TCP_NODELAY only when the socket's protocol is TCP, not 0.
        listening = socket.socket(family, kind, protocol)
    except OSError as error:
        raise SettingsError(f"PITBOX_GATEWAY__HOST: {host}: {error.strerror}") from None
    _raise_file_limit()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        # Accepted connections inherit this: the kernel closes those that acknowledge no bytes.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, DEAD_CLIENT_MS)
    try:
        listening.bind(address)
    except OSError as error:
        listening.close()
        reason = f"cannot use port {port}: {error.strerror}: set another port"
        raise SettingsError(f"PITBOX_GATEWAY__PORT: {reason}") from None
    return listening


def _raise_file_limit() -> None:
    """Raise the limit of open files: connections above uvicorn's limit use one each, too."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def web_server(app: Any, tls: Tls, limits: Limits) -> Server:
    """Return a server of `app`. WebSocket compression is off: frames hardly compress."""
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
