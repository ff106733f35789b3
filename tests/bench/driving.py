"""The cost of the driver app on the driver's PC, for a simulated car at 60 Hz, and its delay."""

import asyncio
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Final

import msgspec
from nats.aio.msg import Msg

from pitbox import topology
from pitbox.chunks.frames import unpack
from schemas.telemetry import Chunk
from tests.bench.effort import Effort
from tests.bench.processes import cpu_s, process
from tests.bench.report import Result, result
from tests.bench.servers import Servers
from tests.tools.servers import NatsServer, addresses

SECONDS: Final = 20.0
SETTLE_S: Final = 5.0
ROUNDS: Final = 3


def measure(servers: Servers, effort: Effort) -> Iterator[Result]:
    """Yield the share of a core that `pitbox drive` takes, and that of the source alone."""
    whole, source, ages = [], [], []
    seconds = effort.seconds(SECONDS)
    with process(
        *("commands", "run", "persister"),
        **addresses(servers.nats.url, servers.url),
    ):
        for _ in range(effort.rounds(ROUNDS)):
            with tempfile.TemporaryDirectory(dir=servers.folder) as spool:
                whole.append(_drive(servers.nats, spool, seconds))
            source.append(_simulate(seconds))
            with tempfile.TemporaryDirectory(dir=servers.folder) as spool:
                ages.append(_age_ms(servers, spool, seconds))
    yield result("driver_cpu_percent", "% of a core", "lower", whole)
    yield result("driver_cpu_percent_sim_alone", "% of a core", "lower", source)
    yield result("driver_age_p50_ms", "ms", "lower", [p50_ms for p50_ms, _ in ages])
    yield result("driver_age_p99_ms", "ms", "lower", [p99_ms for _, p99_ms in ages])


def _drive(server: NatsServer, spool: str, seconds: float) -> float:
    with _driving(server, spool) as started:
        return _percent(started.pid, seconds)


def _age_ms(servers: Servers, spool: str, seconds: float) -> tuple[float, float]:
    """Return median and 99th percentile of a live chunk's age, when a subscriber has it.

    The age is that of its last sample.
    """
    with _driving(servers.nats, spool):
        ages_ms = sorted(asyncio.run(_listen(servers, seconds)))
    return statistics.median(ages_ms), ages_ms[len(ages_ms) * 99 // 100]


async def _listen(servers: Servers, seconds: float) -> list[float]:
    client = await servers.connect()
    decode = msgspec.msgpack.Decoder(Chunk).decode
    ages_ms: list[float] = []

    async def receive(message: Msg) -> None:
        now_ns = time.time_ns()
        chunk = decode(message.data)
        if chunk.frames:
            ages_ms.append((now_ns - unpack(chunk).times_ns[-1]) / 1e6)

    await client.subscribe(topology.load().filter("telemetry.live"), cb=receive)
    await asyncio.sleep(SETTLE_S)
    ages_ms.clear()
    await asyncio.sleep(seconds)
    await client.close()
    return ages_ms


def _driving(server: NatsServer, spool: str) -> AbstractContextManager[subprocess.Popen[bytes]]:
    return process(
        *("commands", "drive", "--source", "sim"),
        PITBOX_NATS__URL=server.url,
        PITBOX_NATS__CREDENTIALS=str(server.driver("bench")),
        PITBOX_DRIVER__SPOOL=spool,
    )


def _simulate(seconds: float) -> float:
    """Return the share of the simulator itself, which a real game does not have."""
    with process("tests.bench.sim_alone") as started:
        return _percent(started.pid, seconds)


def _percent(pid: int, seconds: float) -> float:
    time.sleep(SETTLE_S)
    before_s, began = cpu_s(pid), time.monotonic()
    time.sleep(seconds)
    return (cpu_s(pid) - before_s) / (time.monotonic() - began) * 100
