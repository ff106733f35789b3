"""A segment that is lengthened is the one that is joined."""

import functools
import math
import struct

from hypothesis import given
from hypothesis import strategies as st

from consumers.timing.quiet import lengthen
from consumers.timing.segments import join
from consumers.timing.summary import NEEDED, summarise
from pitbox.chunks.columns import read
from schemas.telemetry import Chunk
from tests.tools.drives import NAMES, START_NS, Drive, Moment, cut, drives, packed

VALUES = (math.nan, math.inf, -math.inf, -1.0, 0.0, 1.0, 2.0, 4.5)


def lengthened(chunks: list[Chunk]) -> int:
    """Return how many chunks lengthened what came before; each has to be as joined."""
    quiet, segment = 0, summarise(chunks[0])
    for chunk in chunks[1:]:
        joined = join(segment, summarise(chunk))
        longer = None if chunk.observed else lengthen(segment, *read(chunk, NEEDED))
        # NaN is equal to itself as text only.
        assert longer is None or repr(longer) == repr(joined)
        quiet += longer is not None
        segment = joined
    return quiet


@given(drives(), st.integers(1, 12))
def test_a_chunk_of_a_drive_lengthens_a_segment_as_it_is_joined(
    moments: list[Moment], size: int
) -> None:
    lengthened(cut(moments, [size] * len(moments)))


@given(
    st.lists(st.lists(st.sampled_from(VALUES), min_size=11, max_size=11), min_size=1, max_size=4),
    st.lists(st.tuples(st.integers(0, 10), st.sampled_from(VALUES)), max_size=6),
)
def test_a_chunk_of_any_values_lengthens_a_segment_as_it_is_joined(
    rows: list[list[float]], changes: list[tuple[int, float]]
) -> None:
    """Nearly the same rows follow each other, so that many chunks are quiet."""
    pack = struct.Struct(f"<{len(NAMES)}f").pack
    chunks = []
    for number, (place, value) in enumerate([(0, rows[0][0]), *changes]):
        rows[-1][place] = value
        times = [START_NS + (10 * number + frame) * 10**8 for frame in range(len(rows))]
        chunks.append(packed(times, [pack(*row) for row in rows], b"", number))
    lengthened(chunks)


def test_nearly_every_chunk_of_a_lap_is_quiet() -> None:
    chunks = Drive(at_m=10.0, clock=True).set(lap_valid=1, sector=0).go(900, speed=20).chunks()
    assert lengthened(chunks) == len(chunks) - 1


def test_segments_that_were_joined_before_are_lengthened_too() -> None:
    chunks = Drive(at_m=900.0, clock=True).go(1500, speed=20).chunks()
    segment = functools.reduce(join, map(summarise, chunks[:-1]))
    longer = lengthen(segment, *read(chunks[-1], NEEDED))
    assert repr(longer) == repr(join(segment, summarise(chunks[-1])))
