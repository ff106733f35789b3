"""The configuration and command of nats-server: operator mode, signed credentials only."""

import shutil
import sys
from pathlib import Path
from typing import Final

from pitbox.identity import jwt
from pitbox.identity.authority import Trust
from pitbox.settings import Nats
from pitbox.tls import listening
from pitbox.topology import room

MAX_PAYLOAD: Final = 1_048_576

CONFIG: Final = """\
# Written at every start.
server_name: pitbox
listen: "{listen}"
max_payload: {max_payload}
max_connections: 1000
ping_interval: "15s"
ping_max: 2
jetstream {{
  store_dir: "{store}"
  max_file_store: {max_store}
}}
operator: {operator}
system_account: {system}
resolver: {{
  type: full
  dir: "{accounts}"
  allow_delete: true
  interval: "2m"
}}
{tls}
resolver_preload: {{
{preload}
}}
"""

# `handshake_first`: no byte is sent in clear, not even the INFO line before TLS.
TLS: Final = """\
tls {{
  cert_file: "{certificate}"
  key_file: "{key}"
  handshake_first: true
  timeout: 5
}}"""


def binary() -> Path:
    """Return nats-server beside this Python or on PATH; raises FileNotFoundError naming both."""
    beside = Path(sys.executable).parent / "nats-server"
    found = str(beside) if beside.is_file() else shutil.which("nats-server")
    if not found:
        raise FileNotFoundError(
            f"no nats-server beside {sys.executable} or on PATH: run `make install`"
        )
    return Path(found)


def config(
    trust: Trust,
    folder: str,
    given: Nats,
    port: int,
    *,
    published: bool = False,
    max_store_bytes: int = room.LEAST_STORE_BYTES,
) -> str:
    """Return the configuration of a nats-server that stores everything in `folder`.

    It opens no port for monitoring, because a page that a browser shows under another name could
    read that (DNS rebinding): the system account answers instead (`pitbox/nats/system.py`).
    `published` listens on all addresses of a container, whose engine decides which port is
    published. Raises SettingsError when connections beyond loopback would have no TLS.
    """
    listening.check("NATS", given)
    host = "0.0.0.0" if published else listening.bracketed(given.host)
    return CONFIG.format(
        listen=f"{host}:{port}",
        tls=_tls(given),
        max_payload=MAX_PAYLOAD,
        store=f"{folder}/store",
        max_store=max_store_bytes,
        operator=trust.operator,
        system=trust.system,
        accounts=f"{folder}/accounts",
        preload="\n".join(f"  {public}: {token}" for public, token in trust.accounts.items()),
    )


def command(
    folder: Path,
    trust: Trust,
    given: Nats,
    port: int,
    *,
    max_store_bytes: int = room.LEAST_STORE_BYTES,
) -> list[str]:
    """Write the configuration into `folder` and return the command that serves from there.

    Raises SettingsError as `config` does.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = folder / "nats.conf"
    file.write_text(config(trust, str(folder), given, port, max_store_bytes=max_store_bytes))
    return [str(binary()), "--config", str(file)]


def _tls(given: Nats) -> str:
    if not given.certificate:
        return ""
    files = (given.certificate, given.certificate_key)
    certificate, key = (Path(file).resolve().as_posix() for file in files)
    return TLS.format(certificate=certificate, key=key)


def place_account(folder: Path, token: str) -> None:
    """Write an account into the resolver's folder, where nats-server finds it without a request."""
    accounts = folder / "accounts"
    accounts.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = accounts / "fresh"
    fresh.write_text(token)
    fresh.replace(accounts / f"{jwt.verified(token)['sub']}.jwt")
