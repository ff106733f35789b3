"""Some channels of a chunk are those of its whole frames, one chunk at a time or several."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pitbox.chunks import arrays, columns, frames
from schemas.channels import bitmap
from schemas.telemetry import Chunk
from tests.tools.hub import chunk

BASE_NS = 1_700_000_000_000_000_000
STEP_NS = 16_667_000
numbers = st.integers(0, 30).filter(lambda number: number != frames.LAP_NUMBER)
ids = st.sets(numbers, min_size=1, max_size=6).map(lambda some: tuple(sorted(some)))


def made(channels: tuple[int, ...], count: int, seed: int) -> Chunk:
    width = len(channels)
    rows = [[seed + frame + place / 8 for place in range(width)] for frame in range(count)]
    times = [BASE_NS + seed + STEP_NS * frame for frame in range(count)]
    block = frames.pack(times, [struct.pack(f"<{width}f", *row) for row in rows])
    captured_ns = BASE_NS + seed
    return chunk(
        block=block,
        frames=count,
        channels=bitmap(channels),
        captured_ns=captured_ns,
        observed=b"",
    )


@given(ids, ids, st.integers(1, columns.FEW_FRAMES + 3))
def test_columns_of_a_chunk_are_those_of_its_frames(
    channels: tuple[int, ...], wanted: tuple[int, ...], count: int
) -> None:
    one = made(channels, count, 7)
    whole = frames.unpack(one)
    times_ns, found = columns.read(one, wanted)
    assert tuple(times_ns) == whole.times_ns
    read = [None if column is None else list(column) for column in found]
    assert read == [whole.column(channel) for channel in wanted]


@given(ids, ids, st.lists(st.integers(0, 9), min_size=1, max_size=5).filter(any))
def test_columns_of_several_chunks_follow_each_other(
    channels: tuple[int, ...], wanted: tuple[int, ...], counts: list[int]
) -> None:
    several = [made(channels, count, number) for number, count in enumerate(counts)]
    contents = [frames.content(one) for one in several]
    times_ns, found = arrays.columns(several, contents, wanted)
    singles = [columns.read(one, wanted) for one in several]
    assert times_ns.tolist() == [at_ns for times, _ in singles for at_ns in times]
    for place, column in enumerate(found):
        values = [value for _, one in singles for value in one[place] or ()]
        assert (column.tolist() if column is not None else []) == pytest.approx(values)
        assert (column is None) == (wanted[place] not in channels)


def test_a_chunk_without_frames_has_empty_columns() -> None:
    times_ns, found = columns.read(made((1, 2), 0, 0), (1, 3))
    assert list(times_ns) == []
    assert [None if one is None else list(one) for one in found] == [[], None]
