"""Unpacking returns the packed frames, and a hostile block allocates nothing."""

import struct
import zlib

import lz4.block
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pitbox.chunks import frames
from pitbox.chunks.errors import CorruptChunkError
from schemas.channels import bitmap
from schemas.telemetry import MAX_FRAMES, Chunk
from tests.tools.hub import chunk

BASE_NS = 1_700_000_000_000_000_000
finite = st.floats(width=32, allow_nan=False)


def packed(times: list[int], rows: list[list[float]], width: int) -> Chunk:
    block = frames.pack(times, [frames.row_struct(width).pack(*row) for row in rows])
    return chunk(
        block=block,
        frames=len(rows),
        channels=bitmap(tuple(range(width))),
        captured_ns=times[0] if times else 0,
    )


@given(st.data())
def test_packed_frames_are_unpacked(data: st.DataObject) -> None:
    width = data.draw(st.integers(1, 40))
    rows = data.draw(st.lists(st.lists(finite, min_size=width, max_size=width), max_size=8))
    steps = data.draw(st.lists(st.integers(0, 10**6), min_size=len(rows), max_size=len(rows)))
    times = [BASE_NS + 1000 * sum(steps[: n + 1]) for n in range(len(rows))]
    found = frames.unpack(packed(times, rows, width))
    assert found.times_ns == tuple(times)
    assert [found.row(n) for n in range(len(rows))] == rows
    assert all(found.column(c) == [row[c] for row in rows] for c in range(width))
    assert found.column(width) is None


def test_a_negative_index_counts_from_the_last_frame() -> None:
    found = frames.unpack(packed([BASE_NS, BASE_NS + 1000], [[1.0], [2.0]], 1))
    assert found.row(-1) == [2.0]


@given(st.binary(max_size=2000), st.integers(0, MAX_FRAMES), st.binary(max_size=128))
def test_any_bytes_are_frames_or_corrupt(block: bytes, count: int, channels: bytes) -> None:
    try:
        found = frames.unpack_block(block, count, channels, BASE_NS)
    except CorruptChunkError:
        return
    assert len(found.times_ns) == count
    assert len(found.values) == count * len(found.channels)


def test_asvs_5_2_3_a_decompression_bomb_is_rejected_by_its_header() -> None:
    bomb = lz4.block.compress(bytes(50_000_000), store_size=False)
    assert len(bomb) < 200_000
    with pytest.raises(CorruptChunkError, match="does not decompress"):
        frames.decompress(bomb, frames=3, width=80)


def test_a_header_above_the_limit_is_rejected_before_allocation() -> None:
    with pytest.raises(CorruptChunkError, match="more than a block holds"):
        frames.decompress(b"", frames=MAX_FRAMES, width=1024)


def test_a_block_of_fewer_bytes_than_declared_is_corrupt() -> None:
    short = packed([BASE_NS], [[1.0, 2.0]], 2)
    with pytest.raises(CorruptChunkError, match="12 bytes, 24 were declared"):
        frames.unpack_block(short.block, 2, short.channels, BASE_NS)


@given(st.integers(0, 2**30))
def test_a_flipped_bit_anywhere_in_a_chunk_is_detected(place: int) -> None:
    whole = chunk(7, observed=b"events")
    flipped = bytearray(msgspec.msgpack.encode(whole))
    flipped[place // 8 % len(flipped)] ^= 1 << place % 8
    try:
        found = msgspec.msgpack.decode(flipped, type=Chunk)
        frames.check_crc(found)
    except (msgspec.MsgspecError, UnicodeDecodeError, CorruptChunkError):
        return
    assert msgspec.structs.replace(found, send=whole.send) == whole


def test_a_byte_that_moves_from_one_field_to_the_next_is_detected() -> None:
    whole = chunk(block=b"block", observed=b"events")
    moved = msgspec.structs.replace(whole, block=b"blocke", observed=b"vents")
    with pytest.raises(CorruptChunkError, match="crc"):
        frames.check_crc(moved)


def test_chunks_of_version_1_are_read_for_ever() -> None:
    """Their crc covers block and observed alone."""
    kept = bytes.fromhex(
        "9e0101a3616461a3737061cf000001a2105cbc0f07cf0006610fea3e9dfb1503cf18eb262b04991f"
        "dec4020301ce1eae7d30c405626c6f636bc4066576656e7473"
    )
    old = msgspec.msgpack.decode(kept, type=Chunk)
    assert (old.version, old.chunk, old.crc) == (1, 7, zlib.crc32(b"blockevents"))
    frames.check_crc(old)
    with pytest.raises(CorruptChunkError):
        frames.check_crc(msgspec.structs.replace(old, version=2))


@pytest.mark.parametrize(
    ("times", "message"),
    [
        ([BASE_NS, BASE_NS - 1000], "must not precede"),
        ([BASE_NS, BASE_NS + 2**33 * 1000], "must not precede"),
        ([BASE_NS] * (MAX_FRAMES + 1), "4097 frames in a chunk, at most 4096 fit"),
    ],
)
def test_packing_rejects_frames_that_no_chunk_holds(times: list[int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        frames.pack(times, [b""] * len(times))


def test_the_layout_of_a_block_never_changes() -> None:
    """Blocks are stored for years: times first, as uint32 us, then rows, all little-endian."""
    block = frames.pack([BASE_NS, BASE_NS + 2_000_000], [struct.pack("<f", 1.5), b"\0\0\x80\xbf"])
    raw = lz4.block.decompress(block, uncompressed_size=16)
    assert raw == bytes.fromhex("00000000 d0070000 0000c03f 000080bf")
