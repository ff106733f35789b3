"""Attempts against the gateway: without an account, and of a driver at the others' cost."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from functools import partial
from typing import Final

import httpx

from schemas.api import Role
from tests.attacks.scene import Attempt, Scene
from tests.tools.long_drive import ANSWER_BYTES
from tests.tools.page import narrow_socket

ATTACKERS: Final = tuple(f"127.0.0.{number}" for number in range(2, 7))
VICTIM: Final = "127.0.0.9"
CONNECTIONS_EACH: Final = 256
ANSWER_S: Final = 10.0
MADE_UP: Final = 600
ROLES: Final[tuple[Role | None, ...]] = (None, "guest", "engineer", "driver")
READERS: Final = 60
MUCH_BYTES: Final = 256_000_000
PATHS: Final = {
    "NUL in a path": "/assets/%00",
    "a file as a folder": "/index.html/..",
    "60 kB of a path": "/assets/" + "x" * 60_000,
}
TWO_REQUESTS: Final = (
    b"POST /api/v1/login HTTP/1.1\r\nhost: localhost\r\ncontent-length: 48\r\n"
    b"transfer-encoding: chunked\r\n\r\n"
    b"0\r\n\r\nGET /hidden HTTP/1.1\r\nhost: localhost\r\n\r\n"
)


def visitors() -> Iterator[Attempt]:
    """Yield every attempt."""
    for name, path in PATHS.items():
        yield Attempt("visitors", name, partial(_fail, path=path))
    yield Attempt("visitors", "a request inside another", _smuggle)
    yield Attempt("visitors", "slow heads of five addresses", _hold_connections)
    yield Attempt("visitors", f"{MADE_UP} sessions of one driver", _crowd_out)
    yield Attempt("visitors", f"{READERS} readers who do not read", _hold_memory)
    for role in ROLES:
        who = f"a session of another deleted as {role or 'nobody'}"
        yield Attempt("visitors", who, partial(_delete, role=role))


async def _fail(scene: Scene, path: str) -> str:
    request = f"GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
    answer = await _exchanged(scene.web_port, request.encode())
    return "the server fails" if b" 500 " in answer[:20] else ""


async def _smuggle(scene: Scene) -> str:
    answer = await _exchanged(scene.web_port, TWO_REQUESTS)
    return "the hidden request is answered" if answer.count(b"HTTP/1.1 ") > 1 else ""


async def _hold_connections(scene: Scene) -> str:
    """Hold many connections without a whole request; then a visitor sends an ordinary one."""
    with contextlib.ExitStack() as stack:
        for _ in range(CONNECTIONS_EACH):
            for address in ATTACKERS:
                slow = stack.enter_context(_connected(scene.web_port, address))
                slow.sendall(b"GET / HTTP/1.1\r\nx-slow:")
            await asyncio.sleep(0)
        request = b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
        answer = await _exchanged(scene.web_port, request, VICTIM)
    return "" if b"the wall" in answer or b" 200 " in answer[:20] else f"got {answer[:20]!r}"


async def _crowd_out(scene: Scene) -> str:
    """Drive many sessions after the victim's one; then look for the victim's in the list."""
    driven = [("bea", "race"), *(("mallory", f"made-up-{n}") for n in range(MADE_UP))]
    if scene.name_gateway:
        listed = await scene.name_gateway.listed_after(driven)
    else:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{scene.web_port}") as rest:
            for _, session in driven:
                await rest.post(f"/driven/{session}")
            listed = [row["session"] for row in (await rest.get("/api/v1/sessions")).json()]
    return "" if "race" in listed else f"the victim's is not among the first {len(listed)}"


async def _delete(scene: Scene, role: Role | None) -> str:
    """Delete the session of a victim who has left; `role` is None without a login."""
    session = f"deleted-by-{role}"
    if scene.name_gateway:
        gone = await scene.name_gateway.deletes(role, session)
    else:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{scene.web_port}") as rest:
            await rest.post(f"/driven/{session}")
            await rest.delete(f"/api/v1/sessions/{session}/drivers/bea")
            listed = [row["session"] for row in (await rest.get("/api/v1/sessions")).json()]
        gone = session not in listed
    return "the victim's session is deleted" if gone else ""


async def _hold_memory(scene: Scene) -> str:
    """Request large answers, read the first bytes of each, and count what waits to be read."""
    path, token = "/large", ""
    if scene.name_gateway:
        path, token = await scene.name_gateway.large_answer()
    head = f"GET {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\r\n"
    with contextlib.ExitStack() as stack:
        slow = [stack.enter_context(narrow_socket(scene.web_port)) for _ in range(READERS)]
        for one in slow:
            one.sendall(head.encode())
        loop = asyncio.get_running_loop()
        begins = [await asyncio.wait_for(loop.sock_recv(one, 500), ANSWER_S) for one in slow]
    waiting_bytes = ANSWER_BYTES * sum(b" 200 " in begin[:20] for begin in begins)
    return f"{waiting_bytes // 1_000_000} MB wait" if waiting_bytes > MUCH_BYTES else ""


def _connected(port: int, address: str) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), ANSWER_S, source_address=(address, 0))


async def _exchanged(port: int, request: bytes, address: str = VICTIM) -> bytes:
    """Send a request from an address; return what comes until the end, or a pause."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0))
    writer.write(request)
    received = b""
    try:
        async with asyncio.timeout(ANSWER_S):
            while part := await reader.read(65_536):
                received += part
                if received.count(b"HTTP/1.1 ") > 1:
                    break
    except (TimeoutError, ConnectionError):
        pass
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
    return received
