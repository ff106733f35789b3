"""Publish live chunks of N cars at their real pace; each frame is stamped as it leaves."""

import argparse
import asyncio
import time
from pathlib import Path

import msgspec
import nats
import uvloop
from msgspec.structs import replace

from pitbox import topology
from pitbox.chunks.frames import sealed
from pitbox.identity.credentials import Identity
from tests.bench import frames

PERIOD_S = 0.05
FRAMES = 3
BEFORE_LAST_NS = (FRAMES - 1) * 1_000_000_000 // frames.RATE_HZ


async def main() -> None:
    """Publish until killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--nats", required=True)
    parser.add_argument("--credentials", type=Path)
    parser.add_argument("--cars", type=int, required=True)
    parser.add_argument("--first", type=int, default=0, help="the number of the first car")
    arguments = parser.parse_args()
    options = Identity(arguments.credentials).options() if arguments.credentials else {}
    client = await nats.connect(arguments.nats, **options)
    cars = arguments.cars
    await asyncio.gather(
        *(car(client, arguments.first + place, place / cars) for place in range(cars))
    )


async def car(client: nats.NATS, number: int, phase: float) -> None:
    """Publish one car's chunks, `phase` periods later than the first car's."""
    made = frames.chunk(number, FRAMES, driver=f"car-{number}", run=time.time_ns())
    subject = topology.load().subject("telemetry.live", driver=made.driver, session=made.session)
    encode = msgspec.msgpack.Encoder().encode
    due = time.monotonic() + PERIOD_S * phase
    count = 0
    while True:
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        due += PERIOD_S
        count += 1
        captured_ns = time.time_ns() - BEFORE_LAST_NS
        stamped = replace(made, captured_ns=captured_ns, chunk=count, send=count)
        await client.publish(subject, encode(sealed(stamped)))


if __name__ == "__main__":
    uvloop.run(main())
