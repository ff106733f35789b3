"""Logins, sessions, sockets and limits of access, at a gateway with a real NATS and Postgres."""

import asyncio
import contextlib
import json
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
import websockets
from structlog.testing import capture_logs

from consumers.gateway.service import service
from consumers.gateway.web.connections import Limits
from consumers.gateway.web.login import COOKIE
from pitbox.people import logins, secrets
from pitbox.people.passwords import HASHER, Passwords
from schemas.wall import Frames, Ping, Pong
from tests.tools import hub, people
from tests.tools.hub import Database, connected
from tests.tools.page import API, Page, Served, gateway_of, opened, ticket_of
from tests.tools.people import PASSWORD, Person
from tests.tools.processes import pitbox
from tests.tools.servers import NatsServer, PostgresServer, away

ENDS_WITHIN_S = 30.0


class Interrupted(Passwords):
    """Run a hook between the check of a password and the answer."""

    meanwhile: Callable[[], Awaitable[None]] | None = None

    async def matches(self, kept: str | None, password: str) -> bool:
        """Check a password, then do `meanwhile`."""
        found = await super().matches(kept, password)
        if self.meanwhile is not None:
            await self.meanwhile()
        return found


@pytest.fixture
def passwords() -> Interrupted:
    """Return the password check of `served`, without a hook at first."""
    return Interrupted()


@pytest.fixture
async def served(
    request: pytest.FixtureRequest,
    nats_server: NatsServer,
    database: str,
    tmp_path: Path,
    passwords: Interrupted,
) -> AsyncIterator[Served]:
    """Run a gateway with an owner; a parameter holds other arguments of `service`."""
    await hub.apply(nats_server.url)
    build = partial(service, passwords=passwords, **getattr(request, "param", {}))
    async with gateway_of(nats_server.url, database, tmp_path, build) as running_gateway:
        yield running_gateway


@pytest.fixture
async def stranger(served: Served) -> AsyncIterator[httpx.AsyncClient]:
    """Yield a client that is not logged in."""
    async with httpx.AsyncClient(base_url=served.address, timeout=20) as rest:
        yield rest


async def login(stranger: httpx.AsyncClient, name: str, password: str = PASSWORD) -> httpx.Response:
    body = {"name": name, "password": password}
    return await stranger.post(f"{API}/login", json=body)


async def refresh(stranger: httpx.AsyncClient, token: str) -> httpx.Response:
    stranger.cookies.clear()
    return await stranger.post(f"{API}/refresh", headers={"cookie": f"{COOKIE}={token}"})


async def may(stranger: httpx.AsyncClient, person: Person) -> bool:
    answer = await stranger.get(f"{API}/me", headers=person.headers)
    assert answer.status_code in (200, 401), answer.text
    return answer.status_code == 200


async def is_closed_by_the_gateway(page: Page) -> None:
    """Wait up to five seconds until the gateway closes a page's socket with 4401."""
    with pytest.raises(websockets.ConnectionClosed):
        async with asyncio.timeout(ENDS_WITHIN_S):
            while True:
                await page.connection.recv()
    assert page.connection.close_code == 4401


async def is_aborted(connection: socket.socket) -> None:
    """Wait until the gateway closes a connection without an answer."""
    loop = asyncio.get_running_loop()
    connection.setblocking(False)
    with contextlib.suppress(ConnectionError):
        assert await asyncio.wait_for(loop.sock_recv(connection, 4096), ENDS_WITHIN_S) == b""


async def audited(database: str) -> list[str]:
    rows = await Database(database).rows("select action from audit order by id")
    return [row["action"] for row in rows]


