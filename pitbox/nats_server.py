"""A nats-server for development and tests, from the binary that comes with the dev requirements."""

import shutil
import sys
from pathlib import Path
from typing import Final

MAX_STORE: Final = "8GB"
MAX_PAYLOAD: Final = 1_048_576

CONFIG: Final = """\
# Written at every start; infra/nats.conf is the one for a real deployment.
host: 127.0.0.1
port: {port}
http: 127.0.0.1:{monitor_port}
max_payload: {max_payload}
jetstream {{
  store_dir: "{store}"
  max_file_store: {max_store}
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


def command(folder: Path, port: int, monitor_port: int) -> list[str]:
    """Write the configuration into `folder` and return the command that serves from there."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    config = folder / "nats.conf"
    config.write_text(
        CONFIG.format(
            port=port,
            monitor_port=monitor_port,
            store=folder / "store",
            max_store=MAX_STORE,
            max_payload=MAX_PAYLOAD,
        )
    )
    return [str(binary()), "--config", str(config)]
