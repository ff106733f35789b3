"""The cost of authentication to viewers, beside the same gateway without authentication.

Opening a WebSocket takes a ticket and two queries to Postgres. While it is open, each login is
checked every second, and hidden drivers are left out of each chunk.
"""

import asyncio
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import asyncpg
import httpx

from consumers.gateway.web.login import COOKIE
from pitbox.people import accounts, consent, logins
from schemas.api import Consent, Invitation, Role
from tests.bench.effort import Effort
from tests.bench.processes import process
from tests.bench.report import Result, result
from tests.bench.servers import Servers
from tests.bench.watchers import Gateway as Dialect
from tests.bench.watching import CLIENTS, ROUNDS, SECONDS, Gateway, gateway, is_ready, watch
from tests.tools.people import API
from tests.tools.servers import addresses, free_port, listens, until

OPEN: Final = "without authentication"
SOCKETS: Final = 100
PEOPLE: Final[dict[str, Role]] = {
    "owner-1": "owner",
    **{f"engineer-{number}": "engineer" for number in range(9)},
    **{f"driver-{number}": "driver" for number in range(20)},
    **{f"guest-{number}": "guest" for number in range(20)},
}
"""Who watches on a full night; each has some pages open."""

UPGRADE: Final = (
    "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
    "Sec-WebSocket-Version: 13\r\n\r\n"
)


def measure(servers: Servers, effort: Effort) -> Iterator[Result]:
    """Yield the figures, with alternating rounds on both gateways."""
    sockets, clients = effort.count(SOCKETS), effort.count(CLIENTS)
    with gateway(servers) as first, open_gateway(servers) as without:
        tokens = asyncio.run(_crowd(first.port, servers.url))
        served = Gateway(first.port, first.pid, tokens)
        pairs = [
            (_open_ms(served, sockets), _open_ms(without, sockets))
            for _ in range(effort.rounds(ROUNDS))
        ]
        yield _result("open_socket_p50_ms", "ms", pairs)
        size, seconds = (1, clients), effort.seconds(SECONDS)
        seen = [
            (
                watch(servers.nats, served, size, seconds),
                watch(servers.nats, without, size, seconds),
            )
            for _ in range(effort.rounds(ROUNDS))
        ]
        costs = [(one.us_per_send, other.us_per_send) for one, other in seen]
        yield _result(f"admitted_cpu_us_per_send_{clients}", "us", costs)
        late = [(one.p99_ms, other.p99_ms) for one, other in seen]
        yield _result(f"admitted_p99_ms_{clients}", "ms", late)


def _result(name: str, unit: str, pairs: list[tuple[float, float]]) -> Result:
    ours, theirs = zip(*pairs, strict=True)
    return result(name, unit, "lower", ours, peers={OPEN: theirs})


@contextmanager
def open_gateway(servers: Servers) -> Iterator[Gateway]:
    """Run a gateway without authentication during the block."""
    port = free_port()
    with process(
        "tests.bench.open_gateway",
        **addresses(servers.nats.url, servers.url),
        PITBOX_GATEWAY__PORT=str(port),
        PITBOX_GATEWAY__KEYS=str(servers.folder / "open_gateway-keys"),
    ) as started:
        until(lambda: listens(port) and is_ready(port), "the open gateway is ready", 30)
        yield Gateway(port, started.pid)


async def _crowd(port: int, database: str) -> tuple[str, ...]:
    """Log all viewers in, one driver hidden from some of them; return their tokens.

    Nobody has a password: the cost of checking one is not a cost of watching.
    """
    connection = await asyncpg.connect(database)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as rest:
        hiding = Consent(driver="zed", kind="telemetry", role="guest", allowed=False)
        await consent.decide(connection, hiding)
        tokens = []
        for name, role in PEOPLE.items():
            await accounts.invite(connection, Invitation(name=name, role=role))
            account = await accounts.find(connection, name)
            assert account is not None  # created by the invitation above
            _, cookie = await logins.begin(connection, account.account, account.password)
            headers = {"cookie": f"{COOKIE}={cookie}"}
            tokens.append((await rest.post(f"{API}/refresh", headers=headers)).json())
            rest.cookies.clear()
    await connection.close()
    return tuple(answer["access_token"] for answer in tokens)


def _open_ms(served: Gateway, sockets: int) -> float:
    """Return the time to open a socket, the request of its ticket included."""
    dialect = Dialect(f"http://127.0.0.1:{served.port}", list(served.tokens))
    return asyncio.run(_median_ms(served.port, dialect, sockets))


async def _median_ms(port: int, dialect: Dialect, sockets: int) -> float:
    took = []
    for _ in range(sockets):
        began = time.perf_counter()
        request = UPGRADE.format(path=dialect.path, port=port)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request.encode())
        response = await reader.readuntil(b"\r\n\r\n")
        took.append((time.perf_counter() - began) * 1e3)
        if b" 101 " not in response:
            raise ConnectionError(response.decode())
        writer.close()
    return statistics.median(took)