async def test_asvs_7_2_4_an_invitation_is_valid_once_and_every_login_has_new_tokens(
    served: Served, stranger: httpx.AsyncClient, database: str
) -> None:
    secret = await people.invited(database, "kai", "driver", "KAI")
    body = {"secret": secret, "password": PASSWORD}
    weak = await stranger.post(f"{API}/invitations/accept", json=body | {"password": "short"})
    assert (weak.status_code, "12 characters" in weak.json()["detail"]) == (400, True)
    kai = people.person_of(await stranger.post(f"{API}/invitations/accept", json=body))
    again = await stranger.post(f"{API}/invitations/accept", json=body)
    assert again.status_code == 401
    other = people.person_of(await login(stranger, "kai"))
    assert (other.token, other.refresh) != (kai.token, kai.refresh)
    me = (await stranger.get(f"{API}/me", headers=kai.headers)).json()
    assert me == {"name": "kai", "role": "driver", "driver": "KAI", "has_password": True}


async def test_asvs_6_4_1_6_5_1_links_expire_and_a_newer_one_replaces_them(
    served: Served, stranger: httpx.AsyncClient, database: str
) -> None:
    old, new = [await people.linked(database, "ann") for _ in range(2)]
    for secret, status in ((old, 401), (new, 200), (new, 401), ("x", 401)):
        answer = await stranger.post(f"{API}/login/link", json={"secret": secret})
        assert answer.status_code == status
    late = await people.linked(database, "ann")
    await Database(database).rows("update one_time_link set expires = now() - interval '1 s'")
    assert (await stranger.post(f"{API}/login/link", json={"secret": late})).status_code == 401


async def test_asvs_16_3_1_16_5_1_every_failed_login_gets_the_same_answer(
    served: Served, stranger: httpx.AsyncClient, database: str
) -> None:
    await people.joined(stranger, database, "kai", "driver")
    await people.joined(stranger, database, "lun", "guest")
    await people.invited(database, "new", "guest")
    await served_change(served, "lun", disabled=True)
    answers = [
        await login(stranger, "kai", "a wrong password"),
        await login(stranger, "nobody"),
        await login(stranger, "new"),
        await login(stranger, "lun"),
    ]
    assert {(answer.status_code, answer.text) for answer in answers} == {
        (401, '{"status":401,"detail":"name or password is wrong"}')
    }
    assert (await audited(database)).count("login refused") == 4
    for path, body in (("login/link", {}), ("invitations/accept", {"password": PASSWORD})):
        unknown = await stranger.post(f"{API}/{path}", json=body | {"secret": "x"})
        assert unknown.status_code == 401
    assert (await audited(database))[-2:] == ["login by link refused", "invitation refused"]


async def served_change(served: Served, name: str, **change: Any) -> None:
    async with served.rest() as rest:
        answer = await rest.put(f"/accounts/{name}", json=change)
        assert answer.status_code == 204, answer.text


async def test_asvs_2_4_1_4_1_3_6_3_1_guessing_is_stopped_and_forged_addresses_do_not_help(
    served: Served, stranger: httpx.AsyncClient, database: str
) -> None:
    await people.joined(stranger, database, "kai", "driver")
    for name in ("kai", "nobody"):
        answers = []
        for number in range(7):
            forged = {"x-forwarded-for": f"10.0.0.{number}", "forwarded": f"for=10.0.1.{number}"}
            body = {"name": name, "password": "a wrong password"}
            answers.append(await stranger.post(f"{API}/login", json=body, headers=forged))
        assert [answer.status_code for answer in answers] == [401] * 5 + [429] * 2
        assert 0 < int(answers[-1].headers["retry-after"]) <= 60
    assert (await login(stranger, "kai")).status_code == 429


async def test_asvs_6_3_2_there_are_no_default_accounts(database: str) -> None:
    assert await Database(database).value("select count(*) from account") == 0


async def test_asvs_3_3_1_3_3_2_3_3_3_3_3_4_the_cookie_is_for_this_host_and_no_script(
    served: Served, stranger: httpx.AsyncClient, database: str
) -> None:
    secret = await people.linked(database, "ann")
    answer = await stranger.post(f"{API}/login/link", json={"secret": secret})
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-rt=")
    parts = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert {"httponly", "secure", "samesite=strict", "path=/"} <= parts
    assert not any(part.startswith("domain") for part in parts)
    assert answer.headers["cache-control"] == "no-store"


