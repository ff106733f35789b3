"""Arrays and tuples hold the same frames of a block."""

import struct
from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pitbox.chunks import arrays, frames
from schemas.channels import bitmap
from schemas.telemetry import Chunk
from tests.tools.hub import chunk

BASE_NS = 1_700_000_000_000_000_000
STEP_NS = 16_667_000


def made(rows: Sequence[Sequence[float]], width: int, captured_ns: int = BASE_NS) -> Chunk:
    times = [captured_ns + STEP_NS * n for n in range(len(rows))]
    block = frames.pack(times, [struct.pack(f"<{width}f", *row) for row in rows])
    return chunk(
        block=block,
        frames=len(rows),
        channels=bitmap(tuple(range(width))),
        captured_ns=captured_ns,
        observed=b"",
    )


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[list[float]], int]:
    width = draw(st.integers(1, 12))
    row = st.lists(st.floats(width=32, allow_nan=False), min_size=width, max_size=width)
    return draw(st.lists(row, min_size=1, max_size=8)), width


@given(tables())
def test_arrays_and_tuples_agree(table: tuple[list[list[float]], int]) -> None:
    chunk = made(*table)
    plain = frames.unpack(chunk)
    stored_ns, stored = arrays.unpack_blocks(
        [chunk.block], [chunk.captured_ns], chunk.frames, chunk.channels
    )
    assert tuple(stored_ns.tolist()) == plain.times_ns
    assert stored.tolist() == table[0]


def test_blocks_of_one_shape_are_concatenated() -> None:
    first, second = made([[1, 2], [3, 4]], 2), made([[5, 6], [7, 8]], 2, BASE_NS + 10**9)
    times, values = arrays.unpack_blocks(
        [first.block, second.block], [BASE_NS, BASE_NS + 10**9], 2, first.channels
    )
    assert values.tolist() == [[1, 2], [3, 4], [5, 6], [7, 8]]
    assert (times - BASE_NS).tolist() == [0, STEP_NS, 10**9, 10**9 + STEP_NS]
    assert times.dtype == np.int64


@given(tables(), st.data())
def test_the_last_frame_is_read_alone(
    table: tuple[list[list[float]], int], data: st.DataObject
) -> None:
    rows, width = table
    columns = sorted(data.draw(st.sets(st.integers(0, width - 1))))
    chunk = made(rows, width)
    raw = frames.decompress(chunk.block, chunk.frames, width)
    assert frames.last_row_reader(width, columns)(raw) == tuple(rows[-1][at] for at in columns)
    last_ns = frames.last_time_ns(raw, chunk.frames, chunk.captured_ns)
    assert last_ns == frames.unpack(chunk).times_ns[-1]
