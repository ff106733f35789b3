"""A sealed block returns the chunks that were sealed, and nothing that is damaged."""

import struct
from collections.abc import Sequence

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from pitbox.chunks import sealing
from pitbox.chunks.errors import CorruptChunkError
from pitbox.chunks.frames import channel_ids, pack, sealed, unpack
from pitbox.chunks.sealing import FRAMES, Place
from schemas.channels import bitmap
from schemas.telemetry import CHUNK_VERSION, Chunk

BASE_NS = 1_700_000_000_000_000_000


@st.composite
def runs(draw: st.DrawFn, *, backwards: bool = True) -> list[Chunk]:
    """Return chunks of a run, with any bits; some of their numbers and frames may be missing.

    With `backwards` its clock may step back.
    """
    noise = draw(st.randoms(use_true_random=False))
    made: list[Chunk] = []
    number = frame = 0
    captured_ns = BASE_NS + draw(st.integers(0, 10**9))
    channels = draw(st.sets(st.integers(0, 120), max_size=6).map(sorted))
    version = CHUNK_VERSION
    for _ in range(draw(st.integers(1, 16))):
        change = draw(st.sampled_from(["none"] * 12 + ["hole", "frames", "channels", "version"]))
        number += change == "hole"
        frame += 3 * (change in {"hole", "frames"})
        version = 3 - version if change == "version" else version
        if change == "channels":
            channels = draw(st.sets(st.integers(0, 120), max_size=6).map(sorted))
        steps = draw(st.lists(st.integers(0, 10**6), max_size=8))
        times = [captured_ns + 1000 * sum(steps[: n + 1]) for n in range(len(steps))]
        chunk = Chunk(
            version=version,
            driver="ada",
            session="race",
            run=7,
            chunk=number,
            send=draw(st.integers(0, 9)),
            first_frame=frame,
            frames=len(steps),
            captured_ns=times[0] if times else captured_ns,
            channels=bitmap(tuple(channels)),
            crc=0,
            block=pack(times, [noise.randbytes(4 * len(channels)) for _ in steps]),
            observed=draw(st.sampled_from([b"", b"", b"", b"\x90", b"\x91\xa3abc"])),
        )
        made.append(sealed(chunk))
        number, frame = number + 1, frame + len(steps)
        captured_ns += 0 if backwards else 1000 * sum(steps) + 1000
        captured_ns += draw(st.integers(-(10**9) if backwards else 0, 10**10))
    return made


def place(chunks: Sequence[Chunk]) -> Place:
    first = chunks[0]
    return first.session, first.driver, first.run, first.chunk


def drive(chunks: int, frames: int = 3, first: int = 0) -> list[Chunk]:
    """Return chunks of 50 ms with two channels, of which the first counts frames."""
    made = []
    for number in range(first, first + chunks):
        times = [BASE_NS + (number * frames + n) * 16_000_000 for n in range(frames)]
        rows = [struct.pack("<2f", number * frames + n, 1.0) for n in range(frames)]
        made.append(
            sealed(
                Chunk(
                    version=CHUNK_VERSION,
                    driver="ada",
                    session="race",
                    run=7,
                    chunk=number,
                    send=0,
                    first_frame=number * frames,
                    frames=frames,
                    captured_ns=times[0] if times else BASE_NS,
                    channels=bitmap((1, 30)),
                    crc=0,
                    block=pack(times, rows),
                )
            )
        )
    return made


@given(runs())
def test_chunks_come_out_of_their_blocks_as_they_were_made(chunks: list[Chunk]) -> None:
    cut = list(sealing.cut(chunks, ended=True))
    assert [chunk for group in cut for chunk in group] == chunks
    again = [chunk for group in cut for chunk in sealing.unseal(place(group), sealing.seal(group))]
    assert again == [replace(chunk, send=0) for chunk in chunks]


@given(runs())
def test_columns_hold_the_frames_of_the_chunks(chunks: list[Chunk]) -> None:
    for group in sealing.cut(chunks, ended=True):
        ids = channel_ids(group[0].channels)
        opened = sealing.unlock(place(group), sealing.seal(group))
        for wanted in (ids, ids[::-2]):
            times, values = sealing.columns([opened], wanted)
            assert times.tolist() == [at for chunk in group for at in unpack(chunk).times_ns]
            rows = np.frombuffer(b"".join(unpack(one).values for one in group), "<f4")
            expected = rows.reshape(len(times), len(ids))[
                :, [ids.index(channel) for channel in wanted]
            ].T
            assert values.tobytes() == expected.tobytes()


