"""Open the listening socket and build the web server on it: TLS, trusted proxies, limits."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Iterator
from ipaddress import ip_network
from typing import Any, Final

import uvicorn
from msgspec import Struct

from consumers.gateway.access.memory import Memory
from consumers.gateway.web.accepting import Acceptor
from consumers.gateway.web.connections import Limits
from consumers.gateway.web.protocol import Entry, RequestProtocol
from consumers.gateway.web.sending import Sending
from pitbox import settings
from pitbox.settings import SettingsError
from pitbox.tls import listening

GRACE_S: Final = 2
MAX_MESSAGE_BYTES: Final = 32_768
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
        """Start to accept connections."""
        config = self.config

        def protocol(entry: Entry) -> RequestProtocol:
            return RequestProtocol(
                entry, config=config, server_state=self.server_state, app_state={}
            )

        acceptor = Acceptor(
            protocol, self._limits, context=config.ssl, by_address=not config.proxy_headers
        )
        self.servers = []
        self._accepting = [
            asyncio.ensure_future(acceptor.run(one, config.backlog)) for one in sockets or ()
        ]
        self.started = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept no more connections, and let open requests end."""
        for task in self._accepting:
            task.cancel()
        await asyncio.wait(self._accepting)
        await super().shutdown(sockets)


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
    """Raise the limit of open files: each connection uses one."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def web_server(app: Any, tls: Tls, limits: Limits, memory: Memory | None = None) -> Server:
    """Return a server of `app`. WebSocket compression is off: frames hardly compress."""
    context = tls.context
    config = uvicorn.Config(
        Sending(app, memory or Memory()),
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        ws_max_size=MAX_MESSAGE_BYTES,
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
