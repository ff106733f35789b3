"""Read one lap of two minutes back: all channels, four of them, and eight over REST."""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncpg
import msgspec

from consumers.gateway.access.memory import Hold, Memory
from consumers.gateway.past.telemetry import Question, TelemetryReader
from pitbox.postgres.pool import READ_ONLY, Pool
from schemas.channels import CHANNELS
from tests.bench import frames, persisting
from tests.bench.effort import Effort
from tests.bench.peers.stopwatch import COLUMNS, TABLE
from tests.bench.report import Result, result
from tests.bench.servers import Servers, execute
from tests.bench.watching import Gateway, gateway

ROUNDS: Final = 5
READS: Final = 8
LAP_FRAMES: Final = 2 * 60 * frames.RATE_HZ
FROM_NS: Final = frames.START_NS
TO_NS: Final = FROM_NS + LAP_FRAMES * 1_000_000_000 // frames.RATE_HZ
FOUR: Final = ("speed", "throttle", "brake", "steering_angle")
EIGHT: Final = (*FOUR, "gear", "engine_rpm", "lap_distance", "fuel_level")
WIDE: Final = "wide table"

Read = Callable[[], Awaitable[Any]]


def measure(servers: Servers, effort: Effort) -> Iterator[Result]:
    """Yield the figures of reading."""
    asyncio.run(execute(servers.url, *persisting.tables()))
    persisting.run_pitbox(servers, 3, LAP_FRAMES)
    file = persisting.write_copy_file(servers.folder / "wide.bin", LAP_FRAMES)
    servers.psql(f"\\copy {TABLE} from '{file}' with (format binary)")
    asyncio.run(execute(servers.url, "analyze"))
    with gateway(servers) as served:
        yield from asyncio.run(_measure(servers, served, effort.rounds(ROUNDS)))


async def _measure(servers: Servers, served: Gateway, rounds: int) -> list[Result]:
    async with _connected(servers.url) as wide, served.rest() as client:
        archive = Pool(servers.url, "bench", READ_ONLY)
        telemetry = TelemetryReader(archive)
        every = _question(None)
        some = _question(tuple(c.id for c in CHANNELS if c.name in FOUR))
        address = "/api/v1/sessions/bench/drivers/bench/telemetry"
        query = {
            "from_ns": str(FROM_NS),
            "to_ns": str(TO_NS),
            "channels": ",".join(EIGHT),
            "format": "msgpack",
        }

        async def rest() -> None:
            answer = await client.get(address, params=query)
            answer.raise_for_status()
            assert len(msgspec.msgpack.decode(answer.content)["times"]) == 8 * LAP_FRAMES

        async def lap(asked: Question) -> None:
            hold = Hold(Memory(), "", lambda: None)
            async for _ in await telemetry.traces("msgpack", asked, hold):
                pass

        reads: dict[str, Read] = {
            "lap_read_ms": lambda: lap(every),
            "lap_read_4_channels_ms": lambda: lap(some),
            "lap_rest_ms": rest,
        }
        peers: dict[str, Read] = {
            "lap_read_ms": lambda: wide.fetch(_select(len(COLUMNS))),
            "lap_read_4_channels_ms": lambda: wide.fetch(_select(5)),
            "lap_rest_ms": lambda: wide.fetch(_select(9)),
        }
        results = []
        for name, read in reads.items():
            ours, theirs = [], []
            for _ in range(rounds):
                ours.append(await _median_ms(read))
                theirs.append(await _median_ms(peers[name]))
            results.append(result(name, "ms", "lower", ours, peers={WIDE: theirs}))
        telemetry.close()
        archive.close()
        return results


def _question(channels: tuple[int, ...] | None) -> Question:
    return Question(
        session="bench",
        driver="bench",
        shown="bench",
        from_ns=FROM_NS,
        to_ns=TO_NS,
        channels=channels,
    )


def _select(columns: int) -> str:
    return f"select {', '.join(COLUMNS[:columns])} from {TABLE} where seq < {LAP_FRAMES}"


async def _median_ms(read: Read) -> float:
    took = []
    for _ in range(READS):
        started = time.perf_counter()
        await read()
        took.append((time.perf_counter() - started) * 1e3)
    return statistics.median(took)


@asynccontextmanager
async def _connected(url: str) -> Any:
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()
