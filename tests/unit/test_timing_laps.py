"""How laps follow from what was driven and what the sim says."""

import math

import msgspec
import pytest

from consumers.timing.replay import laps
from schemas.sim import Finished, LapReported, Rewound, SessionOpened
from schemas.timing import Lap
from tests.drives import Drive, Moment, cut, packed


def final(drive: Drive, frames: int = 3) -> dict[int, Lap]:
    """Return the laps of the driver's own car by number."""
    return {lap.lap_number: lap for lap in laps(drive.chunks(frames)) if lap.own}


def report(drive: Drive, lap_number: int, lap_time_s: float, **more: object) -> Drive:
    """Let the sim report a lap."""
    said = {"car": "7", "own": True} | more
    at = {"at_ns": drive.at_ns, "lap_number": lap_number, "lap_time_s": lap_time_s}
    return drive.say(LapReported(**(said | at)))  # type: ignore[arg-type]


def test_a_lap_between_two_crossings_is_timed_by_them() -> None:
    drive = Drive(at_m=900.0).go(200, 50).go(900, 40).go(200, 50)
    lap = final(drive)[2]
    assert lap.timed_by == "crossing"
    assert lap.lap_time_s == pytest.approx(100 / 50 + 900 / 40, abs=0.002)
    assert (lap.valid, lap.complete, lap.in_lap, lap.out_lap) == (True, True, False, False)


def test_a_crossing_between_frames_is_interpolated_by_fraction() -> None:
    drive = Drive(at_m=903.0).go(1300)
    placed: list[Moment] = []
    for moment in drive.moments:
        assert isinstance(moment, tuple)
        at_ns, frame = moment
        fraction = frame.pop("lap_distance") / 1000
        placed.append((at_ns, frame | {"lap_fraction": fraction, "speed": math.nan}))
    lap = {lap.lap_number: lap for lap in laps(cut(placed, [3] * len(placed)))}[2]
    assert lap.lap_time_s == pytest.approx(20.0, abs=0.002)


def test_the_sims_own_time_wins_over_crossings() -> None:
    drive = report(Drive(at_m=900.0).go(1200), 2, 20.123).go(100)
    assert (final(drive)[2].lap_time_s, final(drive)[2].timed_by) == (20.123, "sim")


def test_a_lap_whose_start_was_not_seen_has_only_the_sims_time() -> None:
    silent = Drive(number=5, at_m=500.0).go(600)
    assert (final(silent)[5].lap_time_s, final(silent)[5].complete) == (None, False)
    told = report(Drive(number=5, at_m=500.0).go(600), 5, 21.5).go(100)
    lap = final(told)[5]
    assert (lap.lap_time_s, lap.timed_by) == (21.5, "sim")
    assert not lap.complete and not lap.valid


def test_a_lap_that_the_sim_calls_valid_counts_though_its_start_was_not_recorded() -> None:
    drive = report(Drive(number=5, at_m=500.0).go(600), 5, 21.5, valid=True).go(100)
    assert (final(drive)[5].valid, final(drive)[5].complete) == (True, False)


def test_a_reported_lap_without_any_frames_is_a_lap() -> None:
    drive = report(Drive(number=5, at_m=500.0).go(100), 2, 19.0, sectors_s=(9.0, 10.0))
    lap = final(drive.go(50))[2]
    assert (lap.lap_time_s, lap.sectors_s, lap.frames) == (19.0, (9.0, 10.0), 0)
    assert lap.own and lap.valid and not lap.complete


def test_a_time_of_zero_is_no_time() -> None:
    drive = report(Drive(at_m=900.0).go(1200), 2, 0.0).go(100)
    assert final(drive)[2].timed_by == "crossing"


@pytest.mark.parametrize("lag_s", [-0.3, -0.1, 0.1, 0.2, 1.0])
def test_a_lap_number_that_changes_off_the_line_does_not_move_the_line(lag_s: float) -> None:
    drive = Drive(at_m=900.0).go(2400)
    lagging = _shift_numbers(drive.moments, round(lag_s * 10))
    laps_ = {lap.lap_number: lap for lap in laps(cut(lagging, [3] * len(lagging)))}
    assert sorted(laps_) == [1, 2, 3, 4]
    assert laps_[2].lap_time_s == pytest.approx(20.0, abs=0.002)
    assert laps_[3].lap_time_s == pytest.approx(20.0, abs=0.002)


def _shift_numbers(moments: list[Moment], frames: int) -> list[Moment]:
    numbers = [moment[1]["lap_number"] for moment in moments if isinstance(moment, tuple)]
    count = len(numbers)
    shifted = [numbers[min(max(index - frames, 0), count - 1)] for index in range(count)]
    return [
        (moment[0], moment[1] | {"lap_number": number})
        for moment, number in zip(moments, shifted, strict=True)
        if isinstance(moment, tuple)
    ]


