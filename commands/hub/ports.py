"""The ports of a stack: the preferred ones, or the nearest that are free."""

import contextlib
import os
import socket
from typing import Final

from commands.hub.supervisor import StackError
from pitbox.settings import Settings, SettingsError
from pitbox.settings.address import NatsAddress
from pitbox.tls import listening

PREFERRED: Final = {"nats": 4222, "postgres": 5432, "gateway": 8000}
BESIDE: Final = 200
"""The number of ports after the preferred one that are tried."""


def is_public(given: Settings) -> bool:
    """Return whether nats-server is reached by TLS; raises SettingsError if that cannot work."""
    listening.check("NATS", given.nats)
    if not given.nats.certificate:
        return False
    if not NatsAddress(given.nats.url).by_tls:
        raise SettingsError(
            "PITBOX_NATS__URL: set it to where drivers and services reach this nats-server, "
            "tls://NAME:PORT with a name that PITBOX_NATS__CERTIFICATE is made for"
        )
    return True


def choose(given: Settings) -> dict[str, int]:
    """Return the preferred ports or the next free ones; a public port is never replaced."""
    fixed: dict[str, int] = {}
    if is_public(given):
        fixed["nats"] = NatsAddress(given.nats.url).port
    if given.gateway.certificate or given.gateway.proxies:
        fixed["gateway"] = given.gateway.port
    found = dict(fixed)
    for name, preferred in PREFERRED.items():
        near = [fixed[name]] if name in fixed else range(preferred, preferred + BESIDE)
        taken = {port for other, port in found.items() if other != name}
        free = next((port for port in near if _is_free(port) and port not in taken), None)
        if free is None:
            raise StackError(f"no free port for {name} from {near[0]} to {near[-1]}")
        found[name] = free
    return found


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        if os.name == "posix":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def listens(port: int) -> bool:
    """Return whether a server accepts connections on a port of this machine."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