async def test_a_refresh_token_is_used_once_and_its_theft_ends_the_login(
    served: Served, stranger: httpx.AsyncClient, database: str
) -> None:
    kai = await people.joined(stranger, database, "kai", "driver")
    other = people.person_of(await login(stranger, "kai"))
    second = people.person_of(await refresh(stranger, kai.refresh))
    assert await may(stranger, second)
    await Database(database).rows("update refresh_token set used = used - interval '11 s'")
    async with opened(served, person=second) as page:
        assert (await refresh(stranger, kai.refresh)).status_code == 401
        await is_closed_by_the_gateway(page)
    assert not await may(stranger, second)
    assert (await refresh(stranger, second.refresh)).status_code == 401
    assert await may(stranger, other), "another login of the same person is left alone"
    assert "refresh token used again" in await audited(database)


async def test_asvs_7_3_1_7_3_2_a_login_ends_when_it_idles_and_after_a_month(
    served: Served, stranger: httpx.AsyncClient, database: str
) -> None:
    idle, old = [await people.joined(stranger, database, name, "guest") for name in ("a1", "b1")]
    stored = Database(database)
    lasts = "select idle_until - now() from refresh_token where hash = $1"
    assert abs(await stored.value(lasts, secrets.digest(idle.refresh)) - logins.IDLE).seconds < 60
    await stored.rows(
        "update refresh_token set idle_until = now() where hash = $1", secrets.digest(idle.refresh)
    )
    assert (await refresh(stranger, idle.refresh)).status_code == 401
    ends = "select max(ends - began) from login"
    assert abs(await stored.value(ends) - logins.ABSOLUTE).seconds < 60
    await stored.rows("update login set ends = now()")
    assert not await may(stranger, old)
    assert (await refresh(stranger, old.refresh)).status_code == 401


