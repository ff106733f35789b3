"""The frames of every bench: 80 channels as a sim gives them, the same for every contestant.

In order: a clock, the lap number, the lap's clock, then 16 smooth, 16 noisy and 30 slow floats,
9 integers and 6 flags.
"""

import math
import random
from collections.abc import Iterator
from functools import cache
from typing import Final

import msgspec

from pitbox.chunks.frames import pack, row_struct, sealed
from schemas.channels import CHANNELS, bitmap
from schemas.telemetry import CHUNK_VERSION, Chunk

WIDTH: Final = 80
RATE_HZ: Final = 60
START_NS: Final = 1_750_000_000_000_000_000
SESSION: Final = "bench"
NAMES: Final = tuple(channel.name for channel in CHANNELS[:WIDTH])
BITMAP: Final = bitmap(tuple(channel.id for channel in CHANNELS[:WIDTH]))
LAP_S: Final = 90
CYCLE: Final = 3600
"""A minute of frames, again and again: compression sees no more than a chunk at once."""

Row = tuple[float, ...]


@cache
def rows() -> tuple[Row, ...]:
    """Return a minute of frames."""
    draw = random.Random(80)
    slow = [draw.uniform(0, 100) for _ in range(30)]
    made = []
    for frame in range(CYCLE):
        seconds = frame / RATE_HZ
        if frame % 6 == 0:
            slow[draw.randrange(30)] += draw.uniform(-1, 1)
        smooth = (50 * math.sin(seconds * (0.1 + place / 20) + place) for place in range(16))
        noisy = (draw.gauss(place, 1) for place in range(16))
        whole = (float(int(seconds / (place + 1)) % 8) for place in range(9))
        flags = (float(int(seconds * (place + 1) / 7) % 2) for place in range(6))
        lap, lap_s = divmod(seconds, LAP_S)
        made.append((seconds, lap, lap_s, *smooth, *noisy, *slow, *whole, *flags))
    as_float32 = row_struct(WIDTH)
    return tuple(as_float32.unpack(as_float32.pack(*row)) for row in made)


def times_ns(first: int, count: int) -> list[int]:
    """Return the capture times of frames."""
    return [START_NS + frame * 1_000_000_000 // RATE_HZ for frame in range(first, first + count)]


def chunk(number: int, frames: int, driver: str = "bench", run: int = 1) -> Chunk:
    """Return a chunk of a run."""
    first = number * frames
    made = rows()
    pack_row = row_struct(WIDTH).pack
    packed = [pack_row(*made[frame % CYCLE]) for frame in range(first, first + frames)]
    captured = times_ns(first, frames)
    block = pack(captured, packed)
    made = Chunk(
        version=CHUNK_VERSION,
        driver=driver,
        session=SESSION,
        run=run,
        chunk=number,
        send=number + 1,
        first_frame=first,
        frames=frames,
        captured_ns=captured[0],
        channels=BITMAP,
        crc=0,
        block=block,
    )
    return sealed(made)


def chunks(total_frames: int, frames: int) -> Iterator[Chunk]:
    """Yield all chunks of a drive."""
    for number in range(total_frames // frames):
        yield chunk(number, frames)


def messages(total_frames: int) -> Iterator[bytes]:
    """Yield the same drive for peers: one msgpack array per frame (sequence, then channels)."""
    encode = msgspec.msgpack.encode
    made = rows()
    for frame in range(total_frames):
        yield encode((frame, *made[frame % CYCLE]))