def test_an_out_lap_that_shares_the_number_of_the_first_lap_is_the_lap_before() -> None:
    drive = Drive(number=1, at_m=400.0)
    drive.counts = False
    drive.go(700)
    drive.counts = True
    found = final(drive.go(1000))
    assert sorted(found) == [0, 1, 2]
    assert (found[0].lap_time_s, found[0].complete) == (None, False)
    assert found[1].lap_time_s == pytest.approx(20.0, abs=0.002)
    assert found[1].complete


def test_frames_before_the_line_belong_to_the_grid_and_not_to_the_first_lap() -> None:
    drive = Drive(number=1, at_m=-100.0).stand(3).go(1200)
    found = final(drive)
    assert found[1].started_ns is not None and found[0].started_ns is not None
    assert found[1].started_ns - found[0].started_ns > 4e9
    assert found[1].frames == 200
    assert found[1].complete


def test_a_lap_from_a_standing_start_on_the_line_is_whole() -> None:
    drive = report(Drive(number=1, at_m=0.0).stand(5).go(1000), 1, 21.0).go(100)
    assert (final(drive)[1].complete, final(drive)[1].lap_time_s) == (True, 21.0)


def test_the_flag_ends_a_lap_though_its_number_stays() -> None:
    drive = Drive(number=4, at_m=900.0).go(1099)
    drive.counts = False
    report(drive, 5, 20.02).go(400)
    drive.say(Finished(at_ns=drive.at_ns))
    found = final(drive)
    assert found[5].lap_time_s == 20.02
    assert found[5].complete
    assert found[6].lap_time_s is None


def test_the_flag_ends_a_lap_where_frames_stop_at_once() -> None:
    drive = Drive(number=4, at_m=900.0).go(1095)
    report(drive, 5, 20.02).say(Finished(at_ns=drive.at_ns))
    lap = final(drive)[5]
    assert (lap.lap_time_s, lap.complete, lap.ended_ns) == (20.02, True, drive.at_ns)


def test_a_change_of_the_last_lap_time_at_the_flag_ends_the_lap_being_driven() -> None:
    drive = Drive(number=4, at_m=900.0).set(last_lap_time=20.5).go(1099)
    drive.counts = False
    found = final(drive.set(last_lap_time=20.01).go(100))
    assert (found[5].lap_time_s, found[5].timed_by) == (pytest.approx(20.01, abs=1e-4), "sim")


def test_the_last_lap_time_channel_times_laps_where_the_sim_reports_none() -> None:
    drive = Drive(at_m=900.0).set(last_lap_time=-1).go(1200).set(last_lap_time=20.25).go(300)
    assert (final(drive)[2].lap_time_s, final(drive)[2].timed_by) == (20.25, "sim")


def test_a_last_lap_time_that_comes_a_lap_late_is_of_the_lap_that_took_so_long() -> None:
    drive = Drive(at_m=900.0).set(last_lap_time=-1).go(100).go(1000, 50).go(1000, 40)
    found = final(drive.go(100).set(last_lap_time=20.25).go(100).set(last_lap_time=25.5).go(100))
    assert [found[2].lap_time_s, found[3].lap_time_s] == [20.25, 25.5]


def test_the_running_lap_time_is_never_used() -> None:
    drive = Drive(at_m=900.0).set(lap_time=93.0).go(1200).set(lap_time=32.0).go(1000)
    assert final(drive)[2].lap_time_s == pytest.approx(20.0, abs=0.002)


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


def test_a_flashback_is_seen_by_the_clock_where_the_sim_does_not_tell() -> None:
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
    drive.say(Rewound(at_ns=drive.at_ns, session_time_s=clock_s))


def test_a_pause_is_not_driving_time() -> None:
    drive = Drive(at_m=900.0, clock=True).go(600)
    drive.at_ns += 60_000_000_000
    assert final(drive.go(700))[2].lap_time_s == pytest.approx(20.0, abs=0.01)


def test_laps_of_other_cars_are_laps_without_frames() -> None:
    drive = Drive(at_m=900.0).go(200)
    for lap_time_s in (22.0, 21.9):
        report(drive, 3, lap_time_s, own=False, car="44", sectors_s=(10.0, 12.0), valid=False)
    other = [lap for lap in laps(drive.go(100).chunks()) if not lap.own]
    assert [(lap.car, lap.lap_number, lap.lap_time_s) for lap in other] == [("44", 3, 21.9)]
    assert (other[0].frames, other[0].complete, other[0].valid) == (0, False, False)