def test_blocks_of_one_shape_are_converted_together() -> None:
    groups = list(sealing.cut(drive(80), ended=True))
    opened = [sealing.unlock(place(group), sealing.seal(group)) for group in groups]
    assert len({one.shape for one in opened}) == 1
    times, values = sealing.columns(opened, [1])
    assert values.tolist() == [[float(n) for n in range(240)]]
    assert (times - BASE_NS).tolist() == [n * 16_000_000 for n in range(240)]


def test_a_block_is_full_after_two_seconds() -> None:
    assert [len(group) for group in sealing.cut(drive(85), ended=False)] == [40, 40]
    assert [len(group) for group in sealing.cut(drive(85), ended=True)] == [40, 40, 5]
    assert [len(group) for group in sealing.cut(drive(3, frames=FRAMES), ended=False)] == [1] * 3


def test_chunks_beside_a_hole_are_in_blocks_of_their_own() -> None:
    chunks = drive(5) + drive(4, first=6)
    assert [len(group) for group in sealing.cut(chunks, ended=False)] == [5]
    assert [len(group) for group in sealing.cut(chunks, ended=True)] == [5, 4]


def test_chunks_behind_a_pause_are_in_a_block_of_their_own() -> None:
    chunks = drive(10)
    late = [replace(one, captured_ns=one.captured_ns + 6 * 10**9) for one in chunks[5:]]
    found = sealing.cut([*chunks[:5], *map(sealed, late)], ended=True)
    assert [len(group) for group in found] == [5, 5]


def test_chunks_without_frames_do_not_fill_a_block_for_ever() -> None:
    chunks = drive(1000, frames=0)
    assert max(len(group) for group in sealing.cut(chunks, ended=True)) == sealing.MAX_CHUNKS


def test_a_block_of_several_chunks_is_bounded_in_bytes() -> None:
    chunks = [sealed(replace(chunk, observed=bytes(200_000))) for chunk in drive(20)]
    assert [len(group) for group in sealing.cut(chunks, ended=True)] == [4] * 5


def test_a_chunk_that_does_not_match_its_crc_is_not_sealed() -> None:
    chunks = drive(20)
    chunks[3] = replace(chunks[3], crc=1)
    with pytest.raises(CorruptChunkError, match="crc"):
        sealing.seal(chunks)


@given(st.integers(0, 10**6), st.integers(0, 7))
def test_a_flipped_bit_anywhere_makes_a_block_corrupt(byte: int, bit: int) -> None:
    chunks = drive(20)
    stored = bytearray(sealing.seal(chunks))
    stored[byte % len(stored)] ^= 1 << bit
    with pytest.raises(CorruptChunkError):
        sealing.unseal(place(chunks), bytes(stored))


@given(st.binary(max_size=200))
def test_bytes_that_are_no_block_are_corrupt(stored: bytes) -> None:
    with pytest.raises(CorruptChunkError):
        sealing.unseal(("race", "ada", 7, 0), stored)


@pytest.mark.parametrize(
    "other", [("x", "ada", 7, 0), ("race", "ada", 8, 0), ("race", "ada", 7, 1)]
)
def test_a_block_at_the_place_of_another_one_is_corrupt(other: Place) -> None:
    with pytest.raises(CorruptChunkError, match="crc"):
        sealing.unseal(other, sealing.seal(drive(20)))


@pytest.mark.parametrize(
    ("field", "value"),
    [("frames", 59), ("chunks", 19), ("observed_bytes", 1), ("captured_ns", 2**63 - 1)],
)
def test_a_head_that_contradicts_its_content_is_corrupt_whatever_its_crc(
    field: str, value: int
) -> None:
    chunks = drive(20)
    fields = dict(
        zip(
            sealing.Block.__struct_fields__,
            msgspec.msgpack.decode(sealing.seal(chunks)),
            strict=True,
        )
    )
    block = sealing.Block(**fields | {field: value})
    block = replace(block, crc=sealing.crc_of(place(chunks), block))
    with pytest.raises(CorruptChunkError):
        sealing.unseal(place(chunks), msgspec.msgpack.encode(block))


def test_a_block_that_declares_too_much_is_refused_before_allocation() -> None:
    block = sealing.Block(1, 0, 2, 0, 0, bitmap(tuple(range(1000))), 1, 10**6, 0, b"")
    block = replace(block, crc=sealing.crc_of(("s", "d", 1, 0), block))
    with pytest.raises(CorruptChunkError, match="more than a block holds"):
        sealing.unseal(("s", "d", 1, 0), msgspec.msgpack.encode(block))
