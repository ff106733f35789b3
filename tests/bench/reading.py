"""Read one lap of two minutes back, sealed: all channels, four of them, and eight over REST.

Besides, a second of it is looked up by time. Peers are a wide table, and the same chunks unsealed.
"""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncpg
import msgspec
from msgspec.structs import replace

from consumers.gateway.access.memory import Hold, Memory
from consumers.gateway.past.telemetry import Question, TelemetryReader
from pitbox.postgres.pool import READ_ONLY, Pool
from schemas.channels import CHANNELS
from tests.bench import frames, persisting, sealing
from tests.bench.effort import Effort
from tests.bench.peers.stopwatch import COLUMNS, TABLE
from tests.bench.report import Result, result
from tests.bench.servers import Servers, execute
from tests.bench.watching import Gateway, gateway

ROUNDS: Final = 5
READS: Final = 24
LAP_FRAMES: Final = 2 * 60 * frames.RATE_HZ
FROM_NS: Final = frames.START_NS
TO_NS: Final = FROM_NS + LAP_FRAMES * 1_000_000_000 // frames.RATE_HZ
FOUR: Final = ("speed", "throttle", "brake", "steering_angle")
EIGHT: Final = (*FOUR, "gear", "engine_rpm", "lap_distance", "fuel_level")
MOMENT_NS: Final = FROM_NS + 70 * 1_000_000_000
WIDE: Final = "wide table"
UNSEALED: Final = "not sealed"
COPY: Final = """
insert into telemetry_chunk (session, driver, run, chunk, first_frame, frames, captured_ns,
    ended_ns, lap_number, position, lap_distance, speed, world_x, world_y, fuel, crc, channels,
    block, observed, version)
select session, 'unsealed', run, chunk, first_frame, frames, captured_ns,
    ended_ns, lap_number, position, lap_distance, speed, world_x, world_y, fuel, crc, channels,
    block, observed, version from telemetry_chunk
"""

Read = Callable[[], Awaitable[Any]]
Taken = tuple[float, float]


def measure(servers: Servers, effort: Effort) -> Iterator[Result]:
    """Yield the figures of reading."""
    asyncio.run(execute(servers.url, *persisting.tables()))
    persisting.run_pitbox(servers, 3, LAP_FRAMES)
    file = persisting.write_copy_file(servers.folder / "wide.bin", LAP_FRAMES)
    servers.psql(f"\\copy {TABLE} from '{file}' with (format binary)")
    asyncio.run(execute(servers.url, COPY))
    asyncio.run(sealing.seal_all(servers.url))
    asyncio.run(execute(servers.url, "vacuum analyze"))
    with gateway(servers) as served:
        yield from asyncio.run(_measure(servers, served, effort.rounds(ROUNDS)))


async def _measure(servers: Servers, served: Gateway, rounds: int) -> list[Result]:
    async with _connected(servers.url) as wide, served.rest() as client:
        archive = Pool(servers.url, "bench", READ_ONLY)
        telemetry = TelemetryReader(archive)
        four = tuple(c.id for c in CHANNELS if c.name in FOUR)
        query = {
            "from_ns": str(FROM_NS),
            "to_ns": str(TO_NS),
            "channels": ",".join(EIGHT),
            "format": "msgpack",
        }

        async def rest(driver: str) -> None:
            address = f"/api/v1/sessions/bench/drivers/{driver}/telemetry"
            answer = await client.get(address, params=query)
            answer.raise_for_status()
            assert len(msgspec.msgpack.decode(answer.content)["times"]) == 8 * LAP_FRAMES

        async def lap(asked: Question) -> None:
            hold = Hold(Memory(), "", lambda: None)
            async for _ in await telemetry.traces("msgpack", asked, hold):
                pass

        def reads(driver: str) -> dict[str, Read]:
            every, some = _question(driver), _question(driver, four)
            moment = replace(every, from_ns=MOMENT_NS, to_ns=MOMENT_NS + 1_000_000_000)
            return {
                "lap_read": lambda: lap(every),
                "lap_read_4_channels": lambda: lap(some),
                "lap_rest": lambda: rest(driver),
                "moment_read": lambda: lap(moment),
            }

        contestants: dict[str, dict[str, Read]] = {
            "PitBox": reads("bench"),
            UNSEALED: reads("unsealed"),
            WIDE: {
                "lap_read": lambda: wide.fetch(_select(len(COLUMNS))),
                "lap_read_4_channels": lambda: wide.fetch(_select(5)),
                "lap_rest": lambda: wide.fetch(_select(9)),
            },
        }
        results = []
        for name in contestants["PitBox"]:
            taken: dict[str, list[Taken]] = {who: [] for who in contestants}
            for _ in range(rounds):
                for who, known in contestants.items():
                    taken[who] += [await _taken(known[name], servers)] if name in known else []
            ours = taken.pop("PitBox")
            for kind, unit in ((0, "ms"), (1, "cpu_ms")):
                if name != "lap_rest" or not kind:  # its CPU time is the gateway's
                    peers = {who: [one[kind] for one in every] for who, every in taken.items()}
                    figures = [one[kind] for one in ours]
                    results.append(result(f"{name}_{unit}", "ms", "lower", figures, peers=peers))
        telemetry.close()
        archive.close()
        return results


def _question(driver: str, channels: tuple[int, ...] | None = None) -> Question:
    return Question(
        session="bench",
        driver=driver,
        shown=driver,
        from_ns=FROM_NS,
        to_ns=TO_NS,
        channels=channels,
    )


def _select(columns: int) -> str:
    return f"select {', '.join(COLUMNS[:columns])} from {TABLE} where seq < {LAP_FRAMES}"


async def _taken(read: Read, servers: Servers) -> Taken:
    """Return the median time, and the mean CPU time of this process and of Postgres, ms."""
    took = []
    cpu_s, postgres_s = time.process_time(), servers.cpu_s()["postgres"]
    for _ in range(READS):
        started = time.perf_counter()
        await read()
        took.append((time.perf_counter() - started) * 1e3)
    used_s = time.process_time() - cpu_s + servers.cpu_s()["postgres"] - postgres_s
    return statistics.median(took), used_s / READS * 1e3


@asynccontextmanager
async def _connected(url: str) -> Any:
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()