def test_in_lap_and_out_lap_do_not_count() -> None:
    drive = Drive(at_m=900.0).set(in_pit_lane=0).go(1000).set(in_pit_lane=1)
    found = final(drive.go(150).set(in_pit_lane=0).go(2000))
    assert [found[n].in_lap for n in (2, 3, 4)] == [True, False, False]
    assert [found[n].out_lap for n in (2, 3, 4)] == [False, True, False]
    assert [found[n].pit for n in (2, 3, 4)] == [True, True, False]
    assert [found[n].valid for n in (2, 3, 4)] == [False, False, True]


def test_fuel_used_is_the_difference_over_the_lap() -> None:
    drive = Drive(at_m=900.0)
    for litres in range(30):
        drive.set(fuel_level=50 - litres / 10).go(50)
    assert final(drive)[2].fuel_used == pytest.approx(2.0, abs=0.01)


@pytest.mark.parametrize("frames", [1, 3, 1000])
def test_fuel_used_is_unknown_after_refuelling(frames: int) -> None:
    drive = Drive(at_m=900.0).set(fuel_level=50.0).go(500).set(fuel_level=20.0).go(100)
    drive.set(fuel_level=49.0).go(700)
    assert final(drive, frames)[2].fuel_used is None


def test_fuel_used_is_unknown_where_the_sim_does_not_tell() -> None:
    assert final(Drive(at_m=900.0).go(1200))[2].fuel_used is None


def test_a_lap_that_the_sim_holds_invalid_for_a_while_does_not_count() -> None:
    drive = Drive(at_m=900.0).set(lap_valid=1).go(500).set(lap_valid=0).go(200)
    assert not final(drive.set(lap_valid=1).go(500))[2].valid


def test_an_invalid_lap_that_the_sim_clears_late_does_not_taint_the_next() -> None:
    drive = Drive(at_m=900.0).set(lap_valid=1).go(500).set(lap_valid=0).go(750)
    found = final(drive.set(lap_valid=1).go(1000))
    assert [found[2].valid, found[3].valid] == [False, True]


def test_sectors_come_from_the_sector_channel_where_none_are_reported() -> None:
    drive = Drive(at_m=900.0).set(sector=2).go(100).set(sector=0).go(300)
    drive.set(sector=1).go(350).set(sector=2).go(350).set(sector=0).go(100)
    lap = final(drive)[2]
    assert lap.sectors_s == pytest.approx((6.0, 7.0, 7.0), abs=0.11)
    assert sum(lap.sectors_s) == pytest.approx(lap.lap_time_s)


def test_a_car_that_is_put_elsewhere_has_no_valid_lap() -> None:
    drive = Drive(at_m=900.0).go(500)
    drive.at_m = 100.0
    assert not final(drive.go(1000))[2].valid


def test_a_restarted_session_counts_its_laps_on() -> None:
    drive = Drive(number=1, at_m=900.0).go(2200)
    drive.at_m, drive.state["lap_number"] = 900.0, 1
    found = final(drive.go(1200))
    assert [n for n, lap in sorted(found.items()) if lap.lap_time_s] == [2, 3, 6]
    assert found[6].lap_time_s == pytest.approx(20.0, abs=0.002)


def test_a_passing_nonsense_number_is_not_a_restart() -> None:
    drive = Drive(number=5, at_m=900.0).go(500)
    drive.state["lap_number"] = 0
    drive.go(100)
    drive.state["lap_number"] = 6
    found = final(drive.go(700))
    assert sorted(found) == [5, 6, 7]
    assert found[6].complete


def test_frames_without_a_lap_number_belong_to_the_lap_around_them() -> None:
    drive = Drive(number=math.nan, at_m=900.0).go(50)
    drive.state["lap_number"] = 5
    drive.go(500).set(lap_number=math.nan).go(100).set(lap_number=6).go(600)
    found = final(drive)
    assert sorted(found) == [5, 6, 7]
    assert found[6].lap_time_s == pytest.approx(20.0, abs=0.01)


def test_a_car_without_lap_numbers_has_laps_by_the_line_alone() -> None:
    drive = Drive(number=math.nan, at_m=900.0).go(2200)
    found = final(drive)
    assert [lap.lap_time_s for lap in found.values()][1:3] == pytest.approx([20.0, 20.0], abs=0.01)
    assert len(found) == 4


def test_a_stage_that_never_passes_the_line_has_no_laps() -> None:
    assert final(Drive(number=math.nan, at_m=5.0).go(900)) == {}


def test_a_lap_with_a_hole_is_not_complete_yet_has_its_crossings() -> None:
    chunks = Drive(at_m=900.0).go(1300).chunks()
    holed = [chunk for chunk in chunks if not 30 <= chunk.chunk <= 35]
    lap = {lap.lap_number: lap for lap in laps(holed)}[2]
    assert lap.lap_time_s == pytest.approx(20.0, abs=0.002)
    assert (lap.complete, lap.valid, lap.frames) == (False, False, 200 - 18)


