"""A chunk costs timing the same whatever its driver sent before, and a state is bounded."""

import functools
import sys
from collections.abc import Callable, Iterable
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from consumers.timing.decide import facts_of, issue, settle
from consumers.timing.segments import join
from consumers.timing.state import MAX_EVENTS, MAX_PIECES, State, add, initial
from consumers.timing.summary import MAX_CUTS, summarise
from pitbox.chunks.frames import sealed
from schemas.sim import LapReported, Observed, Rewound
from schemas.telemetry import Chunk
from tests.tools.dear import CHUNK_NS, START_NS, Dear, framed

FRAMES = 128
EDGES = (float("nan"), -3.0, 0.0, 4.0, 9.0, 700.0, float("inf"))


def reports(number: int, count: int = 64, **fields: Any) -> Iterable[LapReported]:
    at_ns = START_NS + number * CHUNK_NS
    for lap in range(count):
        given = {"car": "7", "own": True, "lap_number": count * number + lap} | fields
        yield LapReported(at_ns=at_ns, lap_time_s=80.0, **given)


def rewinds(number: int) -> list[Observed]:
    at_ns = START_NS + number * CHUNK_NS
    return [Rewound(at_ns=at_ns + place, session_time_s=1.0) for place in range(64)]


def hole(chunk: Chunk) -> Chunk:
    return sealed(replace(chunk, chunk=2 * chunk.chunk))


KINDS: dict[str, Dear] = {
    "laps": lambda n: framed(n, {"lap_number": lambda frame: frame // 16}, frames=FRAMES),
    "numbers that alternate": lambda n: framed(
        n, {"lap_number": lambda frame: frame // 16 % 2}, frames=FRAMES
    ),
    "jumps": lambda n: framed(n, {"lap_distance": lambda frame: frame % 2 * 10.0}, frames=FRAMES),
    "clocks that go back": lambda n: framed(
        n, {"session_time": lambda frame: frame % 2 * 10.0}, frames=FRAMES
    ),
    "reports": lambda n: framed(n, {}, frames=1, events=reports(n)),
    "reports of other cars": lambda n: framed(n, {}, frames=1, events=reports(n, own=False)),
    "flashbacks": lambda n: framed(n, {}, frames=9, events=rewinds(n)),
    "holes": lambda n: hole(framed(n, {}, frames=3)),
    "runs": lambda n: sealed(replace(framed(n, {}, frames=3), run=n, chunk=0)),
}


def calls_of(work: Callable[[], object]) -> int:
    """Return how many functions of Python are called, a measure that no other process changes."""
    calls = 0

    def count(_: FrameType, event: str, __: object) -> None:
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return calls


def filled(kind: Dear, count: int) -> State:
    state = initial()
    for number in range(count):
        state = add(state, kind(number))
    return state


@pytest.mark.parametrize("name", KINDS)
def test_adding_a_chunk_costs_the_same_after_many_as_after_few(name: str) -> None:
    kind = KINDS[name]
    few, many = filled(kind, 4), filled(kind, 24)
    early, late = kind(4), kind(24)
    after_few = calls_of(lambda: add(few, early))
    assert calls_of(lambda: add(many, late)) <= 1.25 * after_few + 60


@pytest.mark.parametrize("name", KINDS)
def test_deriving_costs_in_proportion_to_what_was_added(name: str) -> None:
    kind = KINDS[name]
    half, whole = filled(kind, 12), filled(kind, 24)
    assert calls_of(lambda: issue(whole)) <= 2.5 * calls_of(lambda: issue(half)) + 500


@pytest.mark.parametrize(("name", "most"), [("laps", MAX_PIECES), ("reports", MAX_EVENTS)])
def test_a_chunk_above_the_limits_of_a_state_is_left_out(name: str, most: int) -> None:
    kind, state = KINDS[name], filled(KINDS[name], 3)
    full = replace(state, pieces=MAX_PIECES, events=MAX_EVENTS)
    assert add(full, kind(3)) is full
    assert max(state.pieces, state.events) < most
    assert add(state, kind(3)) is not state


def test_a_chunk_is_cut_a_bounded_number_of_times() -> None:
    pieces = summarise(KINDS["jumps"](0)).pieces
    assert len(pieces) == MAX_CUTS + 1
    assert pieces[-1].jumped
    assert sum(piece.frames for piece in pieces) == FRAMES


FRAME = st.fixed_dictionaries(
    {
        **dict.fromkeys(("session_time", "lap_distance", "speed"), st.sampled_from(EDGES)),
        "lap_number": st.sampled_from((1.0, 2.0)),
        "lap_fraction": st.sampled_from((0.1, 0.5, 0.9)),
    }
)


@given(st.lists(FRAME, min_size=1, max_size=8))
def test_a_chunk_is_cut_wherever_it_is_cut_if_each_frame_is_a_chunk(
    frames: list[dict[str, float]],
) -> None:
    def column(name: str, rows: list[dict[str, float]]) -> Callable[[int], float]:
        return lambda frame: rows[frame % len(rows)][name]

    def chunk(rows: list[dict[str, float]], number: int = 0) -> Chunk:
        columns = {name: column(name, rows) for name in frames[0]}
        made = framed(number, columns, frames=len(rows), gap_ns=CHUNK_NS)
        return sealed(replace(made, chunk=number))

    joined = functools.reduce(
        join, (summarise(chunk([row], number)) for number, row in enumerate(frames))
    )
    assert str(summarise(chunk(frames)).pieces) == str(joined.pieces)


@given(
    st.lists(
        st.tuples(st.sampled_from(EDGES), st.sampled_from(EDGES), st.sampled_from((1.0, 2.0, 1e6))),
        min_size=2,
        max_size=8,
    ),
    st.lists(st.floats(), max_size=2),
)
def test_no_values_stop_the_derivation(
    rows: list[tuple[float, float, float]], times: list[float]
) -> None:
    state = initial()
    for number, (clock, distance, lap) in enumerate(rows):
        columns = {
            "session_time": lambda _, value=clock: value,
            "lap_distance": lambda frame, value=distance: value * (frame % 2),
            "lap_number": lambda _, value=lap: value,
        }
        events = [Rewound(at_ns=START_NS + number * CHUNK_NS, session_time_s=s) for s in times]
        state = add(state, framed(number, columns, frames=3, events=events))
        state, _ = issue(state)
    settle(state)
    assert all(fact.at_ns >= 0 for fact in facts_of(state))
