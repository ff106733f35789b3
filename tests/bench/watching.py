"""Latency and CPU cost from publish to the page's socket, beside nats-server's own WebSocket."""

import asyncio
import json
import re
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx
from msgspec import Struct

from tests.bench.effort import Effort
from tests.bench.processes import cpu_s, process
from tests.bench.report import Result, result
from tests.bench.servers import OpenNats, Servers
from tests.tools import people
from tests.tools.servers import (
    NatsServer,
    addresses,
    everything,
    free_port,
    listens,
    running,
    until,
)

ROUNDS: Final = 3
SECONDS: Final = 8.0
CARS: Final = (1, 10, 50)
CLIENTS: Final = 200
LISTENER: Final = "nats-server's WebSocket"
UNCOMPRESSED: Final = "uncompressed"
SCRIPT: Final = re.compile(r'src="\./(assets/[^"]+\.js)"')


class Listening(OpenNats):
    """A nats-server with a WebSocket for browsers."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.websocket_port = free_port()

    def command(self) -> list[str]:
        """Return the command line."""
        command = super().command()
        config = Path(command[-1])
        listener = f"websocket {{ host: 127.0.0.1, port: {self.websocket_port}, no_tls: true }}\n"
        config.write_text(config.read_text() + listener)
        return command


class Gateway(Struct, frozen=True):
    """A running gateway and the viewers' tokens; none without authentication."""

    port: int
    pid: int
    tokens: tuple[str, ...] = ()

    def rest(self) -> httpx.AsyncClient:
        """Return a REST client for the viewers."""
        address = f"http://127.0.0.1:{self.port}"
        headers = {"authorization": f"Bearer {self.tokens[0]}"}
        return httpx.AsyncClient(base_url=address, headers=headers)


class Seen(Struct, frozen=True):
    """The viewers' latencies, and the server's CPU time per message."""

    p50_ms: float
    p99_ms: float
    us_per_send: float


def measure(servers: Servers, effort: Effort) -> Iterator[Result]:
    """Yield the figures of the live path."""
    folder = servers.folder / "listening"
    folder.mkdir()
    seconds, clients = effort.seconds(SECONDS), effort.count(CLIENTS)
    listening = Listening(folder)
    with running(listening), gateway(servers) as served:
        yield from _script(served)
        for cars in CARS:
            ours, theirs = [], []
            for _ in range(effort.rounds(ROUNDS)):
                ours.append(watch(servers.nats, served, (cars, 1), seconds))
                theirs.append(watch(listening, None, (cars, 1), seconds))
            name = f"{cars}_car" if cars == 1 else f"{cars}_cars"
            yield from _latencies(f"live_latency_{{}}_ms_{name}", ours, theirs)
        ours, theirs = [], []
        for _ in range(effort.rounds(ROUNDS)):
            ours.append(watch(servers.nats, served, (1, clients), seconds))
            theirs.append(watch(listening, None, (1, clients), seconds))
        yield from _latencies(f"fanout_{{}}_ms_{clients}", ours, theirs)
        yield result(
            f"fanout_cpu_us_per_send_{clients}",
            "us",
            "lower",
            [seen.us_per_send for seen in ours],
            peers={LISTENER: [seen.us_per_send for seen in theirs]},
        )


def _script(served: Gateway) -> Iterator[Result]:
    """Yield the size of the page's script as a browser receives it."""
    address = f"http://127.0.0.1:{served.port}"
    page = httpx.get(address)
    if page.status_code == 503:
        print("page_script_wire_bytes: the page is not built: make web", flush=True)
        return
    [path] = SCRIPT.findall(page.text)
    packed, whole = (
        int(httpx.get(f"{address}/{path}", headers=headers).headers["content-length"])
        for headers in ({"accept-encoding": "gzip"}, {"accept-encoding": "identity"})
    )
    peers = {UNCOMPRESSED: [float(whole)]}
    yield result("page_script_wire_bytes", "bytes", "lower", [float(packed)], peers=peers)


def _latencies(name: str, ours: list[Seen], theirs: list[Seen]) -> Iterator[Result]:
    for part in ("p50", "p99"):
        yield result(
            name.format(part),
            "ms",
            "lower",
            [getattr(seen, f"{part}_ms") for seen in ours],
            peers={LISTENER: [getattr(seen, f"{part}_ms") for seen in theirs]},
        )


def watch(
    bus: NatsServer | OpenNats, gateway: Gateway | None, size: tuple[int, int], seconds: float
) -> Seen:
    """Watch some cars with some clients; without a gateway nats-server serves them."""
    cars, clients = size
    if gateway:
        server = ["gateway", "--port", str(gateway.port), "--tokens", *gateway.tokens]
    else:
        assert isinstance(bus, Listening)
        server = ["nats", "--port", str(bus.websocket_port)]
    watchers = (
        *("tests.bench.watchers", "--server", *server),
        *("--clients", str(clients), "--seconds", str(seconds)),
    )
    pid = gateway.pid if gateway else bus.pid
    where = ["--nats", bus.url]
    if isinstance(bus, NatsServer):
        where += ["--credentials", str(everything(bus.url))]
    with process("tests.bench.cars", *where, "--cars", str(cars)):
        idle_s = 0.0 if gateway else _spent_s(pid, seconds / 2) * 2
        with process(*watchers) as started:
            assert started.stdout is not None  # it is a pipe
            started.stdout.readline()
            before_s = cpu_s(pid)
            figures = json.loads(started.stdout.readline())
            spent_s = cpu_s(pid) - before_s - idle_s
    return Seen(figures["p50_ms"], figures["p99_ms"], spent_s / max(figures["messages"], 1) * 1e6)


def _spent_s(pid: int, seconds: float) -> float:
    before_s = cpu_s(pid)
    time.sleep(seconds)
    return cpu_s(pid) - before_s


@contextmanager
def gateway(servers: Servers) -> Iterator[Gateway]:
    """Run a gateway during the block, with an owner who is logged in."""
    port = free_port()
    with process(
        *("commands", "run", "gateway"),
        **addresses(servers.nats.url, servers.url),
        PITBOX_GATEWAY__PORT=str(port),
        PITBOX_GATEWAY__KEYS=str(servers.folder / "gateway-keys"),
    ) as started:
        until(lambda: listens(port) and is_ready(port), "the gateway is ready", 30)
        yield Gateway(port, started.pid, (asyncio.run(_signed_in(port, servers.url)),))


async def _signed_in(port: int, database: str) -> str:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as rest:
        return (await people.signed_in(rest, database)).token


def is_ready(port: int) -> bool:
    """Return whether a gateway reaches its peers."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/ready", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
