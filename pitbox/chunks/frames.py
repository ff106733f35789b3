"""Pack frames into the block of a chunk, and unpack them within bounds.

A block is `lz4.block` over the frame times (uint32 us after `captured_ns`, one per frame) and the
float32 rows (one per frame, channels in ascending id), little-endian. Its unpacked size is computed
from the chunk's header and bounded, never read from the block. Rows, because below a dozen frames
they compress better than columns.
"""

import struct
import zlib
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Final

import lz4.block
import msgspec
from msgspec import Struct
from msgspec.structs import replace

from pitbox.chunks import plausible
from pitbox.chunks.errors import CorruptChunkError, RefusedChunkError
from schemas.channels import from_bitmap, ids
from schemas.telemetry import MAX_FRAMES, Chunk

if TYPE_CHECKING:
    FloatView = memoryview[float]
else:
    FloatView = memoryview

HEADLESS: Final = 1
"""The version of chunks whose crc does not cover the head."""

MAX_SPAN_US: Final = 2**32 - 1
MAX_UNPACKED_BYTES: Final = 4_000_000

LAST_NS: Final = 2**63 - 1
[LAP_NUMBER] = ids("lap_number")

_encode: Final = msgspec.msgpack.Encoder().encode
_delta_us: Final = struct.Struct("<I").unpack_from


class Frames(Struct, frozen=True):
    """Hold the unpacked frames of a chunk.

    `channels` are ids in ascending order, `times_ns` is the driver's clock (ns since 1970),
    `values` a flat float32 view of [frames][channels].
    """

    channels: tuple[int, ...]
    times_ns: tuple[int, ...]
    values: FloatView

    def row(self, frame: int) -> list[float]:
        """Return all channels of one frame."""
        width = len(self.channels)
        start = frame % len(self.times_ns) * width
        return list(self.values[start : start + width])

    def column(self, channel_id: int) -> list[float] | None:
        """Return one channel over all frames, None when the chunk lacks it."""
        if channel_id not in self.channels:
            return None
        return list(self.values[self.channels.index(channel_id) :: len(self.channels)])


@lru_cache(maxsize=64)
def row_struct(width: int) -> struct.Struct:
    """Return the packer of one row of `width` channels."""
    return struct.Struct(f"<{width}f")


@lru_cache(maxsize=64)
def _times_reader(frames: int) -> Callable[[bytes], tuple[int, ...]]:
    """Return a function that reads the frame times of a decompressed block."""
    return struct.Struct(f"<{frames}I").unpack_from


@lru_cache(maxsize=256)
def channel_ids(packed: bytes) -> tuple[int, ...]:
    """Return the channel ids of a chunk's bitmap."""
    return from_bitmap(packed)


