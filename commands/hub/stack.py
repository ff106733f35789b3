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
import ssl
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from commands.hub import enrolment, nats_server, postgres_server
from commands.hub.supervisor import Program, StackError, Supervisor, end_leftovers, pitbox
from pitbox import topology
from pitbox.folder_lock import LockedError, folder_lock
from pitbox.identity.authority import Authority
from pitbox.identity.credentials import SUFFIX
from pitbox.identity.folder import write_private
from pitbox.nats.bus import Bus, BusDown
from pitbox.postgres import migration
from pitbox.settings import Gateway, Nats, Settings, SettingsError
from pitbox.settings.address import NatsAddress
from pitbox.tls import listening
from pitbox.topology import admin

SERVICES: Final = ("keys", "persister", "timing", "gateway")
RECORD: Final = "processes.json"
ADDRESSES: Final = "addresses.json"
ENVIRONMENT: Final = "environment"
PREFERRED: Final = {"nats": 4222, "nats_monitor": 8222, "postgres": 5432, "gateway": 8000}
LOOK_S: Final = 2.0
BESIDE: Final = 200
"""How far from the preferred port a free one is looked for."""


class Addresses(Struct, frozen=True):
    """Hold the ports of a running stack, the process that runs it, and where others reach it."""

    supervisor: int
    nats: int
    nats_monitor: int
    postgres: int
    gateway: int
    nats_url: str
    page: str


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

    def __init__(self, folder: Path, supervisor: Supervisor, given: Settings) -> None:
        """Prepare to run in a folder that this process owns.

        Raises SettingsError when anybody elsewhere would be spoken to in clear.
        """
        self.folder = folder
        self._given = given
        self._supervisor = supervisor
        self._topology = topology.load(given.streams)
        self._authority = Authority(folder / "keys", self._topology)
        self._certificate = listening.stamp(given.nats)
        ports = _ports(given)
        self.addresses = Addresses(
            supervisor=os.getpid(),
            nats_url=given.nats.url if _is_public(given) else f"nats://127.0.0.1:{ports['nats']}",
            page=_page(given.gateway, ports["gateway"]),
            **ports,
        )

    @property
    def environment(self) -> dict[str, str]:
        """Return the settings that make any `pitbox` command use this stack."""
        return {
            "PITBOX_NATS__URL": self.addresses.nats_url,
            "PITBOX_NATS__CA": self._given.nats.ca,
            "PITBOX_NATS__CREDENTIALS": str(self._authority.users),
            "PITBOX_KEYS__FOLDER": str(self.folder / "keys"),
            "PITBOX_NATS__MONITOR": f"http://127.0.0.1:{self.addresses.nats_monitor}",
            "PITBOX_POSTGRES__URL_FILE": str(self.folder / "postgres.url"),
            "PITBOX_GATEWAY__PORT": str(self.addresses.gateway),
            "PITBOX_GATEWAY__KEYS": str(self.folder / "gateway-keys"),
        }

    @property
    def _server(self) -> Nats:
        return replace(
            self._given.nats, url=self.addresses.nats_url, credentials=str(self._authority.users)
        )

    @property
    def database(self) -> str:
        """Return the address of the database, with its password."""
        return postgres_server.url(self.folder / "postgres", self.addresses.postgres)

    async def start_servers(self) -> None:
        """Start nats-server and Postgres, and bring both into shape."""
        cluster, ports = self.folder / "postgres", self.addresses
        await asyncio.to_thread(postgres_server.initialise, cluster)
        write_private(self.folder / "postgres.url", self.database)
        nats = nats_server.command(
            self.folder / "nats",
            self._authority.trust(),
            self._given.nats,
            ports.nats,
            ports.nats_monitor,
        )
        postgres = postgres_server.command(cluster, ports.postgres)
        await self._supervisor.start(Program("nats", tuple(nats)))
        await self._supervisor.start(
            Program("postgres", tuple(postgres), ends_by=signal.SIGINT),
        )
        healthy = f"http://127.0.0.1:{ports.nats_monitor}/healthz"
        await self._supervisor.ready("nats-server", lambda: _answers(healthy), "nats")
        await migration.migrate(self.database)
        self._authority.write_users()
        bus = await Bus.connect(self._server, "", self._topology)
        try:
            await admin.apply(bus.jetstream, self._topology)
        finally:
            await bus.close()
        words = [f"{name}={shlex.quote(value)}" for name, value in self.environment.items()]
        exports = "".join(f"export {word}\n" for word in words)
        write_private(self.folder / ENVIRONMENT, exports)
        write_private(self.folder / ADDRESSES, msgspec.json.encode(ports).decode())

    async def start_services(self) -> None:
        """Start every consumer, and wait until the pit wall answers."""
        for name in SERVICES:
            program = Program(name, pitbox("run", name), self.environment)
            await self._supervisor.start(program)
        await self._supervisor.ready("the pit wall", self._serves, *SERVICES)

    async def keep_certificate(self) -> None:
        """Let nats-server take a renewed certificate, without ending a connection; never ends.

        Not before it has started: a hangup ends a program that does not listen for one yet.
        """
        while True:
            await asyncio.sleep(LOOK_S)
            if (now := listening.stamp(self._given.nats)) != self._certificate:
                self._certificate = now
                self._supervisor.hang_up("nats")

    async def start_cars(self, session: str) -> None:
        """Start a driver app for each simulated car."""
        for car in CARS:
            file = self.folder / "keys" / "drivers" / f"{car.driver}{SUFFIX}"
            try:
                await enrolment.enrol(self._server, self._topology, car.driver, file)
            except BusDown as error:
                raise StackError(f"{car.driver} cannot be enrolled: {error}") from None
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
        given, trusted = self._given.gateway, None
        if given.certificate:
            # The names in it are for others; this process knows whom it started.
            trusted = ssl.create_default_context(cafile=given.certificate)
            trusted.check_hostname = False
            trusted.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        scheme = "https" if trusted else "http"
        place = f"{listening.bracketed(listening.reached_at(given.host))}:{self.addresses.gateway}"
        return _answers(f"{scheme}://{place}/api/v1/ready", trusted)


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


def _is_public(given: Settings) -> bool:
    """Tell whether nats-server is reached by TLS; raises SettingsError if that cannot work."""
    listening.check("NATS", given.nats)
    if not given.nats.certificate:
        return False
    if not NatsAddress(given.nats.url).by_tls:
        raise SettingsError(
            "PITBOX_NATS__URL: set it to where drivers and services reach this nats-server, "
            "tls://NAME:PORT with a name that PITBOX_NATS__CERTIFICATE is made for"
        )
    return True


def _page(given: Gateway, port: int) -> str:
    """Return where people reach the pit wall."""
    name = given.names.partition(",")[0].strip()
    if name and given.proxies:
        return f"https://{name}/"
    return f"http{'s' if given.certificate else ''}://{name or '127.0.0.1'}:{port}/"


def _ports(given: Settings) -> dict[str, int]:
    """Return the preferred ports or the nearest free ones; what others reach stays where it is."""
    fixed: dict[str, int] = {}
    if _is_public(given):
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
    """Tell whether something takes connections on a port of this machine."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def _answers(url: str, trusted: ssl.SSLContext | None = None) -> bool:
    """Tell whether a page of this machine says that all is well."""
    with (
        contextlib.suppress(OSError),
        urllib.request.urlopen(url, timeout=2, context=trusted) as answer,
    ):
        return bool(answer.status == 200)
    return False
