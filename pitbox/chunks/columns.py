"""Read some channels of a chunk, for a reader of few: the other values are never made.

`wanted` are channel ids in ascending order.
"""

import struct
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Final

from pitbox.chunks.frames import channel_ids, content
from schemas.telemetry import Chunk

Column = Sequence[float]

FEW_FRAMES: Final = 8
"""Up to so many frames are read by one struct, which is kept for each layout."""


def read(chunk: Chunk, wanted: tuple[int, ...]) -> tuple[Sequence[int], list[Column | None]]:
    """Return the frames' times (ns since 1970) and wanted channels, None for an absent one.

    Raises as `pitbox.chunks.frames.content`.
    """
    raw, frames, base_ns = content(chunk), chunk.frames, chunk.captured_ns
    if frames <= FEW_FRAMES:
        unpack, slices = _few(chunk.channels, wanted, frames)
        found = unpack(raw)
        times_ns = [base_ns + 1000 * delta_us for delta_us in found[:frames]]
        return times_ns, [None if place is None else found[place] for place in slices]
    words = memoryview(raw)
    values, width = words[4 * frames :].cast("f"), len(channel_ids(chunk.channels))
    times_ns = [base_ns + 1000 * delta_us for delta_us in words[: 4 * frames].cast("I")]
    return times_ns, [
        None if offset is None else values[offset::width].tolist()
        for offset in offsets(chunk.channels, wanted)
    ]


@lru_cache(maxsize=256)
def offsets(channels: bytes, wanted: tuple[int, ...]) -> tuple[int | None, ...]:
    """Return the place of each wanted channel in a row, None for an absent one."""
    present = {channel: offset for offset, channel in enumerate(channel_ids(channels))}
    return tuple(present.get(channel) for channel in wanted)


@lru_cache(maxsize=256)
def _few(
    channels: bytes, wanted: tuple[int, ...], frames: int
) -> tuple[Callable[[bytes], tuple[Any, ...]], tuple[slice | None, ...]]:
    """Return the reader of times and wanted values, and where each channel is in its result."""
    places = offsets(channels, wanted)
    present = [offset for offset in places if offset is not None]
    row, end = "", 0
    for offset in present:
        row += f"{4 * (offset - end)}xf"
        end = offset + 1
    row += f"{4 * (len(channel_ids(channels)) - end)}x"
    column = iter(range(len(present)))
    slices = tuple(
        None if offset is None else slice(frames + next(column), None, len(present))
        for offset in places
    )
    return struct.Struct(f"<{frames}I" + row * frames).unpack_from, slices
