"""How nats-server is run: in operator mode, with no way in but signed credentials."""

import shutil
import sys
from pathlib import Path
from typing import Final

from pitbox.identity import jwt
from pitbox.identity.authority import Trust

MAX_STORE: Final = "8GB"
MAX_PAYLOAD: Final = 1_048_576

CONFIG: Final = """\
# Written at every start.
server_name: pitbox
listen: "{listen}"
http: "{monitor}"
max_payload: {max_payload}
max_connections: 1000
ping_interval: "5s"
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
resolver_preload: {{
{preload}
}}
"""


def binary() -> Path:
    """Return nats-server beside this Python or on PATH; raises FileNotFoundError naming both."""
    beside = Path(sys.executable).parent / "nats-server"
    found = str(beside) if beside.is_file() else shutil.which("nats-server")
    if not found:
        raise FileNotFoundError(
            f"no nats-server beside {sys.executable} or on PATH: run `make install`"
        )
    return Path(found)


def config(trust: Trust, folder: str, listen: str, monitor: str) -> str:
    """Return the configuration of a nats-server that keeps everything in `folder`."""
    return CONFIG.format(
        listen=listen,
        monitor=monitor,
        max_payload=MAX_PAYLOAD,
        store=f"{folder}/store",
        max_store=MAX_STORE,
        operator=trust.operator,
        system=trust.system,
        accounts=f"{folder}/accounts",
        preload="\n".join(f"  {public}: {token}" for public, token in trust.accounts.items()),
    )


def command(folder: Path, trust: Trust, port: int, monitor_port: int) -> list[str]:
    """Write the configuration into `folder` and return the command that serves from there."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = folder / "nats.conf"
    file.write_text(config(trust, str(folder), f"127.0.0.1:{port}", f"127.0.0.1:{monitor_port}"))
    return [str(binary()), "--config", str(file)]


def place_account(folder: Path, token: str) -> None:
    """Let nats-server know an account without asking it, now or when it is started."""
    accounts = folder / "accounts"
    accounts.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = accounts / "fresh"
    fresh.write_text(token)
    fresh.replace(accounts / f"{jwt.verified(token)['sub']}.jwt")
