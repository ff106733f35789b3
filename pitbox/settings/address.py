"""Parse and check the addresses of servers.

An address beyond this machine is accepted only with TLS and a verified certificate. No setting
switches this off.
"""

import re
from ipaddress import ip_address
from typing import Final
from urllib.parse import parse_qs, urlsplit

LABEL: Final = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
NATS: Final = re.compile(
    r"(?P<scheme>nats|tls)://"
    r"(?:[^/?#@\\\s]*@)?"
    rf"(?:\[(?P<ipv6>[0-9A-Fa-f:.]+)\]|(?P<name>{LABEL}(?:\.{LABEL})*\.?))"
    r"(?::(?P<port>[0-9]{1,5}))?/?"
)
MAX_NAME: Final = 253
NATS_PORT: Final = 4222
VERIFIED: Final = "verify-full"


class NatsAddress:
    """Hold the parts of nats-server's address; `by_tls` says whether it uses TLS."""

    def __init__(self, url: str) -> None:
        """Parse an address; raises ValueError with what is wrong and what is accepted."""
        found = NATS.fullmatch(url)
        name = found and (found["ipv6"] or found["name"])
        if not found or not name or len(name) > MAX_NAME or (found["ipv6"] and not _is_ip(name)):
            raise ValueError("not a NATS address: use tls://HOST:PORT or nats://127.0.0.1:PORT")
        self.host = name
        self.port = int(found["port"] or NATS_PORT)
        self.by_tls = found["scheme"] == "tls"
        if not 0 < self.port < 65536:
            raise ValueError(f"{self.port} is not a port: use 1 to 65535")
        if not self.by_tls and not is_loopback(self.host):
            raise ValueError(
                f"nats://{self.host} would be used in clear, which is allowed on this machine "
                f"only: use tls://{self.host}"
            )


def check_postgres(url: str) -> None:
    """Check a database's address; raises ValueError with what is wrong and what is accepted.

    A host beyond this machine needs `sslmode=verify-full`.
    """
    try:
        parts = urlsplit(url)
        asked = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        hosts = [*parts.netloc.rpartition("@")[2].split(","), *asked.get("host", "").split(",")]
        names = [_without_port(host) for host in hosts if host]
    except ValueError:
        names = []
    if not names or parts.scheme not in ("postgresql", "postgres"):
        raise ValueError(
            "not a Postgres address: use postgresql://USER@HOST:PORT/DATABASE, "
            "or ?host=/FOLDER for a Unix socket"
        )
    far = [name for name in names if not name.startswith("/") and not is_loopback(name)]
    if far and asked.get("sslmode") != VERIFIED:
        raise ValueError(
            f"{far[0]} is not this machine: add sslmode={VERIFIED}, and sslrootcert with the "
            "file of the authority that signed its certificate"
        )


def is_loopback(name: str) -> bool:
    """Return whether a host is `localhost` or a loopback address."""
    return name == "localhost" or (_is_ip(name) and ip_address(name).is_loopback)


def _is_ip(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host if host.startswith("/") else host.partition(":")[0]
