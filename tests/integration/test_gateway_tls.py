"""The gateway beyond loopback: with its own certificate, or behind a proxy."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import httpx
import msgspec
import pytest
import websockets
from msgspec import Struct
from structlog.testing import capture_logs

from consumers.gateway.service import service
from consumers.gateway.web.connections import Limits
from pitbox import settings
from tests.tools import hub, people
from tests.tools.authority import Authority
from tests.tools.page import API, gateway_of
from tests.tools.people import PASSWORD, Person
from tests.tools.servers import NatsServer, free_port

NAME = "pit.example.com"


class Wall(Struct, frozen=True):
    """A gateway with TLS."""

    port: int
    authority: Authority
    certificate: Path
    rest: httpx.AsyncClient

    @asynccontextmanager
    async def opened(self, person: Person) -> AsyncIterator[websockets.ClientConnection]:
        """Open a WebSocket."""
        answer = await self.rest.post(f"{API}/ws-ticket", headers=person.headers)
        address = f"wss://127.0.0.1:{self.port}{API}/live?ticket={answer.json()['ticket']}"
        origin = websockets.Origin(f"https://127.0.0.1:{self.port}")
        trusted = self.authority.trusted
        async with websockets.connect(address, ssl=trusted, origin=origin) as page:
            yield page


@pytest.fixture
async def wall(
    request: pytest.FixtureRequest, nats_server: NatsServer, database: str, tmp_path: Path
) -> AsyncIterator[Wall]:
    """Yield a gateway with its own certificate; the parameter holds its limits."""
    limits = getattr(request, "param", Limits())
    port, authority = free_port(), Authority(tmp_path / "authority")
    gateway = settings.Gateway(
        host="0.0.0.0",
        port=port,
        names=NAME,
        keys=str(tmp_path / "gateway-keys"),
        **authority.files("127.0.0.1", NAME),
    )
    given = msgspec.structs.replace(hub.settings_of(nats_server.url, database), gateway=gateway)
    address = f"https://127.0.0.1:{port}"
    async with (
        hub.serving(service(given, limits=limits)),
        httpx.AsyncClient(base_url=address, verify=authority.trusted) as rest,
    ):

        async def ready() -> bool:
            try:
                return (await rest.get(f"{API}/health")).status_code == 200
            except httpx.TransportError:
                return False

        await hub.eventually(ready, "the gateway serves")
        yield Wall(port, authority, Path(gateway.certificate), rest)


async def test_asvs_4_4_1_3_4_1_with_a_certificate_every_connection_uses_tls(
    wall: Wall, database: str
) -> None:
    answer = await wall.rest.get(f"{API}/health", headers={"host": NAME})
    assert answer.status_code == 200
    assert "max-age=31536000" in answer.headers["strict-transport-security"]
    foreign = await wall.rest.get(f"{API}/health", headers={"host": "evil.com"})
    assert foreign.status_code == 400
    async with wall.opened(await people.signed_in(wall.rest, database)):
        pass
    with pytest.raises(httpx.TransportError):
        async with httpx.AsyncClient() as plain:
            await plain.get(f"http://127.0.0.1:{wall.port}{API}/health")


async def test_a_renewed_certificate_is_used_from_the_next_handshake_and_pages_stay_open(
    wall: Wall, database: str
) -> None:
    async def shown() -> str:
        return await asyncio.to_thread(wall.authority.shown, wall.port)

    old = wall.certificate.read_text()
    async with wall.opened(await people.signed_in(wall.rest, database)) as page:
        assert await shown() == old
        wall.authority.files("127.0.0.1", NAME)
        renewed = wall.certificate.read_text()
        with capture_logs() as logs:
            for unfit in (renewed[:300], "", old):
                wall.certificate.write_text(unfit)
                assert [await shown(), await shown()] == [old, old]
            wall.certificate.unlink()
            assert await shown() == old
        events = [line["event"] for line in logs if line.get("part") == "listening"]
        assert events == ["certificate not renewed"] * 4
        wall.certificate.write_text(renewed)
        assert await shown() == renewed != old
        await asyncio.wait_for(await page.ping(), hub.WAIT_S)


@pytest.mark.parametrize("wall", [Limits(request_s=0.5)], indirect=True)
async def test_a_connection_without_a_tls_handshake_is_closed(wall: Wall) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", wall.port)
    assert await asyncio.wait_for(reader.read(), hub.WAIT_S) == b""
    writer.close()


@pytest.mark.parametrize(
    "wall", [Limits(request_s=60.0, waiting_of_address=4, waiting=10)], indirect=True
)
async def test_unfinished_tls_handshakes_of_many_addresses_do_not_keep_another_out(
    wall: Wall,
) -> None:
    with ExitStack() as stack:
        for number in range(16):
            source = (f"127.0.0.{2 + number % 4}", 0)
            stack.enter_context(socket.create_connection(("127.0.0.1", wall.port), 5, source))
        assert (await wall.rest.get(f"{API}/health")).status_code == 200
        async with httpx.AsyncClient(verify=wall.authority.trusted) as another:
            answer = await another.get(f"https://127.0.0.1:{wall.port}{API}/health")
            assert answer.status_code == 200


@pytest.fixture
async def proxied(
    nats_server: NatsServer, database: str, tmp_path: Path
) -> AsyncIterator[httpx.AsyncClient]:
    """Yield a client that connects as a trusted proxy."""
    await hub.apply(nats_server.url)
    async with (
        gateway_of(nats_server.url, database, tmp_path, proxies="127.0.0.1") as served,
        httpx.AsyncClient(base_url=served.address, headers={"x-forwarded-proto": "https"}) as rest,
    ):
        yield rest


async def logged_in(proxied: httpx.AsyncClient, forwarded: str, name: str, password: str) -> int:
    """Return the status of a login that comes from an address."""
    body, headers = {"name": name, "password": password}, {"x-forwarded-for": forwarded}
    answer = await proxied.post(f"{API}/login", json=body, headers=headers)
    assert "strict-transport-security" in answer.headers
    return answer.status_code


async def test_asvs_4_1_3_only_the_address_from_the_trusted_proxy_is_used(
    proxied: httpx.AsyncClient,
) -> None:
    async def status(forwarded: str, name: str) -> int:
        return await logged_in(proxied, forwarded, name, "a wrong password")

    # The proxy appends the address it saw to the one that the client claimed.
    statuses = [await status(f"10.9.9.{n}, 203.0.113.7", f"name{n}") for n in range(21)]
    assert statuses == [401] * 20 + [429]
    assert await status("203.0.113.8", "another") == 401


async def test_asvs_6_3_1_guesses_elsewhere_do_not_lock_out_a_familiar_address(
    proxied: httpx.AsyncClient, database: str
) -> None:
    await people.joined(proxied, database, "kai", "driver")

    async def statuses(address: str, *passwords: str) -> list[int]:
        return [await logged_in(proxied, address, "kai", word) for word in passwords]

    home, thief, guesses = "203.0.113.7", "203.0.113.8", ["a wrong password"] * 6
    assert await statuses(home, PASSWORD) == [200]
    assert await statuses(thief, *guesses) == [401] * 5 + [429]
    assert await statuses("203.0.113.9", PASSWORD) == [429]
    assert await statuses(home, PASSWORD, *guesses) == [200] + [401] * 5 + [429]