async def test_two_tabs_that_refresh_at_once_get_the_same_successor(database: str) -> None:
    """Refresh a thousand times against Postgres, each tab over its own connection."""
    key, races = b"k" * 32, 1000
    pool = await asyncpg.create_pool(database, min_size=8, max_size=8)
    async with pool:
        account = await pool.fetchval(
            "insert into account (name, role) values ('ann', 'owner') returning account::text"
        )

        async def tab(token: str) -> logins.Rotated:
            async with pool.acquire() as connection:
                return await logins.rotate(connection, token, key)

        async def race(count: int) -> None:
            async with pool.acquire() as connection:
                _, token = await logins.begin(connection, account, None)
            for _ in range(count):
                both = await asyncio.gather(tab(token), tab(token))
                assert sorted(one.outcome for one in both) == ["again", "fresh"]
                assert both[0].successor == both[1].successor
                token = both[0].successor

        await asyncio.gather(*(race(races // 4) for _ in range(4)))
        assert await pool.fetchval("select count(*) from login where ended is not null") == 0


async def test_asvs_7_4_1_logging_out_ends_tokens_cookie_and_socket(
    served: Served, stranger: httpx.AsyncClient, database: str
) -> None:
    kai = await people.joined(stranger, database, "kai", "driver")
    other = people.person_of(await login(stranger, "kai"))
    async with opened(served, person=kai) as page, opened(served, person=other) as second:
        assert (await stranger.post(f"{API}/logout", headers=kai.headers)).status_code == 204
        await is_closed_by_the_gateway(page)
        assert not await may(stranger, kai)
        assert (await refresh(stranger, kai.refresh)).status_code == 401
        await second.send(Ping(token=1.0))
        await second.receive(Pong)
        everywhere = await stranger.post(f"{API}/logout/everywhere", headers=other.headers)
        assert everywhere.status_code == 204
        await is_closed_by_the_gateway(second)


async def test_asvs_7_4_2_7_4_5_an_owner_ends_a_persons_logins(
    served: Served, stranger: httpx.AsyncClient, database: str
) -> None:
    kai = await people.joined(stranger, database, "kai", "driver")
    async with opened(served, person=kai) as page, served.rest() as owner:
        assert (await owner.post("/accounts/kai/logout")).status_code == 204
        await is_closed_by_the_gateway(page)
    kai = people.person_of(await login(stranger, "kai"))
    async with opened(served, person=kai) as page:
        await served_change(served, "kai", disabled=True)
        await is_closed_by_the_gateway(page)
    assert not await may(stranger, kai)
    assert (await login(stranger, "kai")).status_code == 401
    async with served.rest() as owner:
        alone = await owner.put("/accounts/ann", json={"disabled": True})
        assert (alone.status_code, "only owner" in alone.json()["detail"]) == (400, True)


async def test_asvs_7_4_3_a_new_password_ends_the_other_logins(
    served: Served, stranger: httpx.AsyncClient, database: str
) -> None:
    kai = await people.joined(stranger, database, "kai", "driver")
    other = people.person_of(await login(stranger, "kai"))
    wrong = {"current": "not this one at all", "new": "seven grey herons"}
    answer = await stranger.put(f"{API}/me/password", json=wrong, headers=kai.headers)
    assert answer.status_code == 400
    right = wrong | {"current": PASSWORD}
    answer = await stranger.put(f"{API}/me/password", json=right, headers=kai.headers)
    assert answer.status_code == 204, answer.text
    assert await may(stranger, kai)
    assert not await may(stranger, other)
    assert (await login(stranger, "kai", "seven grey herons")).status_code == 200


async def test_asvs_6_4_6_an_owner_starts_a_password_reset_but_does_not_choose_the_password(
    served: Served, stranger: httpx.AsyncClient, database: str
) -> None:
    kai = await people.joined(stranger, database, "kai", "driver")
    async with served.rest() as owner:
        link = (await owner.post("/accounts/kai/invitation")).json()
        assert await may(stranger, kai)
        async with opened(served, person=kai) as page:
            chosen = {"secret": link["secret"], "password": "seven grey herons"}
            answer = await stranger.post(f"{API}/invitations/accept", json=chosen)
            assert answer.status_code == 200, answer.text
            await is_closed_by_the_gateway(page)
        assert not await may(stranger, kai)
        assert await may(stranger, people.person_of(answer))
        assert (await login(stranger, "kai")).status_code == 401
        assert (await login(stranger, "kai", "seven grey herons")).status_code == 200
        again = await stranger.post(f"{API}/invitations/accept", json=chosen)
        assert again.status_code == 401
        await served_change(served, "kai", disabled=True)
        refused = await owner.post("/accounts/kai/invitation")
        assert (refused.status_code, "enable" in refused.json()["detail"]) == (400, True)
        assert (await owner.post("/accounts/nobody/invitation")).status_code == 404


@pytest.mark.parametrize("change", ["password = $2", "disabled = $2 <> ''"])
async def test_a_login_during_a_change_of_its_account_does_not_begin(
    served: Served,
    stranger: httpx.AsyncClient,
    database: str,
    passwords: Interrupted,
    change: str,
) -> None:
    """A login whose password check runs during the change must not begin."""
    kai = await people.joined(stranger, database, "kai", "driver")
    another = HASHER.hash("seven grey herons")

    async def meanwhile() -> None:
        await Database(database).rows(
            f"update account set {change} where name = $1", "kai", another
        )

    passwords.meanwhile = meanwhile
    assert (await login(stranger, "kai")).status_code == 401
    await Database(database).rows("update account set disabled = false")
    assert await may(stranger, kai)
    assert await Database(database).value("select count(*) from login") == 2


async def test_asvs_4_4_3_4_4_4_a_socket_needs_an_unused_ticket_of_a_valid_login(
    served: Served, stranger: httpx.AsyncClient, database: str
) -> None:
    address = f"ws://127.0.0.1:{served.port}{API}/live"
    ticket = await ticket_of(served)
    async with websockets.connect(f"{address}?ticket={ticket}"):
        pass
    kai = await people.joined(stranger, database, "kai", "driver")
    dead = await ticket_of(served, kai)
    await stranger.post(f"{API}/logout", headers=kai.headers)
    for query in ("", "?ticket=", f"?ticket={ticket}", f"?ticket={dead}", f"?ticket={kai.token}"):
        with pytest.raises(websockets.InvalidStatus, match="403"):
            async with websockets.connect(address + query, additional_headers=kai.headers):
                pass


async def test_asvs_4_4_2_3_5_1_requests_of_foreign_pages_are_rejected(
    served: Served, stranger: httpx.AsyncClient
) -> None:
    for origin in ("https://evil.com", "null", f"https://127.0.0.1:{served.port}"):
        headers = {"origin": origin, "cookie": f"{COOKIE}={served.person.refresh}"}
        refused = await stranger.post(f"{API}/refresh", headers=headers)
        assert (refused.status_code, refused.headers["cache-control"]) == (403, "no-store")
    ours = {"origin": served.address, "cookie": f"{COOKIE}={served.person.refresh}"}
    assert (await stranger.post(f"{API}/refresh", headers=ours)).status_code == 200


async def test_asvs_3_4_2_no_other_origin_may_read(
    served: Served, stranger: httpx.AsyncClient
) -> None:
    preflight = {"origin": "https://evil.com", "access-control-request-method": "GET"}
    for answer in (
        await stranger.options(f"{API}/sessions", headers=preflight),
        await stranger.get(f"{API}/sessions", headers=served.person.headers | preflight),
    ):
        assert not any(name.startswith("access-control") for name in answer.headers)


async def test_a_socket_outlives_the_access_token_that_opened_it(
    served: Served, stranger: httpx.AsyncClient, nats_server: NatsServer
) -> None:
    async with opened(served) as page, connected(nats_server.url) as drive:
        await page.watch("test", "speed")
        renewed = people.person_of(await refresh(stranger, served.person.refresh))
        assert renewed.token != served.person.token
        await drive.publish("telemetry.live", hub.chunk(1))
        assert (await page.receive(Frames)).chunk == 1


async def test_a_withdrawn_consent_ends_live_data(
    served: Served, stranger: httpx.AsyncClient, database: str, nats_server: NatsServer
) -> None:
    ada = await people.joined(stranger, database, "ada", "driver", "ada")
    gus = await people.joined(stranger, database, "gus", "guest")
    decision = {"kind": "telemetry", "role": "guest", "allowed": False}
    async with opened(served, person=gus) as guest, opened(served) as owner:
        await guest.watch("test", "speed")
        await owner.watch("test", "speed")
        answer = await stranger.put(f"{API}/consents", json=decision, headers=ada.headers)
        assert answer.status_code == 204, answer.text
        await is_closed_by_the_gateway(guest)
        async with connected(nats_server.url) as drive:
            await drive.publish("telemetry.live", hub.chunk(1))
            assert (await owner.receive(Frames)).chunk == 1
    async with opened(served, person=gus) as guest, connected(nats_server.url) as drive:
        await guest.watch("test", "speed")
        await drive.publish("telemetry.live", hub.chunk(2))
        await drive.publish("telemetry.live", hub.chunk(3, driver="bob"))
        assert (await guest.receive(Frames)).driver == "bob"
    known = (await stranger.get(f"{API}/consents", headers=ada.headers)).json()
    assert decision | {"driver": "ada"} in known
    assert len(known) == 12


async def test_asvs_16_5_3_without_postgres_no_request_is_authorised(
    served: Served, stranger: httpx.AsyncClient, postgres_server: PostgresServer
) -> None:
    ticket = await ticket_of(served)
    async with opened(served) as page:
        with away(postgres_server):
            for path in ("me", "channels", "sessions", "audit"):
                answer = await stranger.get(f"{API}/{path}", headers=served.person.headers)
                assert answer.status_code == 503, path
            assert (await login(stranger, "ann")).status_code == 503
            assert (await refresh(stranger, served.person.refresh)).status_code == 503
            with pytest.raises(websockets.InvalidStatus, match="403"):
                address = f"ws://127.0.0.1:{served.port}{API}/live?ticket={ticket}"
                async with websockets.connect(address):
                    pass
            await page.send(Ping(token=1.0))
            await page.receive(Pong)


async def test_asvs_13_2_2_the_audit_log_only_grows(served: Served, database: str) -> None:
    connection = await asyncpg.connect(database, server_settings={"role": "pitbox_gateway"})
    try:
        for deed in (
            "update audit set action = 'nothing'",
            "delete from audit",
            "truncate audit",
            "drop table audit",
            "delete from account",
            "select * from telemetry_chunk",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(deed)
    finally:
        await connection.close()
    for deed in ("update audit set action = ''", "delete from audit", "truncate audit"):
        with pytest.raises(asyncpg.RaiseError, match="only grows"):
            await Database(database).rows(deed)
    async with served.rest() as owner:
        [entry] = (await owner.get("/audit")).json()
        assert (entry["actor"], entry["action"]) == ("ann", "login by link")
        assert (await owner.get("/audit", params={"limit": 1})).json() == [entry]


async def test_asvs_16_3_2_requests_that_a_role_does_not_allow_are_logged(
    served: Served, stranger: httpx.AsyncClient, database: str
) -> None:
    kai = await people.joined(stranger, database, "kai", "driver", "KAI")
    with capture_logs() as logs:
        await stranger.get(f"{API}/accounts", headers=kai.headers)
        wish = {"driver": "ADA"}
        await stranger.post(f"{API}/enrolments", json=wish, headers=kai.headers)
    account = await Database(database).value("select account::text from account where name='kai'")
    assert [line for line in logs if line["event"] == "refused"] == [
        {"event": "refused", "endpoint": endpoint, "account": account, "role": "driver"}
        | {"log_level": "warning", "part": "gateway"}
        for endpoint in (f"GET {API}/accounts", f"POST {API}/enrolments")
    ]


async def test_asvs_8_2_2_8_2_3_data_of_others_is_not_reachable(
    served: Served, stranger: httpx.AsyncClient, database: str
) -> None:
    kai = await people.joined(stranger, database, "kai", "driver", "KAI")
    await people.joined(stranger, database, "ada", "driver", "ADA")
    decision = {"kind": "telemetry", "role": "guest", "allowed": False}
    for field in ({"driver": "ADA"}, {"account": "ada"}):
        answer = await stranger.put(f"{API}/consents", json=decision | field, headers=kai.headers)
        assert answer.status_code == 400, field
    for field in ({"role": "owner"}, {"name": "ada"}):
        body = {"current": PASSWORD, "new": "seven grey herons"} | field
        answer = await stranger.put(f"{API}/me/password", json=body, headers=kai.headers)
        assert answer.status_code == 400, field
    listed = await stranger.get(f"{API}/accounts", headers=served.person.headers)
    assert "password" not in listed.text
    assert "argon2" not in listed.text


async def test_asvs_2_2_1_5_2_1_16_4_1_bodies_are_bounded_and_checked(
    served: Served, stranger: httpx.AsyncClient
) -> None:
    large = await stranger.post(f"{API}/login", content=b" " * 5000)
    assert large.status_code == 413
    for body in (
        "",
        "[]",
        "{",
        "[" * 4000,
        '{"name":"A B","password":"x"}',
        '{"name":"ann"}',
        '{"name":"ann\\n","password":"x"}',
        '{"name":"ann\\nforged","password":"x"}',
        '"\\ud800"',
    ):
        headers = {"content-type": "application/json"}
        answer = await stranger.post(f"{API}/login", content=body, headers=headers)
        assert answer.status_code == 400, body


@pytest.mark.parametrize("served", [{"limits": Limits(request_s=0.5)}], indirect=True)
async def test_idle_connections_do_not_exhaust_the_gateway(served: Served) -> None:
    async with opened(served) as page:
        half = b"POST /api/v1/login HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n\r\n{"
        for part in (b"", b"GET / HTT", half):
            with socket.create_connection(("127.0.0.1", served.port)) as silent:
                silent.sendall(part)
                await is_aborted(silent)
        await page.send(Ping(token=1.0))
        await page.receive(Pong)


@pytest.mark.parametrize(
    "served", [{"limits": Limits(request_s=60, connections_of_address=4)}], indirect=True
)
async def test_many_idle_connections_of_one_address_do_not_exhaust_the_gateway(
    served: Served, stranger: httpx.AsyncClient
) -> None:
    with contextlib.ExitStack() as stack:
        silent = [socket.create_connection(("127.0.0.1", served.port)) for _ in range(6)]
        for one in silent:
            stack.enter_context(one)
        for oldest in silent[:2]:
            await is_aborted(oldest)
    assert (await stranger.get(f"{API}/health")).status_code == 200


@pytest.mark.parametrize("served", [{"max_clients": 3}], indirect=True)
async def test_an_account_at_its_page_limit_does_not_affect_others(
    served: Served, stranger: httpx.AsyncClient, database: str
) -> None:
    gus = await people.joined(stranger, database, "gus", "guest")
    async with contextlib.AsyncExitStack() as stack:
        pages = [await stack.enter_async_context(opened(served, person=gus)) for _ in range(3)]
        async with opened(served, person=gus) as another:
            with pytest.raises(websockets.ConnectionClosed, match="too many pages"):
                await another.connection.recv()
        async with opened(served) as page:
            await page.send(Ping(token=1.0))
            await page.receive(Pong)
            await is_closed_by_the_gateway(pages[0])
        await pages[1].send(Ping(token=1.0))
        await pages[1].receive(Pong)


async def test_of_concurrent_invitations_for_one_driver_only_one_succeeds(
    served: Served,
) -> None:
    async with served.rest() as owner:
        wishes = [{"name": f"kai{n}", "role": "driver", "driver": "KAI"} for n in range(4)]
        answers = await asyncio.gather(*(owner.post("/accounts", json=wish) for wish in wishes))
    assert sorted(answer.status_code for answer in answers) == [201, 400, 400, 400]


async def test_the_command_line_creates_and_disables_accounts(
    served: Served, stranger: httpx.AsyncClient, database: str, nats_server: NatsServer
) -> None:
    async def command(*words: str) -> str:
        done = await asyncio.to_thread(pitbox, nats_server, database, "account", *words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    printed = await command("invite", "kai", "--role", "driver", "--driver", "KAI")
    [secret] = re.findall(r"#invitation=(\S+)", printed)
    body = {"secret": secret, "password": PASSWORD}
    kai = people.person_of(await stranger.post(f"{API}/invitations/accept", json=body))
    [secret] = re.findall(r"#link=(\S+)", await command("link"))
    first = await stranger.post(f"{API}/login/link", json={"secret": secret})
    assert people.person_of(first).name == "ann"
    await command("role", "kai", "engineer")
    known = {one["name"]: one for one in json.loads(await command("list", "--json"))}
    assert (known["kai"]["role"], known["kai"]["logins"]) == ("engineer", 1)
    async with opened(served, person=kai) as page:
        await command("disable", "kai")
        await is_closed_by_the_gateway(page)
    refused = await asyncio.to_thread(pitbox, nats_server, database, "account", "disable", "ann")
    assert (refused.returncode, "only owner" in refused.stderr) == (2, True)
