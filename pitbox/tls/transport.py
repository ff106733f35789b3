"""TLS for the NATS client, from the first byte on.

nats-py first reads what a server says in clear, and speaks TLS only if it says so: whoever sits in
between could have it say otherwise, or name other servers. nats-server takes TLS at once where it
has `handshake_first`, and so does any TLS proxy.
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
"""How long a link that may be dead is waited for when it is given up."""
UNTRUSTED: Final = (
    "PITBOX_NATS__CA names the file of who signed it, and a driver's PC keeps that when it is "
    "enrolled with --ca FILE"
)


class TlsTransport(TcpTransport):
    """Speak TLS with who shows a certificate for the host that was asked for, else with nobody."""

    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._context = context

    async def connect(self, uri: ParseResult, buffer_size: int, connect_timeout: int) -> None:
        """Connect; raises OSError when the certificate is not good."""
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
        """Do nothing: it is TLS already when nats-server asks for it."""


def transport(context: ssl.SSLContext | None) -> Any:
    """Return what a connection is made with; without a context it is in clear."""
    return TlsTransport(context) if context else TcpTransport()  # type: ignore[no-untyped-call]


def trust(server: Nats) -> ssl.SSLContext | None:
    """Return whom to believe at an address, None where TLS is not needed.

    Raises SettingsError when the authorities cannot be read.
    """
    if not NatsAddress(server.url).by_tls:
        return None
    try:
        return ssl.create_default_context(cafile=server.ca or None)
    except OSError as error:
        reason = f"cannot use {server.ca}: {error.strerror or error}"
        raise SettingsError(f"PITBOX_NATS__CA: {reason}") from None
