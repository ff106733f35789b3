"""Chunks that are summed up together make the same state as chunks added one by one."""

import functools
import math
import struct
from collections.abc import Iterable

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from consumers.timing.state import State, add, initial
from consumers.timing.stretches import extend
from schemas.telemetry import Chunk
from tests.tools.dear import framed
from tests.tools.drives import NAMES, START_NS, Moment, cut, drives, packed, race

EXTREMES = (math.nan, math.inf, -math.inf, -3e38, 3e38, -1.0, 0.0, 1.0, 2.5, 1e6)


def one_by_one(chunks: Iterable[Chunk]) -> State:
    return functools.reduce(functools.partial(add, later=True), chunks, initial())


def together(chunks: list[Chunk], sizes: Iterable[int]) -> State:
    """Extend a state by slices of these sizes, however few chunks and however much happens."""
    state, start = initial(), 0
    for size in sizes:
        state = extend(state, chunks[start : start + size], few=2, busy=math.inf)
        start += size
    return extend(state, chunks[start:], few=2, busy=math.inf)


def shown(state: State) -> str:
    """Return what was added, as text: there NaN is equal to itself."""
    return repr((state.runs, state.pieces, state.session, state.driver))


@given(st.data(), drives())
def test_the_state_of_a_drive_is_the_same(data: st.DataObject, moments: list[Moment]) -> None:
    sizes = data.draw(st.lists(st.integers(1, 40), min_size=1, max_size=30))
    chunks = cut(moments, sizes + [7] * len(moments))
    held = data.draw(st.lists(st.sampled_from(chunks), max_size=3))
    order = [chunk for chunk in chunks if chunk not in held] + held
    slices = data.draw(st.lists(st.integers(1, 20), max_size=10))
    assert shown(together(order, slices)) == shown(one_by_one(order))


@given(
    st.lists(
        st.lists(st.lists(st.sampled_from(EXTREMES), min_size=11, max_size=11), max_size=9),
        min_size=2,
        max_size=6,
    )
)
def test_the_state_of_any_values_is_the_same(values: list[list[list[float]]]) -> None:
    chunks = []
    for number, rows in enumerate(values):
        times = [START_NS + (number * 10 + frame) * 10**8 for frame in range(len(rows))]
        row = struct.Struct(f"<{len(NAMES)}f")
        chunks.append(packed(times, [row.pack(*one) for one in rows], b"", number))
    assert shown(together(chunks, [])) == shown(one_by_one(chunks))


def test_a_chunk_that_is_cut_too_often_is_cut_as_often_in_a_stretch() -> None:
    jumps = [framed(n, {"lap_distance": lambda at: at % 2 * 10.0}, frames=128) for n in range(4)]
    assert shown(together(jumps, [])) == shown(one_by_one(jumps))


def test_damaged_and_newer_chunks_are_left_out_alone() -> None:
    chunks = race(1)
    damaged = replace(chunks[5], crc=chunks[5].crc ^ 1)
    newer = replace(chunks[9], version=9)
    odd = packed([], [], msgspec.msgpack.encode({}), number=12)
    given = [*chunks[:5], damaged, *chunks[6:9], newer, *chunks[10:12], odd, *chunks[13:]]
    kept = [chunk for chunk in chunks if chunk.chunk not in (5, 9, 12)]
    assert shown(extend(initial(), given)) == shown(one_by_one(kept))


def test_chunks_that_were_added_before_change_nothing() -> None:
    chunks = race(1)
    state = extend(initial(), chunks)
    assert extend(state, chunks) is state
