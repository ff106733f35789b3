"""PitBox on one machine: its programs, their order and their settings.

One folder, which only its owner may read, contains streams, database, spools, the database's
password, and the record of the running stack.
"""

import asyncio
import contextlib
import os
import shlex
import signal
import ssl
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from commands.hub import enrolment, nats_server, postgres_server, record
from commands.hub.findings import PERSISTER
from commands.hub.ports import choose, is_public, listens
from commands.hub.record import Addresses, addresses, driver_file, page_of
from commands.hub.services import Services
from commands.hub.supervisor import Program, StackError, Supervisor, end_leftovers, pitbox
from commands.hub.volume import taken_bytes, volume
from commands.hub.watch import Servers, Watch
from pitbox import topology
from pitbox.folder_lock import LockedError, folder_lock
from pitbox.identity.authority import Authority
from pitbox.identity.folder import write_private
from pitbox.nats.bus import Bus, BusDown
from pitbox.postgres import migration
from pitbox.settings import Nats, Settings
from pitbox.tls import listening
from pitbox.topology import admin, room

RECORD: Final = "processes.json"
ENVIRONMENT: Final = "environment"
LOOK_S: Final = 2.0
LOCKED_S: Final = 2.0
"""Others hold the folder's lock for an instant, to look whether a stack runs there."""


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
    """Run servers, services and cars from one folder."""

    def __init__(self, folder: Path, supervisor: Supervisor, given: Settings) -> None:
        """Prepare to run in a folder that this process owns.

        Raises SettingsError when connections beyond loopback would have no TLS.
        """
        self.folder = folder
        self._given = given
        self._supervisor = supervisor
        self._topology = topology.load(given.streams)
        self._authority = Authority(folder / "keys", self._topology)
        self._certificate = listening.stamp(given.nats)
        self._services: Services | None = None
        chosen = choose(given)
        self.addresses = Addresses(
            supervisor=os.getpid(),
            nats_url=given.nats.url if is_public(given) else f"nats://127.0.0.1:{chosen['nats']}",
            page=page_of(given.gateway, chosen["gateway"]),
            nats=chosen["nats"],
            postgres=chosen["postgres"],
            gateway=chosen["gateway"],
        )

    @property
    def environment(self) -> dict[str, str]:
        """Return the settings by which a `pitbox` command uses this stack."""
        gateway = self._given.gateway
        return {
            "PITBOX_NATS__URL": self.addresses.nats_url,
            "PITBOX_NATS__CA": _absolute(self._given.nats.ca),
            "PITBOX_NATS__CREDENTIALS": str(self._authority.users),
            "PITBOX_KEYS__FOLDER": str(self.folder / "keys"),
            "PITBOX_POSTGRES__URL_FILE": str(self.folder / "postgres.url"),
            "PITBOX_GATEWAY__PORT": str(self.addresses.gateway),
            "PITBOX_GATEWAY__KEYS": str(self.folder / "gateway-keys"),
            "PITBOX_GATEWAY__NAMES": gateway.names,
            "PITBOX_GATEWAY__PROXIES": gateway.proxies,
            "PITBOX_GATEWAY__CERTIFICATE": _absolute(gateway.certificate),
            "PITBOX_STREAMS": _absolute(self._given.streams),
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
        """Start nats-server and Postgres, then apply migrations and streams."""
        cluster, ports = self.folder / "postgres", self.addresses
        await asyncio.to_thread(postgres_server.initialise, cluster)
        write_private(self.folder / "postgres.url", self.database)
        self._check_room()
        nats = nats_server.command(
            self._store,
            self._authority.trust(),
            self._given.nats,
            ports.nats,
            max_store_bytes=room.store_bytes(self._topology),
        )
        postgres = postgres_server.command(cluster, ports.postgres)
        await self._supervisor.start(Program("nats", tuple(nats), folder=self._store))
        await self._supervisor.start(
            Program("postgres", tuple(postgres), ends_by=signal.SIGINT, folder=cluster),
        )
        await self._supervisor.ready("nats-server", lambda: listens(ports.nats), "nats")
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
        record.write(self.folder, replace(ports, environment=self.environment))

    async def start_services(self) -> None:
        """Start every consumer of streams.yaml, and wait until the pit wall answers."""
        users, streams = self._authority.users, self._given.streams
        self._services = Services(self._supervisor, users, streams, self.environment)
        await self._services.update()
        await self._supervisor.ready("the pit wall", self._serves, *self._services.names)

    async def keep(self) -> None:
        """Follow changes of the certificate and of streams.yaml; never return."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keep_certificate())
            tasks.create_task(self._watch().run())
            if self._services is not None:
                tasks.create_task(self._services.keep())

    @property
    def _store(self) -> Path:
        return self.folder / "nats"

    def _check_room(self) -> None:
        """Show that the volume has no room for all that the streams may take.

        It is no error: TELEMETRY may fit for hours, and a hub that does not start stores nothing.
        Raises StackError when the volume could not hold the streams even if it were empty.
        """
        have, taken = volume(self._store), taken_bytes(self._store)
        place = str(self._store)
        if never := room.above_volume(self._topology, have.total_bytes, place):
            raise StackError(never)
        if now := room.above_volume(self._topology, have.free_bytes + taken, place):
            self._supervisor.show("watch", now)

    def _watch(self) -> Watch:
        servers = Servers(
            nats=self._server,
            store=self._store,
            database=self.database,
            cluster=self.folder / "postgres",
            persister=PERSISTER if self._services else "",
            show=self._supervisor.show,
            restart=self._supervisor.restart,
        )
        return Watch(servers, self._topology)

    async def _keep_certificate(self) -> None:
        """Send SIGHUP to nats-server whenever its certificate has changed; connections stay open.

        Run it after nats-server has started: SIGHUP ends a program without a handler for it.
        """
        while True:
            await asyncio.sleep(LOOK_S)
            if (now := listening.stamp(self._given.nats)) != self._certificate:
                self._certificate = now
                self._supervisor.hang_up("nats")

    async def start_cars(self, session: str) -> None:
        """Start a driver app for each simulated car."""
        for car in CARS:
            file = driver_file(self.folder / "keys", car.driver)
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
            # The certificate's names are public ones; this process connects by loopback.
            trusted = ssl.create_default_context(cafile=given.certificate)
            trusted.check_hostname = False
            trusted.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        scheme = "https" if trusted else "http"
        place = f"{listening.bracketed(listening.reached_at(given.host))}:{self.addresses.gateway}"
        return _answers(f"{scheme}://{place}/api/v1/ready", trusted)


@contextlib.contextmanager
def owned(folder: Path) -> Iterator[Path]:
    """Own a stack's folder within the block; first end processes that a killed owner left.

    Raises StackError when a stack runs there already.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        with folder_lock(folder, wait_s=LOCKED_S):
            record.forget(folder)
            end_leftovers(folder / RECORD)
            yield folder.resolve()
            record.forget(folder)
    except LockedError:
        running = addresses(folder)
        where = f" at {running.page}" if running else ""
        raise StackError(f"a stack runs already{where}: `make down` stops it") from None


def _absolute(file: str) -> str:
    """Return a file of the settings as every folder names it; "" stays."""
    return str(Path(file).expanduser().absolute()) if file else ""


def _answers(url: str, trusted: ssl.SSLContext | None = None) -> bool:
    """Return whether a page of this machine answers with status 200."""
    with (
        contextlib.suppress(OSError),
        urllib.request.urlopen(url, timeout=2, context=trusted) as answer,
    ):
        return bool(answer.status == 200)
    return False
