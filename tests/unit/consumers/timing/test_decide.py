"""Test the fold from chunks to facts."""

from collections.abc import Iterable

import pytest
from msgspec.structs import replace

from consumers.timing.decide import decide, key
from consumers.timing.state import MAX_SEGMENTS, State, initial
from pitbox.chunks.errors import CorruptChunkError
from schemas.sim import Finished, LapReported, SessionOpened
from schemas.telemetry import Chunk, Mark
from schemas.timing import Lap, Session
from tests.tools.drives import Drive, packed


def folded(
    chunks: Iterable[Chunk], state: State | None = None
) -> tuple[State, list[Session | Lap]]:
    """Fold chunks as they come; return the state and all facts."""
    facts: list[Session | Lap] = []
    state = state or initial()
    for chunk in chunks:
        state, more = decide(state, chunk)
        facts += more
    return state, facts


def lap_facts(facts: Iterable[Session | Lap]) -> list[Lap]:
    """Return those facts that are laps."""
    return [fact for fact in facts if isinstance(fact, Lap)]


def test_a_lap_is_issued_when_it_starts_and_when_it_ends_and_not_per_chunk() -> None:
    _, facts = folded(Drive(at_m=900.0).go(1200).chunks())
    issued = [(lap.lap_number, lap.revision, lap.lap_time_s) for lap in lap_facts(facts)]
    assert issued == [(1, 1, None), (1, 2, None), (2, 1, None), (2, 2, 20.0), (3, 1, None)]


def test_a_lap_being_driven_is_issued_again_when_the_sim_no_longer_holds_it_valid() -> None:
    drive = Drive(at_m=900.0).set(lap_valid=1).go(600).set(lap_valid=0).go(100)
    _, facts = folded(drive.chunks())
    assert [lap.valid for lap in lap_facts(facts) if lap.lap_number == 2] == [True, False]


def test_a_repeated_chunk_issues_nothing() -> None:
    chunks = Drive(at_m=900.0).go(1200).chunks()
    state, _ = folded(chunks)
    assert folded(chunks, state) == (state, [])


def test_a_filled_hole_revises_the_lap_and_no_other() -> None:
    chunks = Drive(at_m=900.0).go(3300).chunks()
    hole = [chunk for chunk in chunks if 20 <= chunk.chunk <= 30]
    state, _ = folded(chunk for chunk in chunks if chunk not in hole)
    _, facts = folded(hole, state)
    healed = lap_facts(facts)
    assert {lap.lap_number for lap in healed} == {2}
    assert (healed[-1].complete, healed[-1].valid, healed[-1].frames) == (True, True, 200)
    assert healed[-1].revision > 1


def test_a_late_report_revises_the_lap() -> None:
    drive = Drive(at_m=900.0).go(1300)
    report = LapReported(at_ns=drive.at_ns, car="7", lap_number=2, lap_time_s=20.004, own=True)
    state, _ = folded(drive.chunks())
    number = len(drive.chunks())
    late = Drive().emit(report).chunks()[0]
    _, facts = folded([replace(late, chunk=number)], state)
    assert [(lap.lap_time_s, lap.timed_by, lap.revision) for lap in lap_facts(facts)] == [
        (20.004, "sim", 3)
    ]


def test_a_lap_that_was_taken_back_is_issued_without_time_and_invalid() -> None:
    drive = Drive(at_m=900.0, clock=True).go(1000)
    spot = drive.clock_s, drive.at_m, drive.state["lap_number"]
    drive.go(200)
    drive.clock_s, drive.at_m, drive.state["lap_number"] = spot
    _, facts = folded(drive.go(50).chunks())
    last = {lap.lap_number: lap for lap in lap_facts(facts)}[3]
    assert (last.lap_time_s, last.valid, last.complete, last.revision) == (None, False, False, 2)


def test_the_session_is_issued_when_more_of_it_is_known() -> None:
    drive = Drive(at_m=900.0)
    drive.emit(SessionOpened(at_ns=drive.at_ns, source="sim", track="Fuji")).go(50)
    first_ns = drive.chunks()[0].captured_ns
    drive.emit(SessionOpened(at_ns=drive.at_ns, source="sim", kind="race")).go(50)
    drive.emit(Finished(at_ns=drive.at_ns))
    _, facts = folded(drive.chunks())
    sessions = [fact for fact in facts if isinstance(fact, Session)]
    assert [(s.track, s.kind, s.finished_ns) for s in sessions] == [
        ("Fuji", "unknown", None),
        ("Fuji", "race", None),
        ("Fuji", "race", drive.at_ns),
    ]
    assert {session.started_ns for session in sessions} == {first_ns}


def test_a_report_on_another_car_issues_no_lap_of_the_own_car() -> None:
    drive = Drive(at_m=900.0).go(300)
    state, _ = folded(drive.chunks())
    report = LapReported(at_ns=drive.at_ns, car="44", lap_number=1, lap_time_s=21.0, own=False)
    chunk = replace(Drive().emit(report).chunks()[0], chunk=len(drive.chunks()))
    _, facts = folded([chunk], state)
    assert [(lap.car, lap.own, lap.lap_number) for lap in lap_facts(facts)] == [("44", False, 1)]


