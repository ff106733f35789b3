"""Every endpoint, requested by every role for its own data and for another's."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final, get_args

import asyncpg
import httpx
import msgspec
import pytest
import websockets

from consumers.gateway.web.login import COOKIE
from consumers.keys.service import service as keys
from consumers.persister.service import service as persister
from pitbox import topology
from pitbox.identity.nkeys import KeyPair, Kind
from pitbox.identity.permissions import SETUP
from pitbox.identity.proof import prove
from pitbox.nats.bus import Bus
from pitbox.people import accounts, enrolment_codes, logins
from pitbox.people.passwords import Passwords
from pitbox.people.tokens import load_secret
from schemas.api import Invitation, Role
from schemas.keys import Enrol, Enrolled
from schemas.sim import CarSeen, CarsSeen
from schemas.timing import Lap, Session
from schemas.wall import Subscribe
from tests.tools import hub
from tests.tools.hub import Database, connected, eventually, serving
from tests.tools.matrix import (
    ASKING,
    NAMES,
    NOBODY,
    NOBODYS,
    PROOFS,
    REACHES,
    SOCKET,
    Answer,
    Operation,
    Question,
    Reach,
    Thing,
    expected,
    lacking,
    operations,
    questions,
)
from tests.tools.page import API, Served, gateway_of
from tests.tools.people import PASSWORD
from tests.tools.servers import NatsServer

PEOPLE: Final = tuple(Thing(key) for key in (*ASKING, "shared", "hidden"))
SHARED: Final = Thing("shared")
PROXIED: Final = {"proxies": "127.0.0.1", "nats_url": "tls://race.example.com"}
STATE: Final = """
select (select array_agg(a order by account) from account as a)::text,
    (select array_agg(c order by driver, kind, role) from consent as c)::text,
    (select array_agg((sid, ended) order by sid) from login)::text,
    (select array_agg(o order by hash) from one_time_link as o)::text,
    (select array_agg((handle, used) order by handle) from enrolment)::text,
    (select array_agg(n order by driver) from nats_account as n)::text,
    (select array_agg(u order by public_key) from nats_user as u)::text,
    (select array_agg((r.session, driver, run) order by r.session, driver) from run as r)::text,
    (select array_agg(d order by d.session, driver) from deleted as d)::text,
    (select array_agg(p.session order by p.session) from pinned as p)::text
