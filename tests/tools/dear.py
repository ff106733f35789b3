"""Chunks that cost their readers as much as a driver can make them cost."""

import struct
from collections.abc import Callable, Iterable, Mapping
from typing import Final

import msgspec

from pitbox.chunks.frames import pack, sealed
from schemas.channels import bitmap, ids
from schemas.sim import Observed
from schemas.telemetry import CHUNK_VERSION, Chunk

START_NS: Final = 1_700_000_000_000_000_000
CHUNK_NS: Final = 512_000_000
CHANNELS: Final = ids(
    *("session_time", "lap_number", "last_lap_time", "lap_distance", "lap_fraction", "sector"),
    *("lap_valid", "fuel_level", "speed", "in_pit_lane"),
)
NAMES: Final = (
    *("session_time", "lap_number", "last_lap_time", "lap_distance", "lap_fraction", "sector"),
    *("lap_valid", "fuel_level", "speed", "in_pit_lane"),
)

Column = Callable[[int], float]
"""The value of a channel in a frame, which is counted over all chunks."""

Dear = Callable[[int], Chunk]
"""A chunk of a kind, by its number in the run."""


def framed(
    number: int,
    columns: Mapping[str, Column],
    *,
    frames: int = 512,
    gap_ns: int = 1_000_000,
    events: Iterable[Observed] = (),
    driver: str = "eve",
    session: str = "test",
) -> Chunk:
    """Return a chunk of frames `gap_ns` apart; channels without a column are 0."""
    first = number * frames
    base_ns = START_NS + number * CHUNK_NS
    times = [base_ns + frame * gap_ns for frame in range(frames)]
    channels = [columns.get(name, _zero) for name in NAMES]
    one = struct.Struct(f"<{len(NAMES)}f")
    rows = [one.pack(*(column(first + frame) for column in channels)) for frame in range(frames)]
    block = pack(times, rows)
    observed = msgspec.msgpack.encode(list(events))
    made = Chunk(
        version=CHUNK_VERSION,
        driver=driver,
        session=session,
        run=1,
        chunk=number,
        send=number,
        first_frame=first,
        frames=frames,
        captured_ns=base_ns,
        channels=bitmap(CHANNELS),
        crc=0,
        block=block,
        observed=observed,
    )
    return sealed(made)


def _zero(_: int) -> float:
    return 0.0
