"""The whole of PitBox on one machine: which programs, in which order, with which settings.

Everything is kept in one folder that only its owner may read: streams, database, spools, the
database's password, and the addresses of what runs.
"""

import asyncio
import contextlib
import os
import shlex
import signal
import socket
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from pitbox import admin, enrolment, migration, nats_server, postgres_server
from pitbox.bus import Bus
from pitbox.folder_lock import LockedError, folder_lock
from pitbox.identity.authority import Authority
from pitbox.identity.credentials import SUFFIX
from pitbox.settings import Nats
from pitbox.supervisor import Program, StackError, Supervisor, end_leftovers, pitbox
from pitbox.topology import Topology

SERVICES: Final = ("keys", "persister", "timing", "gateway")
RECORD: Final = "processes.json"
ADDRESSES: Final = "addresses.json"
ENVIRONMENT: Final = "environment"
PREFERRED: Final = {"nats": 4222, "nats_monitor": 8222, "postgres": 5432, "gateway": 8000}
BESIDE: Final = 200
"""How far from the preferred port a free one is looked for."""


class Addresses(Struct, frozen=True):
    """Hold the ports of a running stack, and the process that runs it."""

    supervisor: int
    nats: int
    nats_monitor: int
    postgres: int
    gateway: int

    @property
    def page(self) -> str:
        """Return the address of the pit wall."""
        return f"http://127.0.0.1:{self.gateway}/"


class Car(Struct, frozen=True):
    """Describe a simulated car of the demo."""

    driver: str
    number: str
    seed: int
    skill: float


CARS: Final = (
    Car("MOR", "27", 27, 0.97),
    Car("KAI", "8", 8, 0.95),
    Car("LUN", "64", 64, 0.93),
)


class Stack:
    """Run the servers, and what is asked for beside them, from one folder."""

    def __init__(self, folder: Path, supervisor: Supervisor, topology: Topology) -> None:
        """Prepare; `opened` makes one that owns its folder."""
        self.folder = folder
        self._supervisor = supervisor
        self._topology = topology
        self._authority = Authority(folder / "keys", topology)
        ports = _free_ports()
        self.addresses = Addresses(supervisor=os.getpid(), **ports)

    @property
    def environment(self) -> dict[str, str]:
        """Return the settings that make any `pitbox` command use this stack."""
        return {
            "PITBOX_NATS__URL": f"nats://127.0.0.1:{self.addresses.nats}",
            "PITBOX_NATS__CREDENTIALS": str(self._authority.users),
            "PITBOX_KEYS__FOLDER": str(self.folder / "keys"),
            "PITBOX_NATS__MONITOR": f"http://127.0.0.1:{self.addresses.nats_monitor}",
            "PITBOX_POSTGRES__URL_FILE": str(self.folder / "postgres.url"),
            "PITBOX_GATEWAY__PORT": str(self.addresses.gateway),
            "PITBOX_GATEWAY__KEYS": str(self.folder / "gateway-keys"),
        }

    @property
    def database(self) -> str:
        """Return the address of the database, with its password."""
        return postgres_server.url(self.folder / "postgres", self.addresses.postgres)

    @property
    def _server(self) -> Nats:
        where = self.environment
        return Nats(url=where["PITBOX_NATS__URL"], credentials=where["PITBOX_NATS__CREDENTIALS"])

    async def start_servers(self) -> None:
        """Start nats-server and Postgres, and bring both into shape."""
        cluster, ports = self.folder / "postgres", self.addresses
        await asyncio.to_thread(postgres_server.initialise, cluster)
        _write_private(self.folder / "postgres.url", self.database)
        nats = nats_server.command(
            self.folder / "nats", self._authority.trust(), ports.nats, ports.nats_monitor
        )
        postgres = postgres_server.command(cluster, ports.postgres)
        await self._supervisor.start(Program("nats", tuple(nats)))
        await self._supervisor.start(
            Program("postgres", tuple(postgres), ends_by=signal.SIGINT),
        )
        await self._supervisor.ready("nats-server", lambda: _listens(ports.nats), "nats")
        await migration.migrate(self.database)
        self._authority.write_users()
        bus = await Bus.connect(self._server, "", self._topology)
        try:
            await admin.apply(bus.jetstream, self._topology)
        finally:
            await bus.close()
        words = [f"{name}={shlex.quote(value)}" for name, value in self.environment.items()]
        exports = "".join(f"export {word}\n" for word in words)
        _write_private(self.folder / ENVIRONMENT, exports)
        _write_private(self.folder / ADDRESSES, msgspec.json.encode(ports).decode())

    async def start_services(self) -> None:
        """Start every consumer, and wait until the pit wall answers."""
        for name in SERVICES:
            program = Program(name, pitbox("run", name), self.environment)
            await self._supervisor.start(program)
        await self._supervisor.ready("the pit wall", self._serves, *SERVICES)

    async def start_cars(self, session: str) -> None:
        """Start a driver app for each simulated car."""
        for car in CARS:
            file = self.folder / "keys" / "drivers" / f"{car.driver}{SUFFIX}"
            await enrolment.enrol(self._server, self._topology, car.driver, file)
            environment = {
                **self.environment,
                "PITBOX_NATS__CREDENTIALS": str(file),
                "PITBOX_DRIVER__SESSION": session,
                "PITBOX_DRIVER__SPOOL": str(self.folder / "spools" / car.driver),
            }
            command = pitbox(
                *("drive", "--source", "sim", "--car", car.number),
                *("--seed", str(car.seed), "--skill", str(car.skill)),
            )
            await self._supervisor.start(Program(f"car-{car.number}", command, environment))

    def _serves(self) -> bool:
        ready = f"{self.addresses.page}api/v1/ready"
        with contextlib.suppress(OSError), urllib.request.urlopen(ready, timeout=2) as answer:
            return bool(answer.status == 200)
        return False


@contextlib.contextmanager
def owned(folder: Path) -> Iterator[Path]:
    """Own a stack's folder meanwhile, having ended what a killed owner left running.

    Raises StackError when a stack runs there already.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        with folder_lock(folder):
            (folder / ADDRESSES).unlink(missing_ok=True)
            end_leftovers(folder / RECORD)
            yield folder.resolve()
            (folder / ADDRESSES).unlink(missing_ok=True)
    except LockedError:
        running = addresses(folder)
        where = f" at {running.page}" if running else ""
        raise StackError(f"a stack runs already{where}: `make down` stops it") from None


def addresses(folder: Path) -> Addresses | None:
    """Return the addresses of the stack that runs in a folder, None when none does."""
    try:
        written = msgspec.json.decode((folder / ADDRESSES).read_bytes(), type=Addresses)
    except (OSError, msgspec.DecodeError):
        return None
    try:
        with folder_lock(folder):
            return None
    except LockedError:
        return written


def _free_ports() -> dict[str, int]:
    """Return the preferred ports, or the nearest free ones."""
    found: dict[str, int] = {}
    for name, preferred in PREFERRED.items():
        near = range(preferred, preferred + BESIDE)
        free = next((port for port in near if _is_free(port) and port not in found.values()), None)
        if free is None:
            raise StackError(f"no free port for {name} from {near.start} to {near.stop - 1}")
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


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def _write_private(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(text)
