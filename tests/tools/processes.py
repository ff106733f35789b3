"""Services and commands in separate processes, as a user runs them."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from tests.tools.servers import NatsServer, addresses

COMMAND_S = 60.0
END_S = 60.0


def environment(nats_server: NatsServer, database: str) -> dict[str, str]:
    """Return an environment whose settings reach these servers."""
    return os.environ | addresses(nats_server.url, database)


@contextmanager
def running(service: str, nats_server: NatsServer, database: str) -> Iterator[None]:
    """Run a service during the block, then kill it; it must not end by itself."""
    with alive("commands", "run", service, environment=environment(nats_server, database)):
        yield


@contextmanager
def alive(*module: str, environment: Mapping[str, str]) -> Iterator[None]:
    """Run a module with arguments during the block, then kill it; it must not end by itself."""
    process = subprocess.Popen([sys.executable, "-m", *module], env=environment)
    try:
        yield
        assert process.poll() is None, f"{module} ended by itself"
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(END_S)


def pitbox(
    nats_server: NatsServer, database: str, *arguments: str, driver: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, on the hub or on a driver's PC."""
    pc = {"PITBOX_NATS__CREDENTIALS": str(nats_server.driver(driver))} if driver else {}
    return subprocess.run(
        [sys.executable, "-m", "commands", *arguments],
        env=environment(nats_server, database) | pc,
        capture_output=True,
        text=True,
        timeout=COMMAND_S,
        check=False,
    )