def pack(times_ns: Sequence[int], rows: Sequence[bytes]) -> bytes:
    """Compress packed rows and their times (ns since 1970) into a block.

    Raises ValueError for more than `MAX_FRAMES` frames, for a span of more than 71 minutes, and for
    a time before the first one.
    """
    if len(rows) > MAX_FRAMES:
        raise ValueError(f"{len(rows)} frames in a chunk, at most {MAX_FRAMES} fit")
    if not rows:
        return b""
    base = times_ns[0]
    deltas = [(at - base) // 1000 for at in times_ns]
    if min(deltas) < 0 or max(deltas) > MAX_SPAN_US:
        raise ValueError("frame times of a chunk must not precede its first one")
    raw = struct.pack(f"<{len(deltas)}I", *deltas) + b"".join(rows)
    return compress(raw)


def compress(raw: bytes) -> bytes:
    """Return frame times and rows as a block."""
    return bytes(lz4.block.compress(raw, store_size=False))


def crc_of(chunk: Chunk) -> int:
    """Return the crc32 that a chunk has to carry.

    It covers the head (a msgpack array of version, driver, session, run, chunk, first_frame,
    frames, captured_ns, channels and the block's length), then `block` and `observed`. `send` is
    not covered, because it changes with every publish. Version 1 has no head in its crc.
    """
    crc = zlib.crc32(chunk.block, 0 if chunk.version == HEADLESS else zlib.crc32(_head(chunk)))
    return zlib.crc32(chunk.observed, crc) if chunk.observed else crc


def sealed(chunk: Chunk) -> Chunk:
    """Return a chunk with the crc of its fields."""
    return replace(chunk, crc=crc_of(chunk))


def check_crc(chunk: Chunk) -> None:
    """Raise CorruptChunkError when the fields of a chunk do not match its crc."""
    if crc_of(chunk) != chunk.crc:
        raise CorruptChunkError("the fields of the chunk do not match its crc")


def unpack(chunk: Chunk) -> Frames:
    """Return the frames of a chunk; raises as `content`."""
    return _frames(content(chunk), chunk.frames, chunk.channels, chunk.captured_ns)


def unpack_block(block: bytes, frames: int, channels: bytes, captured_ns: int) -> Frames:
    """Return the frames of a stored block; raises CorruptChunkError on a size mismatch."""
    raw = decompress(block, frames, len(channel_ids(channels)))
    return _frames(raw, frames, channels, captured_ns)


def _frames(raw: bytes, frames: int, channels: bytes, captured_ns: int) -> Frames:
    times = _times_reader(frames)(raw)
    values = memoryview(raw)[4 * frames :].cast("f")
    return Frames(
        channel_ids(channels), tuple(captured_ns + 1000 * delta for delta in times), values
    )


def content(chunk: Chunk) -> bytes:
    """Return the uncompressed block of a chunk that came from a producer, checked.

    Raises CorruptChunkError when crc or sizes do not match, RefusedChunkError when the chunk states
    more than a car can do.
    """
    check_crc(chunk)
    plausible.check_events(chunk.observed)
    frames, channels = chunk.frames, channel_ids(chunk.channels)
    raw = decompress(chunk.block, frames, len(channels))
    if not frames:
        return raw
    times_us = _times_reader(frames)(raw)
    plausible.check_times(times_us)
    if chunk.captured_ns + 1000 * times_us[-1] > LAST_NS:
        raise RefusedChunkError("its last frame is beyond any clock")
    if frames > plausible.MAX_LAP_CHANGES and LAP_NUMBER in channels:
        values = memoryview(raw)[4 * frames :].cast("f")
        lap_numbers = values[channels.index(LAP_NUMBER) :: len(channels)].tolist()
        plausible.check_lap_numbers(lap_numbers)
    return raw


def decompress(block: bytes, frames: int, width: int) -> bytes:
    """Return the uncompressed bytes of a block: frame times, then rows; b"" for no frames.

    Raises CorruptChunkError unless the block holds `frames` rows of `width` channels.
    """
    if not frames:
        return b""
    return decompressed(block, frames * 4 * (1 + width))


def decompressed(block: bytes, size: int) -> bytes:
    """Return the `size` bytes that were compressed; raises CorruptChunkError when they are not."""
    if size > MAX_UNPACKED_BYTES:
        raise CorruptChunkError(f"{size} bytes are more than a block holds")
    try:
        raw = bytes(lz4.block.decompress(block, uncompressed_size=size))
    except (lz4.block.LZ4BlockError, ValueError, MemoryError) as error:
        raise CorruptChunkError(f"block does not decompress: {error}") from error
    if len(raw) != size:
        raise CorruptChunkError(f"block holds {len(raw)} bytes, {size} were declared")
    return raw


def last_time_ns(raw: bytes, frames: int, captured_ns: int) -> int:
    """Return the time of the last frame of a decompressed block (ns since 1970)."""
    delta_us: int = _delta_us(raw, 4 * (frames - 1))[0]
    return captured_ns + 1000 * delta_us


def _head(chunk: Chunk) -> bytes:
    return _encode(
        (
            chunk.version,
            chunk.driver,
            chunk.session,
            chunk.run,
            chunk.chunk,
            chunk.first_frame,
            chunk.frames,
            chunk.captured_ns,
            chunk.channels,
            len(chunk.block),
        )
    )


def last_row_reader(width: int, columns: Sequence[int]) -> Callable[[bytes], tuple[float, ...]]:
    """Return a function that reads some columns of the last row of a decompressed block.

    Rows have `width` columns, in the order of `channel_ids`; `columns` are ascending indices.
    """
    pattern, end = "<", 0
    for column in columns:
        pattern += f"{4 * (column - end)}xf"
        end = column + 1
    return partial(struct.Struct(pattern).unpack_from, offset=-4 * width)