"""
"""The rows that a refused request must not change."""


class Requester:
    """Send requests to a gateway, each with a new login and new objects."""

    def __init__(self, served: Served, folder: Path, postgres: Any, desk: Bus, drives: Bus) -> None:
        self._served = served
        self._key = load_secret(folder / "gateway-keys")
        self._postgres = postgres
        self._desk = desk
        self._drives = drives
        self._rest = httpx.AsyncClient(base_url=served.address, timeout=20)
        self._numbers = itertools.count()

    async def described(self) -> dict[str, Any]:
        """Return the gateway's OpenAPI document."""
        described: dict[str, Any] = (await self._rest.get(f"{API}/openapi.json")).json()
        return described

    async def ask(self, question: Question) -> Answer:
        """Send a request and return its outcome; fail when a refused one changed a row."""
        headers = await self._headers(question.role)
        given = await self._given(question)
        before = await self._state()
        if question.operation.endpoint == SOCKET:
            return await self._watch(question, headers)
        answer = await self._rest.send(self._request(question, headers, given))
        kind = _kind(question, answer)
        if kind not in (Answer.DONE, Answer.TOLD, Answer.UNTOLD):
            assert await self._state() == before, f"{question} was refused, and changed something"
        return kind

    async def close(self) -> None:
        """Close the clients."""
        await self._rest.aclose()

    async def _state(self) -> Any:
        return await self._postgres.fetchrow(STATE)

    def _from(self) -> dict[str, str]:
        """Return headers with a new address, so that no limit of attempts is reached."""
        number = next(self._numbers)
        return {"x-forwarded-for": f"10.7.{number // 250}.{number % 250 + 1}"}

    async def _headers(self, role: str) -> dict[str, str]:
        if role == NOBODY:
            return self._from()
        cookie = await self._cookie(Thing(role))
        answer = await self._rest.post(f"{API}/refresh", headers=self._from() | cookie)
        assert answer.status_code == 200, answer.text
        self._rest.cookies.clear()
        return self._from() | {"authorization": f"Bearer {answer.json()['access_token']}"}

    async def _account(self, thing: Thing) -> accounts.Account:
        found = await accounts.find(self._postgres, thing.account)
        assert found is not None
        return found

    async def _cookie(self, thing: Thing, *, ended: bool = False) -> dict[str, str]:
        account = await self._account(thing)
        sid, token = await logins.begin(self._postgres, account.account, account.password)
        if ended:
            await logins.end(self._postgres, sid, "logout")
        return {"cookie": f"{COOKIE}={token}"}

    async def _given(self, question: Question) -> dict[str, Any]:
        """Return a value for every parameter, and make the objects that they name."""
        thing, own = question.thing, question.whose == "own"
        given = {
            **PROOFS,
            **NOBODYS,
            **{name: getattr(thing, kind) for name, kind in NAMES.items()},
        }
        fresh = Thing(f"newcomer{next(self._numbers)}")
        match question.operation.endpoint:
            case "POST /login/link":
                account = (await self._account(thing)).account
                links = [(await accounts.login_link(self._postgres, account))[0] for _ in range(2)]
                given["secret"] = links[own]
            case "POST /invitations/accept":
                wish = Invitation(name=fresh.account, role="guest")
                links = [(await accounts.invite(self._postgres, wish))[0] for _ in range(2)]
                given["secret"] = links[own]
            case "POST /refresh":
                given["cookie"] = await self._cookie(thing, ended=not own)
            case "POST /enrol":
                given |= await self._proved(question)
            case "POST /accounts" if own:
                given |= {"name": fresh.account, "driver": fresh.driver}
            case "PUT /accounts/{name}":
                given["role"] = thing.role
            case "GET /enrolments/{driver}":
                await self._code(thing)
            case "DELETE /sessions/{session}/drivers/{driver}":
                given["session"] = fresh.session
                run = "insert into run (session, driver, run, closed) values ($1, $2, 1, true)"
                await self._postgres.execute(run, fresh.session, thing.driver)
            case endpoint if "/drivers" in endpoint.removeprefix("GET /sessions"):
                given["public_key"] = KeyPair.new(Kind.USER).public
                wish = Enrol(driver=thing.driver, public_key=given["public_key"])
                enrolled: Enrolled = await self._desk.request("keys.enrol", wish)
                assert not enrolled.refused
        return given

    async def _code(self, thing: Thing) -> str:
        """Make an enrolment code for a driver."""
        account = (await self._account(thing)).account
        return (await enrolment_codes.make(self._postgres, thing.driver, account, self._key)).code

    async def _proved(self, question: Question) -> dict[str, str]:
        """Return a code with a proof; for another's code the proof is of another key."""
        code = await self._code(question.thing)
        pair = KeyPair.new(Kind.USER)
        signer = pair if question.whose == "own" else KeyPair.new(Kind.USER)
        proof = prove(signer, code)
        return {"code": code, "public_key": pair.public, "proof": proof}

    def _request(
        self, question: Question, headers: dict[str, str], given: dict[str, Any]
    ) -> httpx.Request:
        operation = question.operation
        path = operation.path
        for name in operation.in_path:
            path = path.replace(f"{{{name}}}", str(given[name]))
        query = {name: given[name] for name in operation.query}
        body = {name: given[name] for name in operation.body}
        if REACHES[operation.endpoint] is Reach.NAMELESS and question.whose != "own":
            # The object of another has to be named.
            (body if body else query).update(
                {name: given[name] for name in NAMES if name not in operation.parameters}
            )
        return self._rest.build_request(
            operation.method,
            path,
            params=query,
            json=body or None,
            headers=headers | given.get("cookie", {}),
        )

    async def _watch(self, question: Question, headers: dict[str, str]) -> Answer:
        """Subscribe to a driver; read messages up to a chunk that everyone may see."""
        ticket = ""
        if question.role != NOBODY:
            answer = await self._rest.post(f"{API}/ws-ticket", headers=headers)
            ticket = answer.json()["ticket"]
        address = f"ws://127.0.0.1:{self._served.port}{API}/live?ticket={ticket}"
        try:
            async with websockets.connect(address, compression=None) as page:
                return await self._receive(page, question.thing)
        except websockets.InvalidStatus as refused:
            assert refused.response.status_code == 403
            return Answer.STRANGER

    async def _receive(self, page: Any, thing: Thing) -> Answer:
        session, number = thing.session, next(self._numbers)
        wish = Subscribe(session=session, drivers=(), channels=("speed",))
        await page.send(msgspec.msgpack.encode(wish))
        for driver, run in ((thing.driver, 1), (SHARED.driver, 2)):
            chunk = hub.chunk(number, driver=driver, session=session, run=run)
            await self._drives.publish("telemetry.live", chunk)
        before = b""
        async with asyncio.timeout(hub.WAIT_S):
            while not (
                b"frames" in (latest := await page.recv()) and SHARED.mark.encode() in latest
            ):
                before += latest
        found = before + latest if thing == SHARED else before
        return Answer.TOLD if f"{thing.driver}".encode() in found else Answer.UNTOLD


