"""Seal consecutive chunks of a run into one block of columns, and unseal them: pure.

A block is a msgpack array (`Block`): a head, then `payload`, which is lz4 over

1. the frames as columns of words: time (uint32 us after its chunk's first frame), then the bits of
   each channel's float32, channels in ascending id;
2. the chunks as columns of words: count of frames, length of `observed`, low and high word of the
   ns since the chunk before;
3. `observed` of all chunks, one after the other.

Columns are coded as in `pitbox.chunks.planes`; all is little-endian. Unsealing gives chunks with
the bytes that were sealed, except that another version of lz4 may compress a chunk's own block to
other bytes; its crc fits those.
"""

import zlib
from collections.abc import Iterator, Sequence
from typing import Annotated, Final, Literal

import lz4.block
import msgspec
import numpy as np
from msgspec import Meta, Struct
from msgspec.structs import replace

from pitbox.chunks.arrays import Times, Values
from pitbox.chunks.errors import CorruptChunkError
from pitbox.chunks.frames import (
    MAX_UNPACKED_BYTES,
    channel_ids,
    check_crc,
    compress,
    decompress,
    decompressed,
    sealed,
)
from pitbox.chunks.planes import Words, coded, decoded
from schemas.telemetry import MAX_CHANNELS, Chunk, Number

BLOCK_VERSION: Final = 1
"""Blocks of every version are decoded for ever."""

FRAMES: Final = 120
"""The frames after which a block is full: two seconds of most sims. Half of it leaves a fifth of
Postgres's pages empty, which hold four pieces of 2 kB."""

MAX_CHUNKS: Final = 256
MAX_RAW_BYTES: Final = 1_000_000
"""A block of more than one chunk has at most so many bytes before its compression."""

MAX_PAUSE_NS: Final = 5_000_000_000
"""The longest time between two chunks of a block, so that its times differ by minutes at most."""

TABLE: Final = 4
"""The columns of words for chunks."""

LEVEL: Final = 4
"""Of lz4's high compression: 8 % smaller than its default, and as fast to decompress."""

Place = tuple[str, str, int, int]
"""Session, driver, run and first chunk of a block: part of its crc, and no part of its bytes."""

_encode: Final = msgspec.msgpack.Encoder().encode


