"""A producer may state any values: facts derive from them, whatever the order of the chunks."""

import struct
from collections.abc import Iterable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from consumers.timing.decide import facts_of, issue, settle
from consumers.timing.sessions import session_of
from consumers.timing.state import State, add, initial
from consumers.timing.summary import summarise
from schemas.sim import MAX_COUNT, LapReported, LeftOut, Rewound
from schemas.telemetry import Chunk
from schemas.timing import Lap, Session
from tests.tools.drives import NAMES, START_NS, Drive, chunk_of, packed

EXTREMES = (float("nan"), float("inf"), float("-inf"), -3e38, 3e38, -1.0, 0.0, 1.0, 2.5, 1e6)
TIMES_NS = st.sampled_from([0, START_NS, START_NS + 10**8, START_NS + 10**10, 2**63 - 1])
values = st.sampled_from(EXTREMES)
events = st.builds(Rewound, at_ns=TIMES_NS, session_time_s=values) | st.builds(
    LapReported,
    at_ns=TIMES_NS,
    car=st.just("7"),
    own=st.booleans(),
    lap_number=st.integers(0, 2),
    lap_time_s=st.sampled_from([0.0, 20.0, 21.0]),
    valid=st.sampled_from([None, True, False]),
)


@st.composite
def chunks(draw: st.DrawFn) -> list[Chunk]:
    """Draw the chunks of two runs of one session."""
    made = []
    for run in (1, 2):
        for number in range(draw(st.integers(1, 4))):
            first_ns = START_NS + draw(st.integers(0, 3)) * 10**9
            times = [first_ns + frame * 10**8 for frame in range(draw(st.integers(0, 3)))]
            rows = [struct.pack(f"<{len(NAMES)}f", *(draw(values) for _ in NAMES)) for _ in times]
            observed = msgspec.msgpack.encode(draw(st.lists(events, max_size=2)))
            made.append(packed(times, rows, observed, number, run))
    return made


@given(st.data(), chunks())
def test_the_facts_of_any_values_are_those_of_any_order(
    data: st.DataObject, given: list[Chunk]
) -> None:
    live, stored = initial(), initial()
    for chunk in data.draw(st.permutations(given)):
        live, _ = issue(add(live, chunk))
    for chunk in given:
        stored = add(stored, chunk, later=True)
    assert steady(facts_of(settle(live)[0])) == steady(facts_of(stored))


def steady(facts: Iterable[Session | Lap]) -> list[str]:
    """Return facts without their revisions, as text: there NaN is equal to itself."""
    return sorted(
        repr(replace(fact, revision=0) if isinstance(fact, Lap) else fact) for fact in facts
    )


def test_a_flashback_over_frames_without_a_clock_takes_back_nothing() -> None:
    drive = Drive(clock=False).go(100)
    drive.clock_s = 100.0
    drive.go(100)
    drive.emit(Rewound(at_ns=drive.at_ns, session_time_s=99.0))
    drive.clock_s = 90.0
    assert list(facts_of(settle(folded(drive.go(100).chunks()))[0]))


def folded(given: list[Chunk]) -> State:
    state = initial()
    for chunk in given:
        state = add(state, chunk, later=True)
    return state


@pytest.mark.parametrize("count", [1, MAX_COUNT])
def test_the_sum_of_what_runs_left_out_can_be_read_again(count: int) -> None:
    left_out = LeftOut(at_ns=START_NS, reason="late", count=count)
    moments = [*Drive().stand(1).moments, left_out]
    session = session_of("test", "ada", [summarise(chunk_of(moments, run=run)) for run in (1, 2)])
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(session), type=Session) == session
