"""All that accepts a name: a real gateway with an owner, and the service keys behind it."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final
from urllib.parse import quote

import httpx
import msgspec

from consumers.keys.service import service as keys
from pitbox import topology
from pitbox.identity import jwt
from pitbox.identity.nkeys import KeyPair, Kind
from pitbox.identity.permissions import SETUP
from pitbox.identity.proof import prove
from schemas.api import AccountName, Role
from schemas.keys import DriverName, Enrol, Enrolled
from tests.attacks.wire import Wire
from tests.tools import hub, long_drive
from tests.tools.page import API, gateway_of
from tests.tools.people import joined
from tests.tools.servers import USERS, NatsServer

GOOD: Final = "gil"
INBOX: Final = f"_INBOX.{SETUP}"
FOR_PEOPLE: Final = ("bea.s", "bea.")
"""Good names for accounts, which stand in no subject."""

REFUSALS: Final = {400, 404, 405, 413}
DRIVERS: Final = """
select driver from enrolment union select driver from nats_account
union select driver from account where driver is not null
"""


RUNS: Final = """
insert into run (session, driver, run, first_seen)
select session, driver, 1, now() + place * interval '1 ms'
from unnest($1::text[], $2::text[]) with ordinality as drove (driver, session, place)
"""


LEFT: Final = "insert into run (session, driver, run, closed) values ($1, 'bea', 1, true)"


class NameGateway:
    """Submit names to every endpoint that takes one, as the owner, who may do most."""

    def __init__(
        self, server: NatsServer, database: str, rest: httpx.AsyncClient, port: int
    ) -> None:
        self.port = port
        self._server = server
        self._stored = hub.Database(database)
        self._rest = rest
        self._known: set[str] = set()

    async def accepts(self, name: str) -> list[str]:
        """Return the endpoints that accepted a name; fails if one does neither that nor refuse."""
        found = []
        for method, path, body in _requests(name):
            answer = await self._rest.request(method, path, json=body)
            endpoint = f"{method} {path.replace(quote(name, safe=''), '…') if name else path}"
            if answer.is_success:
                found.append(endpoint)
                if method + path == "POST/enrolments":
                    found += await self._enrolled(answer.json()["code"])
            else:
                assert answer.status_code in REFUSALS, (endpoint, answer.status_code, answer.text)
        return found + await self._signed(name)

    async def strangers(self) -> list[str]:
        """Return the names that exist by now although nobody should have them."""
        drivers = [row[0] for row in await self._stored.rows(DRIVERS)]
        for file in (self._server.folder / "nats" / "accounts").glob("*.jwt"):
            claimed = jwt.verified(file.read_text())["name"]
            drivers += [claimed.removeprefix("driver-")]
        accounts = [row[0] for row in await self._stored.rows("select name from account")]
        strange = {name for name in drivers if not _fits(name, DriverName)}
        strange |= {name for name in accounts if not _fits(name, AccountName)}
        fresh, self._known = strange - self._known, strange
        return sorted(fresh)

    async def listed_after(self, driven: list[tuple[str, str]]) -> list[str]:
        """Store that drivers drove sessions, in this order; return the first listed sessions."""
        drivers, sessions = zip(*driven, strict=True)
        await self._stored.rows(RUNS, drivers, sessions)
        return [row["session"] for row in (await self._rest.get("/sessions")).json()]

    async def deletes(self, role: Role | None, session: str) -> bool:
        """Store a session of bea, who has left; let somebody delete it, and return whether it went.

        `role` is None for somebody without a login; a driver is another one.
        """
        await self._stored.rows(LEFT, session)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}") as rest:
            headers = {}
            if role:
                name, driver = f"mallory-{role}", "mallory" if role == "driver" else None
                headers = (await joined(rest, self._stored.url, name, role, driver)).headers
            await rest.delete(f"{API}/sessions/{session}/drivers/bea", headers=headers)
        return not await self._stored.value("select true from run where session = $1", session)

    async def large_answer(self) -> tuple[str, str]:
        """Store a long drive; return the path of its telemetry, and a token."""
        await long_drive.store(self._stored.url)
        return long_drive.PATH, self._rest.headers["authorization"].removeprefix("Bearer ")

    async def _enrolled(self, code: str) -> list[str]:
        pair = KeyPair.new(Kind.USER)
        body = {"code": code, "public_key": pair.public, "proof": prove(pair, code)}
        answer = await self._rest.post("/enrol", json=body)
        return ["POST /enrol"] if answer.is_success else []

    async def _signed(self, name: str) -> list[str]:
        """Request a signature directly from keys, which answers nothing it cannot decode."""
        wire = await Wire.open(self._server, self._server.keys / USERS / f"{SETUP}.creds")
        try:
            wire.subscribe(f"{INBOX}.>")
            subject = topology.load().subject("keys.enrol")
            for inbox, driver in (("asked", name), ("last", GOOD)):
                wish = Enrol(driver=driver, public_key=KeyPair.new(Kind.USER).public)
                wire.publish(subject, msgspec.msgpack.encode(wish), reply=f"{INBOX}.{inbox}")
            await hub.eventually(partial(_has, wire, f"{INBOX}.last"), "the last one is answered")
            answer = dict(wire.messages).get(f"{INBOX}.asked")
            signed = answer and msgspec.msgpack.decode(answer, type=Enrolled).jwt
            return ["keys.enrol"] if signed else []
        finally:
            await wire.close()


@asynccontextmanager
async def name_gateway(server: NatsServer, database: str) -> AsyncIterator[NameGateway]:
    """Run the gateway; check that every endpoint accepts a good name."""
    await hub.apply(server.url)
    settings = hub.settings_of(server.url, database)
    async with (
        hub.serving(keys(settings)),
        gateway_of(server.url, database, server.folder) as served,
        served.rest() as rest,
    ):
        made = NameGateway(server, database, rest, served.port)
        taken = await made.accepts(GOOD)
        assert len(taken) == len(list(_requests(GOOD))) + 2, taken
        yield made


def _requests(name: str) -> Iterator[tuple[str, str, Any]]:
    """Yield every request that takes a name: method, path, body."""
    at = quote(name, safe="")
    yield "POST", "/enrolments", {"driver": name}
    yield "GET", f"/enrolments/{at}", None
    yield "POST", f"/drivers/{at}/revoke", None
    yield "POST", "/accounts", {"name": "kai", "role": "driver", "driver": name}
    if name in FOR_PEOPLE:
        return
    yield "POST", "/accounts", {"name": name, "role": "guest"}
    yield "POST", f"/accounts/{at}/logout", None
    yield "PUT", f"/accounts/{at}", {"disabled": True}


async def _has(wire: Wire, subject: str) -> bool:
    return subject in dict(wire.messages)


def _fits(name: str, kind: Any) -> bool:
    try:
        msgspec.convert(name, kind)
    except msgspec.ValidationError:
        return False
    return True