def _kind(question: Question, answer: httpx.Response) -> Answer:
    listed = REACHES[question.operation.endpoint] not in (Reach.NAMELESS, Reach.NEW, Reach.PROVED)
    match answer.status_code:
        case 200 | 201 if listed:
            # An answer without a frame only repeats the requested names.
            shown = question.thing.mark in answer.text and '"times_ms":[]' not in answer.text
            return Answer.TOLD if shown else Answer.UNTOLD
        case 200 | 201 | 204:
            return Answer.DONE
        case 400:
            return Answer.REFUSED
        case 401 if answer.headers.get("www-authenticate") == "Bearer":
            return Answer.STRANGER
        case 401:
            return Answer.UNPROVED
        case 403 if "your role does not allow" in answer.text:
            return Answer.ROLE
        case 403:
            return Answer.ANOTHERS
        case 404:
            return Answer.GONE
    raise AssertionError(f"{question}: {answer.status_code} {answer.text}")


@pytest.fixture
async def requester(
    nats_server: NatsServer, database: str, tmp_path: Path
) -> AsyncIterator[Requester]:
    """Yield a requester at a hub where every person has an account and a session with a hole."""
    await hub.apply(nats_server.url)
    settings = hub.settings_of(nats_server.url, database)
    async with serving(persister(settings)):
        await _drove(nats_server.url, Database(database))
    async with (
        gateway_of(nats_server.url, database, tmp_path, **PROXIED) as served,
        serving(keys(settings)),
        connected(nats_server.url) as drives,
    ):
        desk = await Bus.connect(settings.nats, SETUP, topology.load())
        postgres = await asyncpg.connect(database)
        await _joined(postgres)
        made = Requester(served, tmp_path, postgres, desk, drives)
        try:
            yield made
        finally:
            await made.close()
            await postgres.close()
            await desk.close()


async def _drove(url: str, stored: Database) -> None:
    async with connected(url) as bus:
        for thing in PEOPLE:
            whose = {"driver": thing.driver, "session": thing.session}
            cars = hub.observed(CarsSeen(at_ns=hub.START_NS, cars=(CarSeen("7"),), own="7"))
            chunks = [hub.chunk(number, **whose, observed=cars) for number in (0, 2)]
            await hub.send(bus, chunks)
            session = Session(**whose, at_ns=1, source="sim", track="Spa", started_ns=1)
            lap = Lap(**whose, at_ns=5, car="7", own=True, lap_number=1, revision=1)
            lap = msgspec.structs.replace(lap, started_ns=hub.START_NS)
            await hub.write_facts(stored.url, session, lap, *hub.of_corners(**whose))

    async def everything() -> bool:
        counts = "select (select count(*) from telemetry) + 2 * (select count(*) from lap)"
        return bool(await stored.value(counts) == 4 * len(PEOPLE))

    await eventually(everything, "everything is stored")


async def _joined(postgres: Any) -> None:
    """Make the accounts; all drivers but one hide their telemetry from every role."""
    mine, others = [await Passwords().hashed(f"{PASSWORD}{more}") for more in ("", " of others")]
    for thing in PEOPLE:
        role = msgspec.convert(thing.role, Role)
        wish = Invitation(name=thing.account, role=role, driver=thing.driver)
        await accounts.invite(postgres, wish)
        account = await accounts.find(postgres, thing.account)
        assert account is not None
        password = mine if thing.key in ASKING else others
        await accounts.set_password(postgres, account.account, password)
        for seer in get_args(Role) if thing != SHARED else ():
            row = (thing.driver, "telemetry", seer, False)
            await postgres.execute("insert into consent values ($1, $2, $3, $4)", *row)


async def test_asvs_6_3_4_8_2_1_8_2_2_every_answer_matches_the_table_of_roles(
    requester: Requester, capsys: pytest.CaptureFixture[str]
) -> None:
    found = list(operations(await requester.described()))
    assert list(lacking(found)) == []
    cells = list(questions(found))
    wrong = []
    for question in cells:
        outcome, due = await requester.ask(question), expected(question)
        if outcome is not due:
            name = f"{question.operation.endpoint}, {question.role}, {question.whose}"
            wrong.append(f"{name}: was {outcome}, is to be {due}")
    assert wrong == []
    with capsys.disabled():
        print(f" matrix: {len(found)} endpoints, {len(cells)} cells, {len(wrong)} wrong", end=" ")


def test_an_endpoint_without_an_expectation_is_named() -> None:
    path = f"{API}/sessions/{{session}}/radio"
    parameters = [{"in": "path", "name": "session"}, {"in": "query", "name": "engineer"}]
    new = {"paths": {path: {"get": {"parameters": parameters}}}}
    missing = list(lacking(list(operations(new))))
    assert missing[:3] == [
        "GET /sessions/{session}/radio: no role is declared",
        "GET /sessions/{session}/radio: nobody says how far it reaches",
        "GET /sessions/{session}/radio: nobody says whose 'engineer' is",
    ]
    assert "GET /me: is not served" in missing
    assert Operation("GET", f"{API}/live") in operations(new)
