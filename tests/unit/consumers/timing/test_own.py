"""What is derived from an earlier result is what is derived from nothing."""

import random
from collections.abc import Iterable, Sequence
from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from consumers.timing.decide import facts_of, issue
from consumers.timing.own import Own, derive
from consumers.timing.segments import Segment
from consumers.timing.state import State, add, initial
from consumers.timing.stretches import extend
from pitbox.chunks.errors import RefusedChunkError
from schemas.telemetry import Chunk
from tests.tools.drives import ACTIONS, Drive, Moment, act, cut, drives, race, report


def behind(moments: list[Moment], frames: int) -> list[Moment]:
    """Return moments of a sim that counts a lap some frames after the line, then gives its time."""
    numbers = [one[1]["lap_number"] for one in moments if isinstance(one, tuple)]
    late = iter(numbers[:1] * frames + numbers)
    changed: list[Moment] = []
    last_ns = 0
    for one in moments:
        if isinstance(one, tuple):
            at_ns, channels = one
            counts = {"lap_number": next(late)}
            if changed and isinstance(changed[-1], tuple):
                before = changed[-1][1]
                if before["lap_number"] < counts["lap_number"]:
                    counts["last_lap_time"] = (at_ns - last_ns) / 1e9
                    last_ns = at_ns
                elif "last_lap_time" in before:
                    counts["last_lap_time"] = before["last_lap_time"]
            changed.append((at_ns, channels | counts))
        else:
            changed.append(one)
    return changed


@st.composite
def long_drives(draw: st.DrawFn) -> list[Moment]:
    """Draw some laps, then what a driver does, then laps again, twice."""
    drive = Drive(number=1, at_m=draw(st.sampled_from([-30.0, 0.0, 700.0])), clock=True)
    for _ in range(2):
        drive.go(draw(st.integers(1, 4)) * 1000)
        for action, value in draw(ACTIONS):
            act(drive, action, value)
    drive.go(1500)
    frames = draw(st.sampled_from([0, 0, 1, 7, 30]))
    return behind(drive.moments, frames) if frames else drive.moments


def shown(own: Own) -> list[str]:
    """Return all that was derived, as text: there NaN is equal to itself."""
    passages = [replace(p, mark=None, is_settled=False) for p in own.line.passages]
    epochs = [(e.starts_ns, e.offset, e.highest, len(e.passages)) for e in own.line.epochs]
    laps = [own.laps[label] for label in sorted(own.laps)]
    results = sorted(own.reported.items()), sorted(own.paired.items())
    return [repr(one) for one in (passages, epochs, own.line.voids, results, laps)]


def segments_of(state: State) -> Sequence[Segment]:
    return [segment for run in sorted(state.runs) for segment in state.runs[run]]


def anew(state: State) -> State:
    """Return a state of which nothing was derived yet."""
    return replace(state, own=Own(), others={}, fresh={})


def keeps_as_derived_anew(chunks: Iterable[Chunk], state: State) -> int:
    """Add chunks and issue; return how often passages were kept."""
    kept = 0
    for chunk in chunks:
        with suppress(RefusedChunkError):  # it may span several pauses
            state, _ = issue(add(state, chunk))
        own = state.own
        if own.owner is None:
            continue
        assert list(map(repr, facts_of(state))) == list(map(repr, facts_of(anew(state))))
        derived = derive(segments_of(state), own.owner, own, state.fresh)
        assert shown(derived) == shown(derive(segments_of(state), own.owner, Own(), {}))
        kept += derived.line.kept > 0
    return kept


@given(st.data(), drives() | long_drives())
def test_every_state_of_a_drive_is_as_derived_anew(
    data: st.DataObject, moments: list[Moment]
) -> None:
    sizes = data.draw(st.lists(st.integers(1, 60), min_size=1, max_size=30))
    chunks = cut(moments, sizes + [23] * len(moments))
    late = data.draw(st.lists(st.integers(0, len(chunks) - 1), max_size=4))
    delay = data.draw(st.integers(1, 30))
    order = sorted(chunks, key=lambda one: one.chunk + (delay if one.chunk in late else 0))
    keeps_as_derived_anew(order, initial())


@given(st.data(), long_drives())
def test_history_that_is_added_between_live_chunks_is_derived_too(
    data: st.DataObject, moments: list[Moment]
) -> None:
    chunks = cut(moments, [31] * len(moments))
    middle = data.draw(st.integers(0, len(chunks)))
    end = data.draw(st.integers(middle, len(chunks)))
    state = initial()
    for chunk in chunks[middle:end]:
        with suppress(RefusedChunkError):
            state, _ = issue(add(state, chunk))
    keeps_as_derived_anew(chunks[end:], extend(state, chunks[:middle]))


def test_runs_that_come_in_turn_are_derived_as_anew() -> None:
    drive = Drive(at_m=900.0, clock=True).go(2500)
    first = drive.chunks(run=1)
    drive.moments = []
    second = drive.go(3200).chunks(run=2)
    order = first + second
    random.Random(1).shuffle(order)
    keeps_as_derived_anew(order, initial())


def test_a_lap_that_ends_leaves_those_before_it_alone() -> None:
    drive = Drive(at_m=900.0).go(8200)
    assert keeps_as_derived_anew(drive.chunks(9), initial()) > 100
    assert keeps_as_derived_anew(race(8), initial()) > 300


def test_a_late_report_of_an_old_lap_changes_it() -> None:
    drive = Drive(at_m=900.0).go(6200)
    chunks = drive.chunks(9)
    state = initial()
    for chunk in chunks:
        state, _ = issue(add(state, chunk))
    late = report(Drive(), 3, 20.5).chunks()[0]
    state, facts = issue(add(state, replace(late, chunk=len(chunks))))
    assert [(lap.lap_number, lap.lap_time_s) for lap in facts] == [(3, 20.5)]
    assert state.own.line.kept > 4
