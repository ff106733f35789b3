"""Requests that no browser sends: odd paths, ambiguous lengths, heads that never end."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import httpx
import pytest

from consumers.gateway.service import service
from consumers.gateway.web.connections import Limits
from tests.tools import hub
from tests.tools.page import API, Served, gateway_of
from tests.tools.servers import NatsServer

HOST = b"host: localhost\r\n"
NOWHERE = (
    *("/assets/%00", "/%00", "/index.html/..", "/index.html/x", "/assets", "/assets/"),
    *("/assets/" + "x" * 300, "/x" * 2000, "/%ff", "/assets/%2e%2e/index.html", "/%0d%0a", "/~"),
)
AMBIGUOUS = {
    "both lengths": b"content-length: 4\r\ntransfer-encoding: chunked\r\n",
    "two lengths": b"content-length: 4\r\ncontent-length: 5\r\n",
    "unknown coding": b"transfer-encoding: gzip, chunked\r\n",
    "hidden coding": b"transfer-encoding : chunked\r\n",
}
CHUNKED = b"0\r\n\r\nGET /api/v1/health HTTP/1.1\r\nhost: localhost\r\n\r\n"
WAIT_S = 30.0


@pytest.fixture
async def served(
    request: pytest.FixtureRequest, nats_server: NatsServer, database: str, tmp_path: Path
) -> AsyncIterator[Served]:
    """Run a gateway; a parameter holds its limits."""
    await hub.apply(nats_server.url)
    build = partial(service, limits=getattr(request, "param", Limits()))
    async with gateway_of(nats_server.url, database, tmp_path, build) as running:
        yield running


def connect(port: int, address: str = "127.0.0.1") -> socket.socket:
    """Return a connection from an address of loopback."""
    return socket.create_connection(("127.0.0.1", port), WAIT_S, source_address=(address, 0))


async def exchanged(port: int, *parts: bytes) -> bytes:
    """Send parts of a request, and return everything up to the end of the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        with contextlib.suppress(ConnectionError):
            for part in parts:
                writer.write(part)
                await writer.drain()
        async with asyncio.timeout(WAIT_S):
            return await reader.read()
    finally:
        writer.close()


async def is_ended(connection: socket.socket) -> bool:
    """Return whether the gateway ended a connection without an answer."""
    connection.setblocking(False)
    loop = asyncio.get_running_loop()
    try:
        return await asyncio.wait_for(loop.sock_recv(connection, 1), WAIT_S) == b""
    except ConnectionError:
        return True


def is_open(connection: socket.socket) -> bool:
    """Return whether the gateway has not ended a connection so far."""
    connection.setblocking(False)
    try:
        return connection.recv(1) != b""
    except BlockingIOError:
        return True
    except ConnectionError:
        return False


async def test_a_path_that_is_no_page_is_not_found_whatever_it_contains(served: Served) -> None:
    for path in NOWHERE:
        request = f"GET {path} HTTP/1.1\r\n".encode() + HOST + b"connection: close\r\n\r\n"
        answer = await exchanged(served.port, request)
        assert answer.startswith(b"HTTP/1.1 404 "), (path[:40], answer[:80])


@pytest.mark.parametrize("at_once", [True, False])
async def test_a_head_that_is_too_large_is_refused(served: Served, at_once: bool) -> None:
    path = b"GET /" + b"x" * 60_000, b" HTTP/1.1\r\n" + HOST + b"\r\n"
    header = b"GET / HTTP/1.1\r\n" + HOST + b"x-long: " + b"x" * 60_000, b"\r\n\r\n"
    for parts, status in ((path, b"414"), (header, b"431")):
        sent = (b"".join(parts),) if at_once else (parts[0][:20_000], parts[0][20_000:], parts[1])
        answer = await exchanged(served.port, *sent)
        assert answer.startswith(b"HTTP/1.1 " + status), answer[:80]
        assert b"connection: close" in answer.lower()


@pytest.mark.parametrize("kind", AMBIGUOUS)
async def test_a_body_of_ambiguous_length_is_refused_and_ends_the_connection(
    served: Served, kind: str
) -> None:
    head = b"POST /api/v1/login HTTP/1.1\r\n" + HOST + AMBIGUOUS[kind] + b"\r\n"
    answer = await exchanged(served.port, head + CHUNKED)
    assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 501 ")), answer[:80]
    assert answer.count(b"HTTP/1.1 ") == 1, "what follows is no second request"


@pytest.mark.parametrize("served", [Limits(request_s=60.0, waiting_of_address=4)], indirect=True)
async def test_an_address_with_too_many_unfinished_requests_loses_its_oldest(
    served: Served,
) -> None:
    with ExitStack() as stack:
        silent = [stack.enter_context(connect(served.port)) for _ in range(6)]
        assert [await is_ended(one) for one in silent[:2]] == [True, True]
        assert [is_open(one) for one in silent[2:]] == [True] * 4


@pytest.mark.parametrize(
    "served", [Limits(request_s=60.0, waiting_of_address=8, waiting=20)], indirect=True
)
async def test_slow_heads_of_many_addresses_do_not_keep_another_out(served: Served) -> None:
    with ExitStack() as stack:
        honest = stack.enter_context(connect(served.port, "127.0.0.9"))
        honest.sendall(b"GET /api/v1/health HTTP/1.1\r\n")
        for number in range(5 * 8):
            slow = stack.enter_context(connect(served.port, f"127.0.0.{2 + number % 5}"))
            slow.sendall(b"GET / HTTP/1.1\r\nx-slow:")
        async with httpx.AsyncClient(base_url=served.address) as another:
            assert (await another.get(f"{API}/health")).status_code == 200
        honest.sendall(HOST + b"\r\n")
        honest.settimeout(WAIT_S)
        assert (await asyncio.to_thread(honest.recv, 100)).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "served",
    [Limits(request_s=60.0, connections=12, connections_of_address=8, waiting_of_address=4)],
    indirect=True,
)
async def test_at_the_limit_of_connections_the_address_with_the_most_loses_one(
    served: Served,
) -> None:
    with ExitStack() as stack:
        for number in range(18):
            stack.enter_context(connect(served.port, f"127.0.0.{2 + number % 3}"))
        async with httpx.AsyncClient(base_url=served.address) as another:
            assert (await another.get(f"{API}/health")).status_code == 200
