"""Test which laps count (seen whole, not pitted, not moved, not invalid) and their fuel."""

import pytest

from tests.tools.drives import Drive, final, report


def test_a_lap_that_the_sim_calls_valid_counts_though_its_start_was_not_recorded() -> None:
    drive = report(Drive(number=5, at_m=500.0).go(600), 5, 21.5, valid=True).go(100)
    assert (final(drive)[5].valid, final(drive)[5].complete) == (True, False)


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


def test_fuel_used_is_unknown_where_the_sim_does_not_report_fuel() -> None:
    assert final(Drive(at_m=900.0).go(1200))[2].fuel_used is None


def test_a_lap_that_the_sim_holds_invalid_for_a_while_does_not_count() -> None:
    drive = Drive(at_m=900.0).set(lap_valid=1).go(500).set(lap_valid=0).go(200)
    assert not final(drive.set(lap_valid=1).go(500))[2].valid


def test_an_invalid_lap_that_the_sim_clears_late_does_not_taint_the_next() -> None:
    drive = Drive(at_m=900.0).set(lap_valid=1).go(500).set(lap_valid=0).go(750)
    found = final(drive.set(lap_valid=1).go(1000))
    assert [found[2].valid, found[3].valid] == [False, True]


def test_a_car_that_is_put_elsewhere_has_no_valid_lap() -> None:
    drive = Drive(at_m=900.0).go(500)
    drive.at_m = 100.0
    lap = final(drive.go(1000))[2]
    assert (lap.lap_time_s, lap.valid) == (None, False)


def test_a_lap_that_the_sim_gives_no_time_does_not_count_though_it_was_seen_whole() -> None:
    drive = report(Drive(at_m=900.0).go(1200), 2, 0.0, valid=False).go(100)
    lap = final(drive)[2]
    assert (lap.lap_time_s, lap.timed_by, lap.complete) == (pytest.approx(20), "crossing", True)
    assert not lap.valid


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


def test_a_reported_but_unseen_lap_has_nothing_of_the_way_to_it() -> None:
    drive = Drive(number=1, at_m=76.0).set(in_pit_lane=1).stand(5)
    drive.at_m = -300.0
    lap = final(report(drive.set(in_pit_lane=0).go(200), 1, 74.859, valid=True))[1]
    assert (lap.lap_time_s, lap.valid, lap.out_lap, lap.complete) == (74.859, True, False, False)


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
