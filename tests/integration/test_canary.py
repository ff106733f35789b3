"""Planted secrets are searched in all output and storage of a whole hub."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Final

import httpx
import pytest
import websockets
from nats.js.errors import NotFoundError

from pitbox import topology
from pitbox.identity import credentials
from pitbox.nats.bus import Bus
from pitbox.postgres import migration
from pitbox.settings import Nats
from producers.uplink.renewal import renew
from schemas.wall import Ping, Pong
from tests.faults.programs import Program, Service
from tests.tools import hub, people
from tests.tools.hub import Database, eventually
from tests.tools.page import API, Served, opened, until_ready
from tests.tools.people import Person, person_of
from tests.tools.servers import (
    NatsServer,
    PostgresServer,
    Server,
    addresses,
    free_port,
    listens,
    until,
)

PASSWORD: Final = "canary-password-7f3a91"
NEXT_PASSWORD: Final = "canary-password-e20c44"
WRONG: Final = "canary-wrong-word-55c2"
FORGED: Final = "canary-forged-token-0b1d"
OWNER: Final = "canary-kai"
RACER: Final = "canary-lun"
GUEST: Final = "canary-zoe"
DRIVER: Final = "LUN"
CONTROL: Final = "canary-that-sings-3c9f"
BROKEN_HASH: Final = "update account set password = '$argon2id$' || chr(241) where name = $1"
TABLES: Final = "select tablename from pg_tables where schemaname = 'public'"
PRIVATE: Final = ("keys", "gateway-keys", "postgres.password")
"""What is there to keep secrets, for their owner alone."""

DRIVE_S: Final = 60.0
CONTROL_CODE: Final = f"""
import time
from pitbox import logs, metrics, settings
logs.configure(settings.load().log, "control")
metrics.dropped.labels("{CONTROL}", "control").inc()
logs.get("control").warning("control", said="{CONTROL}")
metrics.serve(settings.load().metrics)
time.sleep(600)
"""


class Control(Program):
    """A process that leaks a secret into its log and its metrics."""

    def command(self) -> list[str]:
        return [sys.executable, "-c", CONTROL_CODE]


class Run:
    """One hub with all its processes, its output, and the secrets that must not be in it.

    Nobody may see `secrets`; each of `tokens` appears once, in the answer to its owner; `names` are
    of people, and must be in no log or metric.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.nats, self.postgres = NatsServer(folder), PostgresServer(folder)
        self.database = self.postgres.url("pitbox")
        self.port = free_port()
        self.environment = {
            **{name: value for name, value in os.environ.items() if name[:7] != "PITBOX_"},
            **addresses(self.nats.url, self.database),
            "PITBOX_GATEWAY__PORT": str(self.port),
            "PITBOX_GATEWAY__KEYS": str(folder / "gateway-keys"),
            "PITBOX_LOG__LEVEL": "debug",
        }
        self.programs: list[Program] = []
        self.metrics: dict[str, str] = {}
        self.answers: list[str] = []
        self.refusals: list[str] = []
        self.secrets = {PASSWORD, NEXT_PASSWORD, WRONG, FORGED}
        self.tokens: set[str] = set()
        self.names = {OWNER, RACER, GUEST}

    @property
    def credentials(self) -> Path:
        """Return the file of the driver's PC."""
        return self.folder / "keys" / "pc.creds"

    def servers(self) -> list[Server]:
        """Return both servers."""
        return [self.postgres, self.nats]

    def services(self) -> Iterator[Program]:
        """Yield every service; one logs as for a terminal, whose lines have more fields."""
        for name in ("keys", "persister", "timing", "gateway"):
            form = "console" if name == "gateway" else "json"
            yield Service(name, self.folder, self.environment | {"PITBOX_LOG__FORMAT": form})

    async def keep(self, answer: httpx.Response) -> None:
        """Record an answer."""
        await answer.aread()
        text = f"{answer.headers}{answer.text}"
        (self.answers if answer.is_success else self.refusals).append(text)

    def read_metrics(self, *programs: Program) -> None:
        """Record the current metrics of processes."""
        for program in programs:
            with urllib.request.urlopen(f"http://127.0.0.1:{program.port}/metrics") as answer:
                page = answer.read().decode()
            assert "pitbox_" in page
            self.metrics[program.name] = page

    def drive(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start the app on the driver's PC."""
        pc = {
            "PITBOX_NATS__CREDENTIALS": str(self.credentials),
            "PITBOX_DRIVER__SPOOL": str(self.folder / "spool"),
        }
        with (self.folder / "drive.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "commands", "drive", "--source", "sim", *arguments],
                env=self.environment | pc,
                stdout=log,
                stderr=log,
            )

    def plant_keys(self) -> None:
        """Add every seed and key to the secrets, and the password of Postgres."""
        for path in (self.folder / "keys").rglob("*"):
            if path.suffix in (".seed", ".creds"):
                self.secrets |= {line for line in path.read_text().split() if line[:1] == "S"}
        for path in (self.folder / "gateway-keys").iterdir():
            self.secrets.add(path.read_bytes().hex())
        self.secrets.add((self.folder / "postgres.password").read_text().strip())
        assert len(self.secrets) > 12

    async def left(self) -> dict[str, str]:
        """Return the text of all output and storage, by place."""
        logs = [path.read_text(errors="replace") for path in self.folder.glob("*.log")]
        return {
            "the logs": "\n".join(logs),
            "the metrics": "\n".join(self.metrics.values()),
            "the refusals": "\n".join(self.refusals),
            "the answers": "\n".join(self.answers),
            "the database": await self._rows(),
            "the streams": await self._events(),
            "the files": self._files(),
        }

    async def _rows(self) -> str:
        """Return every row of every table as text; bytes appear raw and as hex."""
        stored = Database(self.database)
        tables = await stored.rows(TABLES)
        rows = [
            row[0]
            for table in tables
            for row in await stored.rows(f'select t::text from "{table[0]}" as t')
        ]
        return "\n".join(rows)

    async def _events(self) -> str:
        """Return every event of every stream."""
        found: list[bytes] = []
        async with hub.connected(self.nats.url) as bus:
            for stream in await bus.jetstream.streams_info():
                for sequence in range(max(stream.state.first_seq, 1), stream.state.last_seq + 1):
                    with contextlib.suppress(NotFoundError):  # a later message replaced it
                        event = await bus.jetstream.get_msg(stream.config.name or "", sequence)
                        found += [(event.subject or "").encode(), event.data or b""]
                        found.append(str(event.headers).encode())
        return b"\n".join(found).decode("latin-1")

    def _files(self) -> str:
        """Return the bytes of every file, those of Postgres with deleted rows included."""
        paths = [
            path
            for path in self.folder.rglob("*")
            if path.is_file() and not set(path.relative_to(self.folder).parts) & set(PRIVATE)
        ]
        return b"\n".join(path.read_bytes() for path in paths).decode("latin-1")


def places(left: dict[str, str], secret: str) -> set[str]:
    """Return the places that contain a secret, raw or as hex."""
    return {
        place
        for place, text in left.items()
        if secret in text or secret.encode().hex() in text.lower()
    }


@asynccontextmanager
async def whole_hub(folder: Path) -> AsyncIterator[Run]:
    """Run every process during the block."""
    run = Run(folder)
    with ExitStack() as ending:
        for server in run.servers():
            server.start()
            ending.callback(server.kill)
        await migration.migrate(run.database)
        await hub.apply(run.nats.url)
        for program in run.services():
            program.start()
            ending.callback(program.end)
            run.programs.append(program)
        await until_ready(run.port)
        yield run


async def test_asvs_16_2_5_no_secret_is_in_a_log_metric_answer_or_table(tmp_path: Path) -> None:
    async with whole_hub(tmp_path) as run:
        base = f"http://127.0.0.1:{run.port}"
        async with httpx.AsyncClient(base_url=base, event_hooks={"response": [run.keep]}) as rest:
            kai = await _log_in(run, rest)
            await _send_refused_requests(run, rest)
            await _drive(run, rest, kai)
            await _watch(run, rest, kai)
            await _revoke_and_log_out(run, rest, kai)
            await _fail_inside(run, rest, kai)
            run.plant_keys()
            run.read_metrics(*run.programs)
            left = await run.left()
            for secret in run.secrets:
                assert not places(left, secret), f"{secret[:12]}… is in {places(left, secret)}"
            for token in run.tokens:
                found = places(left, token) - {"the answers"}
                assert not found, f"{token[:6]}…, which was given once, is in {found}"
            for name in run.names:
                assert not places(left, name) & {"the logs", "the metrics"}, name
            await _leak_everywhere(run, rest)
            assert places(await run.left(), CONTROL) == left.keys() - {"the answers"}


async def _log_in(run: Run, rest: httpx.AsyncClient) -> Person:
    """Log in by a link, an invitation and a new password; return the owner."""
    link = await people.linked(run.database, OWNER)
    first = person_of(await rest.post(f"{API}/login/link", json={"secret": link}))
    change = {"current": "", "new": PASSWORD}
    answer = await rest.put(f"{API}/me/password", json=change, headers=first.headers)
    assert answer.status_code == 204
    logged = await rest.post(f"{API}/login", json={"name": OWNER, "password": PASSWORD})
    kai = person_of(logged)
    change = {"current": PASSWORD, "new": NEXT_PASSWORD}
    answer = await rest.put(f"{API}/me/password", json=change, headers=kai.headers)
    assert answer.status_code == 204
    wish = {"name": RACER, "role": "driver", "driver": DRIVER}
    invited = await rest.post(f"{API}/accounts", json=wish, headers=kai.headers)
    invitation = invited.json()["secret"]
    again = await rest.post(f"{API}/accounts", json=wish, headers=kai.headers)
    accepted = {"secret": invitation, "password": PASSWORD}
    if again.status_code == 201:
        accepted["secret"] = again.json()["secret"]
    lun = person_of(await rest.post(f"{API}/invitations/accept", json=accepted))
    rest.cookies.clear()
    cookie = {"cookie": f"__Host-rt={lun.refresh}"}
    renewed = person_of(await rest.post(f"{API}/refresh", headers=cookie))
    rest.cookies.clear()
    assert (await rest.post(f"{API}/logout", headers=renewed.headers)).status_code == 204
    for one in (first, kai, lun, renewed):
        run.tokens |= {one.token, one.refresh}
    run.tokens |= {link, invitation, accepted["secret"]}
    return kai


async def _send_refused_requests(run: Run, rest: httpx.AsyncClient) -> None:
    """Send requests that are refused."""
    for body in (
        {"name": OWNER, "password": WRONG},
        {"name": OWNER, "password": [WRONG]},
        {"name": WRONG * 40, "password": WRONG},
        {"name": OWNER, "password": WRONG, "secret": FORGED},
    ):
        assert (await rest.post(f"{API}/login", json=body)).status_code in (400, 401)
    assert (await rest.post(f"{API}/login", content=f'{{"{WRONG}')).status_code == 400
    for path in ("login/link", "invitations/accept"):
        body = {"secret": FORGED, "password": PASSWORD}
        wanted = {"secret": FORGED} if path == "login/link" else body
        assert (await rest.post(f"{API}/{path}", json=wanted)).status_code == 401
    forged = {"authorization": f"Bearer {FORGED}", "cookie": f"__Host-rt={FORGED}"}
    for path in ("me", "sessions/spa/laps", "nothing"):
        assert (await rest.get(f"{API}/{path}", headers=forged)).status_code in (401, 404)
    assert (await rest.post(f"{API}/refresh", headers=forged)).status_code == 401
    assert (await rest.get("/nothing", headers=forged)).status_code == 404
    with pytest.raises(websockets.InvalidStatus):
        async with websockets.connect(f"ws://127.0.0.1:{run.port}{API}/live?ticket={FORGED}"):
            pass


async def _drive(run: Run, rest: httpx.AsyncClient, kai: Person) -> None:
    """Enrol a PC by a code, drive, and renew its credentials."""
    wish = {"driver": DRIVER}
    for _ in range(2):
        made = (await rest.post(f"{API}/enrolments", json=wish, headers=kai.headers)).json()
        code, link_code = made["code"], made["link_code"]
        run.tokens |= {code, link_code, code.replace("-", "").replace(" ", "")}
    lap = ("--laps", "1", "--speed", "50")
    driving = run.drive("--enrol", f"{code}@127.0.0.1:{run.port}", *lap)
    assert await asyncio.to_thread(driving.wait, DRIVE_S) == 0
    assert await Database(run.database).value("select count(*) from telemetry") > 10
    server = Nats(url=run.nats.url, credentials=str(run.credentials))
    bus = await Bus.connect(server, "drive", topology.load(), forever=False)
    try:
        await renew(bus, run.credentials, credentials.read(run.credentials))
    finally:
        await bus.close()


async def _watch(run: Run, rest: httpx.AsyncClient, kai: Person) -> None:
    """Open the page, and a WebSocket by a ticket."""
    for path in ("/", "/openapi/", f"{API}/openapi.json"):
        assert (await rest.get(path)).status_code == 200
    for path in ("me", "sessions", "drivers", "accounts", "audit", "consents"):
        assert (await rest.get(f"{API}/{path}", headers=kai.headers)).status_code == 200
    async with opened(Served(run.port, run.database, kai)) as page:
        await page.send(Ping(token=1.0))
        await page.receive(Pong)
        assert page.connection.request is not None
        run.tokens.add(page.connection.request.path.split("=")[-1])


async def _revoke_and_log_out(run: Run, rest: httpx.AsyncClient, kai: Person) -> None:
    """Revoke the PC, which keeps trying; and end a login."""
    revoked = await rest.post(f"{API}/drivers/{DRIVER}/revoke", headers=kai.headers)
    assert revoked.status_code == 204
    trying = run.drive()

    async def refused() -> bool:
        return "the hub refuses this PC" in (run.folder / "drive.log").read_text()

    try:
        await eventually(refused, "the PC receives the refusal")
    finally:
        trying.send_signal(signal.SIGINT)
        await asyncio.to_thread(trying.wait, DRIVE_S)
    change = {"disabled": True}
    disabled = await rest.put(f"{API}/accounts/{RACER}", json=change, headers=kai.headers)
    assert disabled.status_code < 300, disabled.text


async def _fail_inside(run: Run, rest: httpx.AsyncClient, kai: Person) -> None:
    """Make a request fail within the gateway, and Postgres refuse a row and a query."""
    body = {"name": OWNER, "password": NEXT_PASSWORD}
    stored = Database(run.database)
    await stored.rows(BROKEN_HASH, OWNER)
    assert (await rest.post(f"{API}/login", json=body)).status_code == 500
    await stored.rows("alter table account add constraint no_guests check (role <> 'guest')")
    wish = {"name": GUEST, "role": "guest"}
    refused = await rest.post(f"{API}/accounts", json=wish, headers=kai.headers)
    assert refused.status_code == 503
    logged = (run.folder / "gateway.log").read_text()
    assert "request failed" in logged
    assert "no_guests" in logged
    assert "no_guests" in (run.folder / "postgres.log").read_text()


async def _leak_everywhere(run: Run, rest: httpx.AsyncClient) -> None:
    """Leak a secret into every place that is searched."""
    control = Control("control", run.folder, free_port(), run.environment)
    control.environment["PITBOX_METRICS__PORT"] = str(control.port)
    control.start()
    try:
        until(lambda: listens(control.port), "the metrics of the control are there")
        run.read_metrics(control)
    finally:
        control.end()
    async with hub.connected(run.nats.url) as bus:
        await hub.send(bus, [hub.chunk(session=CONTROL)])
    assert (await rest.get(f"{API}/ready?{CONTROL}=1")).status_code == 400

    async def kept() -> bool:
        query = "select count(*) from telemetry where session = $1"
        return bool(await Database(run.database).value(query, CONTROL))

    await eventually(kept, "the control is stored")
