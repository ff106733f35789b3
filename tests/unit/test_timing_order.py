"""Whatever way chunks come, the laps are the same."""

from collections.abc import Iterable
from functools import reduce

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from consumers.timing.decide import State, decide, initial, laps_of
from consumers.timing.segments import join
from consumers.timing.summary import summarise
from schemas.sim import Finished, LapReported, Rewound, SessionOpened
from schemas.telemetry import Chunk
from schemas.timing import Lap, Session
from tests.drives import NAN, Drive, Moment, cut

ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("go"), st.integers(1, 130).map(lambda tens: tens * 10)),
        st.tuples(st.just("stand"), st.integers(1, 12)),
        st.tuples(st.just("pause"), st.integers(1, 20)),
        st.tuples(st.just("flashback"), st.integers(1, 60)),
        st.tuples(st.just("restart"), st.integers(0, 2)),
        st.tuples(st.just("jump"), st.integers(0, 999)),
        st.tuples(st.just("report"), st.integers(0, 6)),
        st.tuples(st.just("other"), st.integers(0, 6)),
        st.tuples(st.just("open"), st.integers(0, 3)),
        st.tuples(st.just("finish"), st.just(0)),
        st.tuples(st.just("number"), st.sampled_from([NAN, 0.0, 3.0])),
        st.tuples(st.just("counts"), st.integers(0, 1)),
        st.tuples(st.just("lap_valid"), st.integers(0, 1)),
        st.tuples(st.just("in_pit_lane"), st.integers(0, 1)),
        st.tuples(st.just("sector"), st.integers(0, 2)),
        st.tuples(st.just("last_lap_time"), st.integers(18, 24)),
        st.tuples(st.just("fuel_level"), st.integers(0, 60)),
    ),
    min_size=1,
    max_size=14,
)


def act(drive: Drive, action: str, value: float) -> None:
    """Let a drive do one thing."""
    match action:
        case "go":
            drive.go(value, 50)
        case "stand":
            drive.stand(value)
        case "pause":
            drive.at_ns += round(value * 1e9)
        case "flashback":
            drive.clock_s -= value
            drive.at_m = max(drive.at_m - 10 * value, 0)
            drive.say(Rewound(at_ns=drive.at_ns, session_time_s=drive.clock_s))
        case "restart":
            drive.clock_s, drive.at_m = 0.0, -10.0
            drive.state["lap_number"] = value
        case "jump":
            drive.at_m = float(value)
        case "report":
            drive.say(reported(drive, int(value), own=True))
        case "other":
            drive.say(reported(drive, int(value), own=False))
        case "open":
            drive.say(SessionOpened(at_ns=drive.at_ns, source="test", sectors=int(value)))
        case "finish":
            drive.say(Finished(at_ns=drive.at_ns))
        case "number":
            drive.state["lap_number"] = value
        case "counts":
            drive.counts = bool(value)
        case channel:
            drive.set(**{channel: value})


def reported(drive: Drive, lap_number: int, own: bool) -> LapReported:
    """Return a report whose time differs with the moment."""
    lap_time_s = 20.0 + drive.at_ns % 7
    return LapReported(
        at_ns=drive.at_ns, car="9", lap_number=lap_number, lap_time_s=lap_time_s, own=own
    )


@st.composite
def drives(draw: st.DrawFn) -> list[Moment]:
    """Draw what one run of the driver app sees."""
    drive = Drive(number=1, at_m=draw(st.sampled_from([-30.0, 0.0, 700.0])), clock=True)
    for action, value in draw(ACTIONS):
        act(drive, action, value)
    return drive.moments or Drive().stand(1).moments


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
    chunks = data.draw(st.permutations(cut(moments, [9] * len(moments))))
    lost = data.draw(st.integers(0, len(chunks) // 3))
    state, facts = folded(chunks[lost:])
    last: dict[tuple[bool, str, int], Lap] = {}
    for lap in (fact for fact in facts if isinstance(fact, Lap)):
        key = lap.own, lap.car, lap.lap_number
        assert lap.revision == (last[key].revision + 1 if key in last else 1)
        last[key] = lap
    undone = {key for key, lap in last.items() if not (lap.frames or lap.lap_time_s)}
    said = {key: steady(lap) for key, lap in last.items() if key not in undone}
    assert said == {(lap.own, lap.car, lap.lap_number): steady(lap) for lap in laps_of(state)}


def steady(lap: Lap) -> Lap:
    """Return a lap without what grows as frames come."""
    return replace(lap, revision=0, at_ns=0, frames=0)


@given(st.data(), drives())
def test_joining_is_associative(data: st.DataObject, moments: list[Moment]) -> None:
    sizes = data.draw(st.lists(st.integers(1, 60), min_size=1, max_size=30))
    parts = [summarise(chunk) for chunk in cut(moments, sizes + [23] * len(moments))]
    from_the_left = reduce(join, parts)
    from_the_right = reduce(lambda right, left: join(left, right), reversed(parts))
    # NaN is equal to itself as text only.
    assert repr(from_the_left) == repr(from_the_right)
