"""Connect the NATS client by TLS from the first byte on.

nats-py by itself reads the server's INFO in clear and starts TLS only if INFO asks for it. An
attacker in between could change INFO: ask for no TLS, or name other servers. nats-server accepts
TLS from the first byte with `handshake_first`, and so does any TLS proxy.
"""

import asyncio
import ssl
from typing import Any, Final
from urllib.parse import ParseResult

from nats.aio.transport import TcpTransport

from pitbox.settings import Nats, SettingsError
from pitbox.settings.address import NatsAddress
from pitbox.tls.authorities import disbelief

FAREWELL_S: Final = 1.0
"""The time limit of the TLS shutdown, because the connection may be dead."""
UNTRUSTED: Final = (
    "set PITBOX_NATS__CA to the file of the authority that signed it; a driver's PC stores it when "
    "it is enrolled with --ca FILE"
)


class TlsTransport(TcpTransport):
    """Connect by TLS and verify the server's certificate for the requested host."""

    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._context = context

    async def connect(self, uri: ParseResult, buffer_size: int, connect_timeout: int) -> None:
        """Connect; raises OSError when the server is unreachable or its certificate not trusted."""
        opening = asyncio.open_connection(
            uri.hostname,
            uri.port,
            limit=buffer_size,
            ssl=self._context,
            ssl_shutdown_timeout=FAREWELL_S,
        )
        try:
            reader, writer = await asyncio.wait_for(opening, connect_timeout)
        except ssl.SSLCertVerificationError as error:
            raise ConnectionError(disbelief(error, UNTRUSTED)) from None
        self._bare_io_reader = self._io_reader = reader
        self._bare_io_writer = self._io_writer = writer

    async def connect_tls(self, *_: Any) -> None:
        """Do nothing: the connection uses TLS already when INFO asks for it."""


def transport(context: ssl.SSLContext | None) -> Any:
    """Return the transport of a connection; without a context it is in clear."""
    return TlsTransport(context) if context else TcpTransport()  # type: ignore[no-untyped-call]


def trust(server: Nats) -> ssl.SSLContext | None:
    """Return the TLS context for nats-server's address, None for an address in clear.

    Raises SettingsError when the authorities' file cannot be read.
    """
    if not NatsAddress(server.url).by_tls:
        return None
    try:
        return ssl.create_default_context(cafile=server.ca or None)
    except OSError as error:
        reason = f"cannot use {server.ca}: {error.strerror or error}"
        raise SettingsError(f"PITBOX_NATS__CA: {reason}") from None
