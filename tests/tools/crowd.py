"""Twenty cars that drive laps, alone or beside a driver who sends the dearest chunks."""

import asyncio
import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Final

import msgspec
import nats
from msgspec import Struct
from msgspec.structs import replace
from nats.aio.msg import Msg

from consumers.timing.decide import decide
from consumers.timing.state import initial
from pitbox import topology
from pitbox.chunks.frames import sealed
from schemas.telemetry import Chunk
from schemas.timing import Lap
from tests.tools.drives import race
from tests.tools.flood import DRIVER
from tests.tools.servers import NatsServer

CARS: Final = 20
LAPS: Final = 3
INTERVAL_S: Final = 0.05
WAIT_S: Final = 30.0

Place = tuple[str, str, int]
"""Driver, car and number of a lap."""


class Outcome(Struct):
    """Hold the laps that were driven, those that came, and how late each came.

    A lap is late by the time since the chunk was sent that ends it.
    """

    driven: dict[Place, Lap] = {}
    came: dict[Place, Lap] = {}
    late_s: list[float] = []


def ends_of(chunks: list[Chunk]) -> list[list[Lap]]:
    """Return the laps that get their final time by each chunk."""
    state, ends = initial(), list[list[Lap]]()
    for chunk in chunks:
        state, facts = decide(state, chunk)
        ends.append([fact for fact in facts if isinstance(fact, Lap) and fact.lap_time_s])
    final = {(lap.car, lap.lap_number): lap for laps in ends for lap in laps}
    return [[lap for lap in laps if lap is final[lap.car, lap.lap_number]] for laps in ends]


async def drive(server: NatsServer) -> Outcome:
    """Drive all cars, and wait for every lap, at most `WAIT_S`."""
    live, laps = topology.load().route("telemetry.live"), topology.load().filter("timing.lap")
    chunks = race(LAPS)
    ends = ends_of(chunks)
    outcome, ended_s, all_came = Outcome(), dict[Place, float](), asyncio.Event()

    async def receive(message: Msg) -> None:
        lap = msgspec.msgpack.decode(message.data, type=Lap)
        place = lap.driver, lap.car, lap.lap_number
        driven = outcome.driven.get(place)
        if driven and place not in outcome.came and lap.lap_time_s == driven.lap_time_s:
            outcome.late_s.append(time.monotonic() - ended_s[place])
            outcome.came[place] = lap
        if len(outcome.came) == CARS * sum(map(len, ends)):
            all_came.set()

    client = await nats.connect(server.url, **server.options())
    await client.subscribe(laps, cb=receive)
    await client.flush()
    due_s = time.monotonic()
    for chunk, ended in zip(chunks, ends, strict=True):
        for number in range(CARS):
            own = sealed(replace(chunk, driver=f"car{number}"))
            for lap in ended:
                place = own.driver, lap.car, lap.lap_number
                ended_s[place], outcome.driven[place] = time.monotonic(), lap
            await client.publish(live.of(own), msgspec.msgpack.encode(own))
        await client.flush()
        due_s = max(due_s + INTERVAL_S, time.monotonic())
        await asyncio.sleep(due_s - time.monotonic())
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(WAIT_S):
            await all_came.wait()
    await client.close()
    return outcome


@contextlib.contextmanager
def flooding(server: NatsServer, kind: str, part: float) -> Iterator[subprocess.Popen[bytes]]:
    """Let a driver send chunks of a kind during the block, a part of the allowance."""
    command = [sys.executable, "-m", "tests.tools.flood", str(server.port)]
    process = subprocess.Popen([*command, str(server.driver(DRIVER)), kind, str(part)])
    try:
        yield process
    finally:
        process.kill()
        process.wait()
