"""Addresses: which are of this machine alone, and which nats-server may be reached by."""

from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

PLAIN: Final = frozenset({"nats", "ws"})
TLS: Final = frozenset({"tls", "wss"})


def is_loopback(name: str) -> bool:
    """Tell whether a name or address stands for this machine alone."""
    try:
        return name == "localhost" or ip_address(name).is_loopback
    except ValueError:
        return False


def is_own(url: str) -> bool:
    """Tell whether the address of a server means this machine, whoever reads it."""
    return is_loopback(urlsplit(url).hostname or "")


def why_not(url: str) -> str:
    """Say in words why nats-server must not be reached by an address, "" when it may.

    What is driven travels in clear on loopback only.
    """
    try:
        parts = urlsplit(url)
        named = parts.hostname and (parts.port or 1)
    except ValueError:
        named = None
    if not named or parts.scheme not in PLAIN | TLS or parts.username or parts.path.strip("/"):
        return f"{url} is no address of nats-server, such as tls://hub.example:4222"
    if parts.scheme in PLAIN and not is_loopback(parts.hostname or ""):
        return f"{url} is reached in clear from elsewhere: it takes tls:// beyond loopback"
    return ""
