"""Test interrupted driving: flashbacks, pauses, restarts, holes, other runs, hours."""

import pytest

from consumers.timing.replay import laps
from schemas.sim import Rewound
from tests.tools.drives import Drive, final, report


def test_a_flashback_within_a_lap_takes_its_time_back_and_its_validity() -> None:
    drive = Drive(at_m=900.0, clock=True).go(600)
    spot = drive.clock_s, drive.at_m
    drive.go(200)
    _rewind(drive, *spot)
    lap = final(drive.go(700))[2]
    assert lap.lap_time_s == pytest.approx(20.0, abs=0.01)
    assert not lap.valid


def test_a_flashback_over_the_line_undoes_the_lap_that_was_finished() -> None:
    drive = Drive(at_m=900.0, clock=True).go(1000)
    spot = drive.clock_s, drive.at_m, drive.state["lap_number"]
    report(drive.go(300), 2, 20.0)
    drive.state["lap_number"] = spot[2]
    _rewind(drive, *spot[:2])
    found = final(drive.go(50, 10))
    assert sorted(found) == [1, 2]
    assert (found[2].lap_time_s, found[2].ended_ns) == (None, None)
    again = report(drive.go(100, 10), 2, 33.0).go(100)
    assert final(again)[2].lap_time_s == 33.0


def test_a_lap_driven_again_in_the_same_time_has_the_sim_s_time_again() -> None:
    drive = Drive(at_m=900.0, clock=True).go(1000)
    spot, number = (drive.clock_s, drive.at_m), drive.state["lap_number"]
    report(drive.go(150), 2, 20.05).go(100)
    drive.state["lap_number"] = number
    _rewind(drive, *spot)
    again = report(drive.go(150), 2, 20.05).go(100)
    assert (final(again)[2].lap_time_s, final(again)[2].timed_by) == (20.05, "sim")


def test_a_flashback_is_seen_by_the_clock_where_the_sim_does_not_report_it() -> None:
    drive = Drive(at_m=900.0, clock=True).go(600)
    spot = drive.clock_s, drive.at_m
    drive.go(200)
    drive.clock_s, drive.at_m = spot
    found = final(drive.go(700))
    assert sorted(found) == [1, 2, 3]
    assert found[2].lap_time_s == pytest.approx(20.0, abs=0.01)


def _rewind(drive: Drive, clock_s: float, at_m: float) -> None:
    drive.clock_s, drive.at_m = clock_s, at_m
    drive.pass_time(2.0)
    drive.clock_s = clock_s
    drive.emit(Rewound(at_ns=drive.at_ns, session_time_s=clock_s))


def test_a_pause_is_not_driving_time() -> None:
    drive = Drive(at_m=900.0, clock=True).go(600)
    drive.at_ns += 60_000_000_000
    assert final(drive.go(700))[2].lap_time_s == pytest.approx(20.0, abs=0.01)


def test_a_restarted_session_counts_its_laps_on() -> None:
    drive = Drive(number=1, at_m=900.0).go(2200)
    drive.at_m, drive.state["lap_number"] = 900.0, 1
    found = final(drive.go(1200))
    assert [n for n, lap in sorted(found.items()) if lap.lap_time_s] == [2, 3, 6]
    assert found[6].lap_time_s == pytest.approx(20.0, abs=0.002)


def test_a_lap_with_a_hole_is_not_complete_yet_has_its_crossings() -> None:
    chunks = Drive(at_m=900.0).go(1300).chunks()
    holed = [chunk for chunk in chunks if not 30 <= chunk.chunk <= 35]
    lap = {lap.lap_number: lap for lap in laps(holed)}[2]
    assert lap.lap_time_s == pytest.approx(20.0, abs=0.002)
    assert (lap.complete, lap.valid, lap.frames) == (False, False, 200 - 18)


def test_a_lap_with_its_end_in_a_hole_has_no_crossing_time() -> None:
    chunks = Drive(at_m=900.0).go(2300).chunks()
    end = 220 // 3
    holed = [chunk for chunk in chunks if not end - 3 <= chunk.chunk <= end + 3]
    found = {lap.lap_number: lap for lap in laps(holed)}
    assert [found[n].lap_time_s for n in (2, 3)] == [None, None]
    assert [found[n].complete for n in (2, 3)] == [False, False]


def test_a_lap_goes_on_in_the_next_run_of_the_driver_app() -> None:
    drive = Drive(at_m=900.0).go(600)
    before, drive.moments = drive.chunks(run=10), []
    after = drive.go(700).chunks(run=11)
    lap = {lap.lap_number: lap for lap in laps([*after, *before])}[2]
    assert lap.lap_time_s == pytest.approx(20.0, abs=0.002)
    assert not lap.complete


def test_a_recording_imported_twice_has_its_laps_once() -> None:
    drive = Drive(at_m=900.0).go(1300)
    once, twice = drive.chunks(run=10), drive.chunks(frames=7, run=11)
    assert [lap.lap_number for lap in laps([*once, *twice])] == [1, 2, 3]


def test_a_session_that_is_taken_up_again_after_hours_has_no_lap_of_hours() -> None:
    drive = Drive(at_m=900.0).go(1600)
    before, drive.moments = drive.chunks(run=10), []
    drive.at_ns += 3 * 3600 * 10**9
    drive.at_m, drive.state["lap_number"] = 700.0, 3
    found = {lap.lap_number: lap for lap in laps([*before, *drive.go(1500).chunks(run=11)])}
    assert found[2].lap_time_s == pytest.approx(20.0, abs=0.002)
    assert (found[3].lap_time_s, found[3].complete, found[3].valid) == (None, False, False)
    assert found[4].lap_time_s == pytest.approx(20.0, abs=0.002)


@pytest.mark.parametrize("number", [3, 4])
def test_a_game_that_was_closed_for_hours_within_one_run_has_no_lap_of_hours(number: int) -> None:
    drive = Drive(at_m=900.0).go(1600)
    drive.at_ns += 3 * 3600 * 10**9
    drive.at_m, drive.state["lap_number"] = 20.0, number
    found = final(drive.go(2100), frames=1)
    assert found[2].lap_time_s == pytest.approx(20.0, abs=0.002)
    torn = [lap for lap in found.values() if lap.lap_time_s is None]
    assert torn and not any(lap.complete and lap.ended_ns for lap in torn)
    assert max(lap.lap_time_s or 0 for lap in found.values()) < 25