def test_impossible_lap_numbers_make_no_laps() -> None:
    report = LapReported(at_ns=0, car="27", lap_number=2**63, lap_time_s=80.0, own=True)
    drive = Drive(at_m=900.0).go(300).emit(report).set(lap_number=3e38).go(300)
    _, facts = folded(drive.chunks())
    assert {lap.lap_number for lap in lap_facts(facts)} == {1, 2}


def test_a_mark_issues_nothing() -> None:
    mark = Mark(version=1, driver="ada", session="test", run=1, send=1, made=3, closed=True)
    assert decide(initial(), mark) == (initial(), ())
    assert key(mark) == ("test", "ada")


def test_a_chunk_of_a_newer_version_is_refused() -> None:
    chunk = replace(Drive().go(50).chunks()[0], version=9)
    with pytest.raises(ValueError, match="newer"):
        decide(initial(), chunk)


def test_a_chunk_that_contradicts_itself_is_refused() -> None:
    chunk = Drive().go(50).chunks()[0]
    with pytest.raises(CorruptChunkError):
        decide(initial(), replace(chunk, crc=chunk.crc ^ 1))
    with pytest.raises(CorruptChunkError):
        decide(initial(), packed([], [], b"\xc1"))


@pytest.mark.parametrize("laps", [20, pytest.param(60, marks=pytest.mark.thorough)])
def test_a_long_drive_is_kept_as_one_segment_with_a_piece_a_lap(laps: int) -> None:
    chunks = Drive(at_m=900.0).go(1000 * laps).chunks()
    live, backfill = chunks[len(chunks) // 2 :], chunks[: len(chunks) // 2]
    state, _ = folded([*live, *backfill])
    assert [len(segments) for segments in state.runs.values()] == [1]
    assert len(state.runs[1][0].pieces) == laps + 1


def test_a_finished_lap_is_not_derived_again_while_others_are_driven() -> None:
    drive = Drive(at_m=900.0).go(3300)
    state, _ = folded(drive.chunks())
    later, _ = folded(drive.go(3000).chunks(), state)
    before, after = state.own.laps, later.own.laps
    assert len(after) == len(before) + 3
    assert all(after[number] is before[number] for number in (1, 2, 3))


def test_holes_without_end_are_bounded() -> None:
    chunk = Drive().stand(0.2).chunks()[0]
    state, _ = folded(replace(chunk, chunk=2 * hole) for hole in range(30))
    run = state.runs[1]
    assert len(run) == 30
    full = replace(state, runs=dict.fromkeys(range(MAX_SEGMENTS // 30 + 1), run))
    assert decide(full, replace(chunk, run=1, chunk=100)) == (full, ())
    refilled, _ = decide(full, replace(chunk, run=1, chunk=1))
    assert len(refilled.runs[1]) == 29


def test_a_report_that_the_sim_repeats_issues_its_lap_once() -> None:
    drive = Drive(at_m=900.0).go(1200)
    report = LapReported(at_ns=drive.at_ns, car="7", lap_number=2, lap_time_s=20.0, own=True)
    other = LapReported(at_ns=drive.at_ns, car="44", lap_number=2, lap_time_s=21.0, own=False)
    drive.emit(report).emit(other).go(50)
    repeated = replace(report, at_ns=drive.at_ns), replace(other, at_ns=drive.at_ns)
    _, facts = folded(drive.emit(repeated[0]).emit(repeated[1]).go(50).chunks())
    timed = [(lap.car, lap.lap_time_s, lap.timed_by) for lap in lap_facts(facts) if lap.lap_time_s]
    assert timed == [("", 20.0, "crossing"), ("", 20.0, "sim"), ("44", 21.0, "sim")]


def test_no_fact_is_issued_twice_in_a_row() -> None:
    drive = Drive(at_m=900.0).set(lap_valid=1, in_pit_lane=0).go(1200)
    drive.set(lap_valid=0).go(700).set(in_pit_lane=1).go(600)
    _, facts = folded(drive.chunks())
    last: dict[int, Lap] = {}
    for lap in lap_facts(facts):
        steady = replace(lap, revision=0, at_ns=0, frames=0)
        assert last.get(lap.lap_number) != steady
        last[lap.lap_number] = steady


def test_no_lap_is_issued_before_the_late_chunk_that_names_the_car() -> None:
    drive = Drive(at_m=900.0)
    drive.emit(SessionOpened(at_ns=drive.at_ns, source="sim", car="7"))
    first, *others = drive.go(1300).chunks()
    state, facts = folded(others)
    assert lap_facts(facts) == []
    _, facts = folded([first], state)
    assert [(lap.car, lap.lap_number) for lap in lap_facts(facts)] == [("7", 1), ("7", 2), ("7", 3)]


def test_laps_are_issued_without_a_name_when_none_comes_for_a_minute() -> None:
    _, facts = folded(Drive(at_m=900.0).go(4300).chunks()[1:])
    assert {(lap.car, lap.lap_number) for lap in lap_facts(facts)} >= {("", 2), ("", 3), ("", 4)}


def test_a_repeated_description_of_the_session_issues_nothing() -> None:
    drive = Drive(at_m=900.0)
    opened = SessionOpened(at_ns=drive.at_ns, source="sim", track="Fuji")
    _, facts = folded(drive.emit(opened).go(100).emit(opened).go(100).chunks())
    assert len([fact for fact in facts if isinstance(fact, Session)]) == 1