def test_a_lap_whose_end_fell_into_a_hole_has_no_crossing_time() -> None:
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


def test_what_a_newer_sim_event_says_is_left_out() -> None:
    drive = report(Drive(at_m=900.0).go(1200), 2, 20.5)
    row = drive.chunks(frames=10_000)[0]
    known = msgspec.msgpack.decode(row.observed)
    newer = msgspec.msgpack.encode([{"type": "sim.weather", "at_ns": 1}, *known])
    chunks = [row, packed([], [], newer, number=1)]
    assert {lap.lap_number: lap for lap in laps(chunks)}[2].lap_time_s == 20.5


def test_the_own_car_is_named_by_the_session() -> None:
    drive = Drive(at_m=900.0)
    drive.say(SessionOpened(at_ns=drive.at_ns, source="test", car="44"))
    assert {lap.car for lap in laps(drive.go(1200).chunks())} == {"44"}


@pytest.mark.parametrize(("lap_time_s", "whole"), [(19.85, True), (21.5, False)])
def test_a_recording_that_begins_with_the_lap_has_it_whole(lap_time_s: float, whole: bool) -> None:
    drive = report(Drive(number=5, at_m=5.0).go(1000), 5, lap_time_s).go(100)
    assert (final(drive)[5].complete, final(drive)[5].valid) == (whole, whole)


def test_a_car_that_is_put_into_the_pits_has_no_lap_of_it() -> None:
    drive = Drive(at_m=900.0).set(in_pit_lane=0).go(600)
    drive.at_m = 950.0
    drive.set(in_pit_lane=1).stand(5).go(100, 20)
    found = final(drive.set(in_pit_lane=0).go(1100))
    assert [found[n].valid for n in (2, 3)] == [False, False]
    assert (found[2].in_lap, found[3].out_lap) == (True, True)
    assert found[4].valid


def test_a_stop_in_a_pit_lane_that_passes_the_line_makes_an_in_lap_and_an_out_lap() -> None:
    drive = Drive(at_m=900.0).set(in_pit_lane=0, fuel_level=40).go(1050)
    drive.set(in_pit_lane=1).go(70, 20).stand(8).set(fuel_level=60).go(100, 20)
    found = final(drive.set(in_pit_lane=0).go(2000))
    assert [(found[n].in_lap, found[n].out_lap, found[n].pit) for n in (2, 3, 4)] == [
        (True, False, True),
        (False, True, True),
        (False, False, False),
    ]
    assert [found[n].valid for n in (2, 3, 4)] == [False, False, True]
    assert found[3].lap_time_s == pytest.approx(120 / 20 + 8 + 880 / 50, abs=0.002)


def test_a_drive_through_on_one_lap_is_both_in_and_out_lap() -> None:
    drive = Drive(at_m=900.0).set(in_pit_lane=0).go(300).set(in_pit_lane=1).go(200, 20)
    lap = final(drive.set(in_pit_lane=0).go(700))[2]
    assert (lap.in_lap, lap.out_lap, lap.pit, lap.valid) == (True, True, True, False)


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


def test_a_first_lap_that_began_before_the_recording_does_not_count() -> None:
    found = final(Drive(number=5, at_m=300.0).set(lap_valid=1).go(1800))
    assert [found[n].valid for n in (5, 6)] == [False, True]
    assert found[5].lap_time_s is None


def test_a_car_that_is_put_before_the_line_has_not_passed_it() -> None:
    drive = Drive(number=1, at_m=76.0).set(in_pit_lane=1).stand(5)
    drive.at_m = -300.0
    found = final(drive.set(in_pit_lane=0).go(1400))
    assert sorted(found) == [0, 1, 2]
    assert (found[0].valid, found[0].out_lap) == (False, True)
    assert found[1].lap_time_s == pytest.approx(20.0, abs=0.01)
    assert found[1].valid


@pytest.mark.parametrize("counts", [0, 1])
def test_a_car_that_is_put_into_a_box_behind_the_line_has_not_driven_there(counts: int) -> None:
    drive = Drive(at_m=900.0).set(in_pit_lane=0).go(1450)
    drive.at_m = 20.0
    drive.state["lap_number"] += counts
    drive.set(in_pit_lane=1).stand(5).go(30, 20)
    found = final(drive.set(in_pit_lane=0).go(2100))
    assert found[2].lap_time_s == pytest.approx(20.0, abs=0.002)
    assert (found[3].valid, found[3].in_lap or not found[3].complete) == (False, True)
    timed = [n for n, lap in found.items() if lap.valid and lap.lap_time_s]
    assert timed == [2, 4 + counts]
