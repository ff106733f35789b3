"""Test that order, repetition and cutting of chunks do not change the laps."""

from collections.abc import Iterable
from functools import reduce

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from consumers.timing.decide import decide, laps_of
from consumers.timing.segments import join
from consumers.timing.state import State, initial
from consumers.timing.summary import summarise
from schemas.telemetry import Chunk
from schemas.timing import Lap, Session
from tests.tools.drives import Moment, cut, drives


def folded(chunks: Iterable[Chunk]) -> tuple[State, list[Session | Lap]]:
    """Fold chunks as they come; return the state and all facts."""
    state, facts = initial(), []
    for chunk in chunks:
        state, more = decide(state, chunk)
        facts += more
    return state, facts


def final(chunks: Iterable[Chunk]) -> list[Lap]:
    """Return the laps after all chunks."""
    return list(laps_of(folded(chunks)[0]))


@given(st.data(), drives())
def test_order_repetition_and_cutting_of_chunks_change_no_lap(
    data: st.DataObject, moments: list[Moment]
) -> None:
    expected = final(cut(moments, [5] * len(moments)))
    sizes = data.draw(st.lists(st.integers(1, 40), min_size=1, max_size=30))
    chunks = cut(moments, sizes + [11] * len(moments))
    shuffled = data.draw(st.permutations(chunks + chunks[::3]))
    assert final(shuffled) == expected


@given(st.data(), drives())
def test_the_last_revision_of_every_lap_is_the_final_one(
    data: st.DataObject, moments: list[Moment]
) -> None:
    first, *others = cut(moments, [9] * len(moments))
    lost = data.draw(st.integers(0, len(others) // 3))
    chunks = data.draw(st.permutations(others))[lost:]
    chunks.insert(data.draw(st.integers(0, len(chunks))), first)
    state, facts = folded(chunks)
    last: dict[tuple[bool, str, int], Lap] = {}
    for lap in (fact for fact in facts if isinstance(fact, Lap)):
        key = lap.own, lap.car, lap.lap_number
        assert lap.revision == (last[key].revision + 1 if key in last else 1)
        last[key] = lap
    withdrawn = {key for key, lap in last.items() if not (lap.frames or lap.lap_time_s)}
    issued = {key: steady(lap) for key, lap in last.items() if key not in withdrawn}
    assert issued == {(lap.own, lap.car, lap.lap_number): steady(lap) for lap in laps_of(state)}


def steady(lap: Lap) -> Lap:
    """Return a lap without the fields that grow with each frame."""
    return replace(lap, revision=0, at_ns=0, frames=0)


@given(st.data(), drives())
def test_joining_is_associative(data: st.DataObject, moments: list[Moment]) -> None:
    sizes = data.draw(st.lists(st.integers(1, 60), min_size=1, max_size=30))
    parts = [summarise(chunk) for chunk in cut(moments, sizes + [23] * len(moments))]
    from_the_left = reduce(join, parts)
    from_the_right = reduce(lambda right, left: join(left, right), reversed(parts))
    # NaN is equal to itself as text only.
    assert repr(from_the_left) == repr(from_the_right)
