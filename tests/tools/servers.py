"""Real servers for tests, on free ports of loopback; each test starts and stops its own."""

import contextlib
import functools
import getpass
import itertools
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from filelock import FileLock, Timeout

from commands.hub import nats_server, postgres_server
from pitbox import topology
from pitbox.identity import jwt
from pitbox.identity.authority import (
    SYSTEM,
    SYSTEM_SIGNER,
    USERS,
    Authority,
    driver_credentials,
)
from pitbox.identity.credentials import SUFFIX, Credentials, Identity
from pitbox.identity.folder import KeyFolder
from pitbox.identity.nkeys import KeyPair, Kind
from pitbox.identity.permissions import Permissions
from pitbox.settings import Nats

START_S: Final = 60.0
STOP_S: Final = 60.0
NEVER_S: Final = 2**31
PORTS: Final = range(10_000, 32_000, 200)
"""Where blocks of ports begin, below those that the system gives to clients."""
HELD: Final[list[FileLock]] = []
"""The block of this process; let go of, it would be another's."""
EVERYTHING: Final = "everything"
JETSTREAM: Final = re.compile(r"^jetstream \{.*?^\}", re.DOTALL | re.MULTILINE)
CLUSTER: Final = """
cluster {{
  name: pitbox
  listen: "127.0.0.1:{}"
  routes: ["nats://127.0.0.1:{}"]
}}
"""
"""A cluster whose other server never runs, so that it elects no leader."""

FOLDERS: Final[dict[str, Path]] = {}
"""The keys of each nats-server, by its address."""


NOWHERE: Final = "postgresql://nobody@127.0.0.1:1/nothing"
"""No Postgres. At the default address there may be one: that of a stack in another test."""


def free_port() -> int:
    """Return a free port of loopback that no other test process is given.

    A server binds it only later. Two processes that picked the same free port would let tests of
    one connect to the server of the other.
    """
    while True:
        port = next(_ports())
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port


@functools.cache
def _ports() -> Iterator[int]:
    """Return an endless iterator over the ports of a block reserved for this process."""
    folder = Path(tempfile.gettempdir(), f"pitbox-tests-of-{getpass.getuser()}")
    folder.mkdir(exist_ok=True)
    for first in PORTS:
        lock = FileLock(folder / f"ports-{first}.lock")
        with contextlib.suppress(Timeout):
            lock.acquire(timeout=0)
            HELD.append(lock)
            return itertools.cycle(range(first, first + PORTS.step))
    raise RuntimeError(f"every block of ports is taken: {folder}")


def until(condition: Callable[[], object], what: str, timeout_s: float = START_S) -> None:
    """Wait for a condition; raises TimeoutError naming it."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {timeout_s:g} s")
        time.sleep(0.02)


def listens(port: int) -> bool:
    """Return whether a port accepts connections."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def credentials(url: str, streams: str = "") -> Path:
    """Return the folder with credentials of every service of a streams.yaml, at a nats-server."""
    authority = Authority(FOLDERS[url], topology.load(streams))
    authority.write_user(EVERYTHING, Permissions((">",), (">",)))
    return authority.write_users()


def everything(url: str) -> Path:
    """Return credentials with all permissions within the hub."""
    return FOLDERS[url] / USERS / f"{EVERYTHING}{SUFFIX}"


def addresses(nats_url: str, database: str) -> dict[str, str]:
    """Return the settings with which every program of the hub reaches these servers."""
    return {
        "PITBOX_NATS__URL": nats_url,
        "PITBOX_KEYS__FOLDER": str(FOLDERS[nats_url]),
        "PITBOX_NATS__CREDENTIALS": str(FOLDERS[nats_url] / USERS),
        "PITBOX_POSTGRES__URL": database or NOWHERE,
    }


class Server:
    """Run a server as a child of the test; its output goes to a file in `folder`."""

    name = "server"

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port
        self._process: subprocess.Popen[bytes] | None = None

    def command(self) -> list[str]:
        """Return the command line."""
        raise NotImplementedError

    @property
    def pid(self) -> int:
        """Return the process id of the running server."""
        if self._process is None:
            raise RuntimeError(f"{self.name} does not run")
        return self._process.pid

    def start(self) -> None:
        """Start, and wait until it takes connections."""
        with (self.folder / f"{self.name}.log").open("ab") as log:
            process = subprocess.Popen(self.command(), stdout=log, stderr=log)
        self._process = process
        until(lambda: listens(self.port) or process.poll() is not None, f"{self.name} listens")
        if process.poll() is not None:
            raise RuntimeError(f"{self.name} ended with code {process.returncode}: {log.name}")

    def is_ready(self) -> bool:
        """Return whether it takes clients."""
        return True

    def send(self, number: signal.Signals) -> None:
        """Send a signal; wait for the end if the signal ends the process."""
        if self._process is None:
            return
        self._process.send_signal(number)
        if number not in (signal.SIGSTOP, signal.SIGCONT):
            self._process.wait(STOP_S)
            self._process = None

    def stop(self) -> None:
        """Stop cleanly; do nothing if the server does not run."""
        self.send(signal.SIGTERM)

    def kill(self) -> None:
        """Kill at once."""
        self.send(signal.SIGKILL)


