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
    arguments = parser.parse_args()
    options = Identity(arguments.credentials).options() if arguments.credentials else {}
    client = await nats.connect(arguments.nats, **options)
    tasks = [car(client, number, arguments.cars) for number in range(arguments.cars)]
    await asyncio.gather(*tasks)


async def car(client: nats.NATS, number: int, cars: int) -> None:
    """Publish one car's chunks, evenly between those of the others."""
    made = frames.chunk(number, FRAMES, driver=f"car-{number}", run=time.time_ns())
    subject = topology.load().subject("telemetry.live", driver=made.driver, session=made.session)
    encode = msgspec.msgpack.Encoder().encode
    due = time.monotonic() + PERIOD_S * number / cars
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