class Block(Struct, array_like=True, frozen=True, gc=False):
    """Hold chunks `chunk`, `chunk` + 1, … of a run, which have the same version and channels.

    `crc` is the crc32 of the msgpack array of version, place and all fields after `crc`, with the
    length of `payload` in its place, and then of `payload`.
    """

    version: Literal[1]
    crc: Annotated[int, Meta(ge=0, lt=2**32)]
    chunk_version: Number
    first_frame: Number
    captured_ns: Number
    channels: Annotated[bytes, Meta(max_length=MAX_CHANNELS // 8)]
    chunks: Annotated[int, Meta(ge=1, le=MAX_CHUNKS)]
    frames: Annotated[int, Meta(ge=0, le=MAX_UNPACKED_BYTES)]
    observed_bytes: Annotated[int, Meta(ge=0, le=MAX_UNPACKED_BYTES)]
    payload: bytes


_decode: Final = msgspec.msgpack.Decoder(Block).decode


class Opened(Struct, frozen=True, gc=False):
    """Hold a block whose crc and sizes are right, and its bytes before the compression."""

    block: Block
    raw: bytes

    @property
    def shape(self) -> tuple[int, int, bytes]:
        """Return what blocks have in common that `columns` converts together."""
        return self.block.frames, self.block.chunks, self.block.channels


def cut(chunks: Sequence[Chunk], *, ended: bool) -> Iterator[Sequence[Chunk]]:
    """Yield the chunks of each block, in their order; `chunks` are of one run.

    A block holds consecutive chunks and frames of the same version and channels. Chunks that do
    not fill a block are left out at the end, unless `ended` states that no more will follow them.
    """
    first = frames = size = 0
    for place, chunk in enumerate(chunks):
        joins = place == first or _continues(chunks[place - 1], chunk)
        full = frames >= FRAMES or place - first >= MAX_CHUNKS
        if place > first and (not joins or full or size + _raw_bytes(chunk) > MAX_RAW_BYTES):
            yield chunks[first:place]
            first, frames, size = place, 0, 0
        frames += chunk.frames
        size += _raw_bytes(chunk)
    if chunks and (ended or frames >= FRAMES):
        yield chunks[first:]


def _continues(before: Chunk, chunk: Chunk) -> bool:
    return (
        chunk.chunk == before.chunk + 1
        and abs(chunk.captured_ns - before.captured_ns) < MAX_PAUSE_NS
        and chunk.first_frame == before.first_frame + before.frames
        and chunk.version == before.version
        and chunk.channels == before.channels
    )


def _raw_bytes(chunk: Chunk) -> int:
    return 4 * (chunk.frames * (1 + len(channel_ids(chunk.channels))) + TABLE) + len(chunk.observed)


def seal(chunks: Sequence[Chunk]) -> bytes:
    """Return the block of chunks as `cut` yields them.

    Raises CorruptChunkError for a chunk that does not match its crc or does not unpack, and for
    chunks that do not come out of the block as they went in.
    """
    first = chunks[0]
    frames = _frame_words(chunks)
    captured = np.array([chunk.captured_ns for chunk in chunks], "<i8")
    gaps = np.diff(captured, prepend=captured[:1]).view("<u4").reshape(-1, 2)
    counts = [chunk.frames for chunk in chunks]
    table = np.array([counts, [len(chunk.observed) for chunk in chunks], *gaps.T], "<u4")
    observed = b"".join(chunk.observed for chunk in chunks)
    raw = coded(frames) + coded(table) + observed
    place = first.session, first.driver, first.run, first.chunk
    block = Block(
        version=BLOCK_VERSION,
        crc=0,
        chunk_version=first.version,
        first_frame=first.first_frame,
        captured_ns=first.captured_ns,
        channels=first.channels,
        chunks=len(chunks),
        frames=sum(counts),
        observed_bytes=len(observed),
        payload=lz4.block.compress(
            raw, mode="high_compression", compression=LEVEL, store_size=False
        ),
    )
    stored = _encode(replace(block, crc=crc_of(place, block)))
    opened = unlock(place, stored)
    again = decoded([opened.raw], 0, range(len(frames)), block.frames)[:, 0]
    found, *others = (part[0] for part in _table([opened]))
    if not (
        np.array_equal(again, frames)
        and np.array_equal(found, captured)
        and np.array_equal(others, table[:2])
        and opened.raw.endswith(observed)
    ):
        raise CorruptChunkError("the chunks do not come out of the block as they went in")
    return stored


def unseal(place: Place, stored: bytes) -> list[Chunk]:
    """Return the chunks of a block, without send numbers; raises CorruptChunkError."""
    opened = unlock(place, stored)
    session, driver, run, number = place
    block, raw = opened.block, opened.raw
    [captured], [counts], [lengths] = _table([opened])
    width = len(channel_ids(block.channels))
    words = decoded([raw], 0, range(1 + width), block.frames)[:, 0]
    times, rows = words[0], np.ascontiguousarray(words[1:].T)
    frame, at = 0, len(raw) - block.observed_bytes
    chunks: list[Chunk] = []
    for captured_ns, count, length in zip(
        captured.tolist(), counts.tolist(), lengths.tolist(), strict=True
    ):
        part = slice(frame, frame + count)
        content = times[part].tobytes() + rows[part].tobytes()
        chunk = Chunk(
            version=block.chunk_version,
            driver=driver,
            session=session,
            run=run,
            chunk=number + len(chunks),
            send=0,
            first_frame=block.first_frame + frame,
            frames=count,
            captured_ns=captured_ns,
            channels=block.channels,
            crc=0,
            block=compress(content) if count else b"",
            observed=raw[at : at + length],
        )
        chunks.append(sealed(chunk))
        frame, at = frame + count, at + length
    return chunks


def unlock(place: Place, stored: bytes) -> Opened:
    """Return a block, checked against its crc and decompressed; raises CorruptChunkError."""
    try:
        block = _decode(stored)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise CorruptChunkError(f"it is no block: {error}") from error
    if crc_of(place, block) != block.crc:
        raise CorruptChunkError("the fields of the block do not match its crc")
    words = block.frames * (1 + len(channel_ids(block.channels))) + block.chunks * TABLE
    return Opened(block, decompressed(block.payload, 4 * words + block.observed_bytes))


def columns(opened: Sequence[Opened], wanted: Sequence[int]) -> tuple[Times, Values]:
    """Return times (ns since 1970) and values, float32[channels][frames], of blocks of one shape.

    `wanted` are channel ids that the blocks have. Raises CorruptChunkError when the chunks of a
    block do not have its frames.
    """
    frames, _, channels = opened[0].shape
    ids = channel_ids(channels)
    captured, counts, _ = _table(opened)
    rows = [0, *(1 + ids.index(channel) for channel in wanted)]
    words = decoded([one.raw for one in opened], 0, rows, frames)
    words = words.reshape(1 + len(wanted), -1)
    times = np.repeat(captured.ravel(), counts.ravel()) + words[0].astype(np.int64) * 1000
    return times, words[1:].view("<f4")


def observed(opened: Opened) -> list[bytes]:
    """Return the packed events of each chunk of a block that has some.

    Raises CorruptChunkError when the chunks of the block do not have its frames.
    """
    _, _, lengths = _table([opened])
    ends = np.cumsum(lengths[0], dtype=np.int64)
    raw = opened.raw[len(opened.raw) - opened.block.observed_bytes :]
    places = zip((ends - lengths[0]).tolist(), ends.tolist(), strict=True)
    return [raw[begin:end] for begin, end in places if end > begin]


def _frame_words(chunks: Sequence[Chunk]) -> Words:
    """Return times and values of chunks as words[1 + channels][frames]."""
    width = len(channel_ids(chunks[0].channels))
    times, rows = list[bytes](), list[bytes]()
    for chunk in chunks:
        check_crc(chunk)
        raw = decompress(chunk.block, chunk.frames, width)
        times.append(raw[: 4 * chunk.frames])
        rows.append(raw[4 * chunk.frames :])
    of_time = np.frombuffer(b"".join(times), "<u4")
    of_rows = np.frombuffer(b"".join(rows), "<u4").reshape(len(of_time), width)
    return np.vstack((of_time, of_rows.T))


def _table(opened: Sequence[Opened]) -> tuple[Times, Words, Words]:
    """Return capture times, counts of frames and lengths of `observed`, each [blocks][chunks].

    Raises CorruptChunkError when they do not match the blocks.
    """
    frames, chunks, channels = opened[0].shape
    begin = 4 * frames * (1 + len(channel_ids(channels)))
    raws = [one.raw for one in opened]
    counts, lengths, *gaps = decoded(raws, begin, range(TABLE), chunks)
    captured = np.stack(gaps, axis=-1).view("<i8")[..., 0].cumsum(axis=1)
    captured += np.array([[one.block.captured_ns] for one in opened], np.int64)
    observed = np.array([one.block.observed_bytes for one in opened])
    if (
        (counts.sum(axis=1, dtype=np.int64) != frames).any()
        or (lengths.sum(axis=1, dtype=np.int64) != observed).any()
        or (captured < 0).any()
    ):
        raise CorruptChunkError("the chunks of the block do not have its frames")
    return captured, counts, lengths


def crc_of(place: Place, block: Block) -> int:
    numbers = block.chunk_version, block.first_frame, block.captured_ns
    sizes = block.chunks, block.frames, block.observed_bytes, len(block.payload)
    head = _encode((block.version, *place, *numbers, block.channels, *sizes))
    return zlib.crc32(block.payload, zlib.crc32(head))