class NatsServer(Server):
    """A nats-server in operator mode, which issues credentials to tests.

    Without `jetstream` its next start has JetStream off; `alone_in_cluster` has no leader.
    """

    name = "nats-server"

    def __init__(self, folder: Path, given: Nats | None = None) -> None:
        super().__init__(folder, free_port())
        self.given = given or Nats()
        self.jetstream = True
        self.alone_in_cluster = False
        self.keys = folder / "keys"
        self.trust = self.authority().trust()
        FOLDERS[self.url] = self.keys
        credentials(self.url)

    def authority(self, streams: str = "") -> Authority:
        """Return the authority that signs for this server."""
        return Authority(self.keys, topology.load(streams))

    def driver(self, name: str) -> Path:
        """Return the credentials of a driver, enrolled on first use."""
        file = self.keys / "drivers" / f"{name}{SUFFIX}"
        if not file.exists():
            account, made = driver_credentials(self.authority(), name, expires_s=NEVER_S)
            nats_server.place_account(self.folder / "nats", account)
            made.write(file)
        return file

    def administrator(self) -> Path:
        """Return the credentials of a user of the system account with all permissions."""
        file = self.keys / "administrator.creds"
        keys, pair = KeyFolder(self.keys), KeyPair.new(Kind.USER)
        account = keys.pair(SYSTEM, Kind.ACCOUNT).public
        about = {"type": "user", "version": 2, "subs": -1, "data": -1, "payload": -1}
        wanted = {"name": "administrator", "sub": pair.public}
        signed = {**wanted, "nats": {**about, "issuer_account": account}}
        signer = keys.pair(SYSTEM_SIGNER, Kind.ACCOUNT)
        Credentials(jwt.signed(signed, signer, at_s=int(time.time())), pair).write(file)
        return file

    def options(self) -> dict[str, Any]:
        """Return the options of a raw client with all permissions within the hub."""
        return Identity(everything(self.url)).options()

    @property
    def url(self) -> str:
        """Return its address."""
        scheme = "tls" if self.given.certificate else "nats"
        return f"{scheme}://127.0.0.1:{self.port}"

    @property
    def store(self) -> Path:
        """Return the folder of its streams."""
        return self.folder / "nats" / "store"

    def command(self) -> list[str]:
        """Return the command line."""
        where = self.folder / "nats"
        command = nats_server.command(where, self.trust, self.given, self.port)
        file = where / "nats.conf"
        if not self.jetstream:
            file.write_text(JETSTREAM.sub("", file.read_text()))
        if self.alone_in_cluster:
            file.write_text(file.read_text() + CLUSTER.format(free_port(), free_port()))
        return command

    def wipe(self) -> None:
        """Delete every stream; only while stopped."""
        shutil.rmtree(self.store)


class PostgresServer(Server):
    """A Postgres with an empty cluster of its own."""

    name = "postgres"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, free_port())
        self.cluster = folder / "postgres"
        postgres_server.initialise(self.cluster)

    def url(self, database: str = "postgres") -> str:
        """Return the address of one of its databases."""
        return postgres_server.url(self.cluster, self.port, database)

    def command(self) -> list[str]:
        """Return the command line."""
        return postgres_server.command(self.cluster, self.port)

    def is_ready(self) -> bool:
        """Return whether it takes clients: it listens before it has recovered."""
        command = [str(postgres_server.binaries() / "pg_isready"), "-q", "-h", "127.0.0.1"]
        return subprocess.run([*command, "-p", str(self.port)], check=False).returncode == 0

    def stop(self) -> None:
        """Stop cleanly, without waiting for clients to leave."""
        self.send(signal.SIGINT)

    def stop_at_once(self) -> None:
        """Stop without a checkpoint, as a crash would (Postgres calls it immediate)."""
        self.send(signal.SIGQUIT)


@contextlib.contextmanager
def away(server: Server) -> Iterator[None]:
    """Stop a server during the block; afterwards it takes clients again."""
    server.stop()
    try:
        yield
    finally:
        server.start()
        until(server.is_ready, f"{server.name} takes clients")


@contextlib.contextmanager
def running(server: Server) -> Iterator[Server]:
    """Run a server during the block, and leave no process behind."""
    server.start()
    try:
        until(server.is_ready, f"{server.name} takes clients")
        yield server
    finally:
        server.send(signal.SIGCONT)
        server.stop()
